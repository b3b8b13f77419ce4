import type { Expression } from "../decisions/expression.ts";
import { spec } from "../decisions/spec.ts";
import type { AccessRule, Criterion, Grant } from "../documents/permissions.ts";
import { type Finding, finding } from "../finding.ts";
import { type AuditInput, at, coveredBy, domainText, quoted } from "./input.ts";

/** Rules that are never reached, because earlier ones decide all that they are for. */
export function judgeReach(input: AuditInput): Finding[] {
  return [
    ...judgeDomainRules(input),
    ...judgeTopicRules(input),
    ...judgeGrants(input),
    ...judgeAccessRules(input),
  ];
}

function judgeDomainRules(input: AuditInput): Finding[] {
  const rules = input.deployment.governance?.model.domainRules ?? [];
  return rules.flatMap(({ domains, location }, index) => {
    const earlier = rules.slice(0, index).map((rule) => rule.domains);
    if (domains.tags.length > 0 || earlier.length === 0 || !coveredBy(domains, earlier)) return [];
    const message = `the rule for domains ${domainText(domains)} is never reached: earlier ones cover them`;
    return [unreached(input, "dds.sec.access.governance", location, message)];
  });
}

function judgeTopicRules(input: AuditInput): Finding[] {
  const rules = input.deployment.governance?.model.domainRules ?? [];
  return rules.flatMap(({ topicRules }) => {
    const seen = new Seen();
    return topicRules.flatMap(({ topicExpression: { value }, location }) => {
      const hidden = seen.hides(value);
      if (hidden === undefined) seen.add(value);
      const message = `the rule for topics ${quoted(value)} is never reached: ${quoted(hidden ?? "")} comes first`;
      return hidden === undefined ? [] : [unreached(input, "dds.sec.access.governance", location, message)];
    });
  });
}

/** Of two grants with one subject, valid at the same time, the first counts. */
function judgeGrants(input: AuditInput): Finding[] {
  const bySubject = new Map<string, Grant>();
  return (input.deployment.permissions?.model.grants ?? []).flatMap((grant) => {
    const { subject, validity, location, name } = grant;
    const first = bySubject.get(subject.text);
    if (first === undefined) {
      bySubject.set(subject.text, grant);
      return [];
    }
    const begins = first.validity.notBefore.value <= validity.notBefore.value;
    const ends = first.validity.notAfter.value >= validity.notAfter.value;
    if (!begins || !ends) return [];
    const message = `grant ${quoted(name)} is never reached: ${quoted(first.name)} has its subject, and comes first`;
    return [unreached(input, "dds.sec.access.permissions", location, message)];
  });
}

/** Of the grant that counts: a topic of a rule that an earlier rule decides in the same domains. */
function judgeAccessRules(input: AuditInput): Finding[] {
  const earlier: { readonly rule: AccessRule; readonly seen: Record<Criterion["kind"], Seen> }[] = [];
  const findings: Finding[] = [];
  for (const rule of (input.deployment.grant?.rules ?? []).slice(0, MAX_RULES)) {
    const before = earlier.filter((other) => coveredBy(rule.domains, [other.rule.domains]));
    const seen = { publish: new Seen(), subscribe: new Seen(), relay: new Seen() };
    for (const criterion of rule.criteria) {
      for (const { value, location } of criterion.topics) {
        const hidden = before
          .map((other) => other.seen[criterion.kind].hides(value))
          .find((text) => text !== undefined);
        if (hidden !== undefined) {
          const message = `${criterion.kind} ${quoted(value)} is never reached: an earlier rule decides ${quoted(hidden)}`;
          findings.push(unreached(input, "dds.sec.access.permissions", location, message));
        }
        // Only what holds in all partitions and for all tags leaves nothing to later rules.
        if (isUnconditional(rule, criterion)) seen[criterion.kind].add(value);
      }
    }
    earlier.push({ rule, seen });
    if (findings.length >= MAX_FINDINGS) break;
  }
  return findings;
}

const isUnconditional = ({ action }: AccessRule, { partitions, dataTags = [] }: Criterion): boolean =>
  dataTags.length === 0 &&
  (action === "deny"
    ? partitions === undefined || partitions.some(({ value }) => value === "*")
    : partitions?.some(({ value }) => value === "*") === true);

/** Patterns that came before: the literal ones are looked up. */
class Seen {
  readonly #literal = new Set<string>();
  readonly #patterns: Expression[] = [];

  add(text: string): void {
    const expression = spec.expression(text);
    if (expression.literal) this.#literal.add(text);
    else if (this.#patterns.length < MAX_PATTERNS) this.#patterns.push(expression);
  }

  /** An earlier pattern that matches all that this one does. */
  hides(text: string): string | undefined {
    if (this.#literal.has(text)) return text;
    const expression = spec.expression(text);
    return this.#patterns.find((pattern) => expressionCovers(pattern, expression))?.text;
  }
}

/** Whether one pattern surely matches all that another does; where it is not plain to see, no. */
function expressionCovers(wide: Expression, narrow: Expression): boolean {
  if (narrow.literal) return wide.matches(narrow.text);
  if (wide.text === narrow.text) return true;
  const prefix = /^([^*?[\]\\]*)\*$/.exec(wide.text)?.[1];
  return prefix !== undefined && narrow.text.startsWith(prefix);
}

const unreached = (
  input: AuditInput,
  property: Parameters<typeof at>[1],
  location: Parameters<typeof at>[2],
  message: string,
): Finding =>
  finding("RULE_WITHOUT_EFFECT", "warning", message, {
    ...at(input, property, location),
    hint: "Put the narrower rule first, or remove it.",
  });

const MAX_RULES = 2_000;
const MAX_PATTERNS = 200;
const MAX_FINDINGS = 200;
