import type { SourceLocation } from "@ddscred/core";
import { domainSetHas } from "../documents/domains.ts";
import type { Access } from "./access.ts";
import { mayOverlap } from "./overlap.ts";

/** A topic, or an expression of topics, and the rule that gives it. */
export interface GivenTopic {
  readonly topic: string;
  readonly rule?: SourceLocation;
}

/** Why no topic flows: what one may write, and what the other may read, on the default partition. */
export interface Silence {
  readonly mayWrite: readonly GivenTopic[];
  readonly mayRead: readonly GivenTopic[];
  /** Whether there may be a topic that one may write and the other read, though no document names it. */
  readonly overlap: boolean;
}

export function silenceOf(from: Access, to: Access): Silence {
  const mayWrite = given(from, "publish");
  const mayRead = given(to, "subscribe");
  const overlap =
    mayWrite.length * mayRead.length > MAX_PAIRS ||
    mayWrite.some(({ topic }) => mayRead.some((other) => mayOverlap(topic, other.topic)));
  return { mayWrite, mayRead, overlap };
}

/** What a grant allows, and what a governance leaves to everybody, as it is written there. */
function given(access: Access, kind: "publish" | "subscribe"): readonly GivenTopic[] {
  const found = new Map<string, GivenTopic>();
  const rules = access.grant.rules.filter(
    ({ action, domains }) => action === "allow" && domainSetHas(domains, access.domain),
  );
  const criteria = rules.flatMap((rule) => rule.criteria).filter((criterion) => criterion.kind === kind);
  for (const { value: topic, location: rule } of criteria.flatMap(({ topics }) => topics)) {
    // An expression with a set is no topic that it matches itself.
    if (!found.has(topic) && (topic.includes("[") || access[kind](topic).allowed))
      found.set(topic, { topic, rule });
  }
  for (const { topicExpression } of access.domainRule?.topicRules ?? []) {
    const topic = topicExpression.value;
    const { allowed, rule } = access[kind](topic);
    if (allowed && !found.has(topic)) found.set(topic, { topic, ...(rule !== undefined && { rule }) });
  }
  return [...found.values()];
}

const MAX_PAIRS = 2000;
