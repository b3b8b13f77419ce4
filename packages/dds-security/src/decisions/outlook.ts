import { domainSetHas } from "../documents/domains.ts";
import type { Access } from "./access.ts";
import type { Decision } from "./decision.ts";
import { type Silence, silenceOf } from "./silence.ts";

/** What one participant can say to another on a topic. */
export interface TopicOutlook {
  /** A name, or an expression that stands in one of the documents, asked for as it is written. */
  readonly topic: string;
  readonly isPattern: boolean;
  /** One may write it, the other read it, and their endpoints match. */
  readonly flows: boolean;
  readonly publish: Decision;
  readonly subscribe: Decision;
  /** Whether both protect it alike: endpoints with different masks do not match. Undefined where one has no rule for it. */
  readonly sameProtection?: boolean;
}

/** What one participant can say to another in a domain. */
export interface Outlook {
  /** Whether both may join, and both protect their participants alike. */
  readonly joins: boolean;
  readonly sameProtection: boolean;
  /** In the order of the documents, publisher's first. */
  readonly topics: readonly TopicOutlook[];
  /** Why none flows, where both may join, none does and none was asked for. */
  readonly silence?: Silence;
}

/**
 * What `from` can say to `to`, both in the same domain, on the default partition. Where no topics are asked for, they are
 * those that a document of one of them names: literal ones, and expressions, which are asked for as if they were a
 * topic of that name. So an expression is told where one lies inside the other, which is what people write; one that does
 * not flow whole is left out, for it says nothing of the topics in it.
 */
export function outlookOf(from: Access, to: Access, asked: readonly string[] = []): Outlook {
  const names = asked.length > 0 ? asked : namedTopics(from, to);
  const [mine, theirs] = [from.participantProtection(), to.participantProtection()];
  const sameProtection = sameMasks(mine, theirs) === true;
  const joins = sameProtection && from.join().allowed && to.join().allowed;
  const all = [...new Set(names)].map((topic): TopicOutlook => {
    const [publish, subscribe] = [from.publish(topic), to.subscribe(topic)];
    const same = sameMasks(from.protection(topic), to.protection(topic));
    return {
      topic,
      isPattern: /[*?[]/.test(topic),
      flows: joins && publish.allowed && subscribe.allowed && same === true,
      publish,
      subscribe,
      ...(same !== undefined && { sameProtection: same }),
    };
  });
  const topics = all.filter(({ flows, isPattern }) => flows || !isPattern || asked.length > 0);
  const isSilent = joins && asked.length === 0 && !topics.some(({ flows }) => flows);
  return { joins, sameProtection, topics, ...(isSilent && { silence: silenceOf(from, to) }) };
}

/** Of what the writer may publish, the reader subscribe, and both governances rule over. */
function namedTopics(from: Access, to: Access): readonly string[] {
  const granted = (access: Access, kind: "publish" | "subscribe") =>
    access.grant.rules
      .filter(({ domains }) => domainSetHas(domains, access.domain))
      .flatMap(({ criteria }) => criteria.filter((criterion) => criterion.kind === kind))
      .flatMap(({ topics }) => topics.map(({ value }) => value));
  const ruled = ({ domainRule }: Access) =>
    (domainRule?.topicRules ?? []).map(({ topicExpression }) => topicExpression.value);
  return [...granted(from, "publish"), ...granted(to, "subscribe"), ...ruled(from), ...ruled(to)];
}

interface Masks {
  readonly attributes: number;
  readonly pluginAttributes: number;
}

function sameMasks(one: Masks | undefined, other: Masks | undefined): boolean | undefined {
  if (one === undefined || other === undefined) return undefined;
  return one.attributes === other.attributes && one.pluginAttributes === other.pluginAttributes;
}
