import { domainSetHas, domainSetHasTag } from "../documents/domains.ts";
import type { DomainRule, GovernanceModel, TopicRule } from "../documents/governance.ts";
import type { AccessRule, Grant } from "../documents/permissions.ts";
import { type Considered, type Decision, makeDecision, type RequestTag, type Verdict } from "./decision.ts";
import type { AccessAction, Dialect, DialectName, Rights, Step } from "./dialect.ts";
import { type ParticipantProtection, participantProtection } from "./protection-participant.ts";
import { type TopicProtection, topicProtection } from "./protection-topic.ts";
import { TopicIndex } from "./topic-index.ts";
import { whyNot } from "./why-not.ts";

export interface EndpointOptions {
  /** Partitions of the publisher or subscriber. Default: the default partition. */
  readonly partitions?: readonly string[];
  /** Data tags of the writer or reader. */
  readonly tags?: readonly RequestTag[];
}

/** Decides over access, as often as asked. Made by {@link compileAccess}. */
export class Access {
  readonly dialect: DialectName;
  readonly domain: number;
  readonly grant: Grant;
  /** Of the governance; undefined where none covers the domain. */
  readonly domainRule: DomainRule | undefined;
  readonly #dialect: Dialect;
  readonly #rights: Rights;
  readonly #topics = new TopicIndex<TopicRule>();
  readonly #plain = { publish: new Map(), subscribe: new Map(), relay: new Map() } as {
    readonly [A in AccessAction]: Map<string, Decision>;
  };

  constructor(
    dialect: Dialect,
    governance: GovernanceModel,
    grant: Grant,
    { id: domain, tag }: { readonly id: number; readonly tag: string },
  ) {
    const domainRule = governance.domainRules.find(
      ({ domains }) => domainSetHas(domains, domain) && domainSetHasTag(domains, tag),
    );
    const rules = grant.rules.filter(
      (rule) => dialect.appliesIn(rule, domain) && domainSetHasTag(rule.domains, tag),
    );
    const index = (action: AccessAction) => indexSteps(dialect, rules, action);
    const steps = { publish: index("publish"), subscribe: index("subscribe"), relay: index("relay") };
    for (const rule of domainRule?.topicRules ?? [])
      this.#topics.add([dialect.expression(rule.topicExpression.value)], rule);
    this.dialect = dialect.name;
    this.domain = domain;
    this.grant = grant;
    this.domainRule = domainRule;
    this.#dialect = dialect;
    if (domainRule !== undefined) dialect.checkDomainRule(domainRule);
    const stepsOf = (action: AccessAction, topic: string) => steps[action].all(topic);
    this.#rights = { domain, domainRule, grant, rules, stepsOf };
  }

  /** May the participant join the domain (check_create_participant). */
  join(): Decision {
    const verdict = this.#dialect.join(this.#rights);
    return makeDecision(verdict, () => this.#before(verdict, "it does not speak of joining"));
  }

  /** May it create the topic (check_create_topic). */
  topic(topic: string): Decision {
    const verdict =
      this.#dialect.topic === undefined
        ? this.#dialect.says.open(`creating topic ${topic}`, undefined)
        : (this.#withoutGrant(topic, undefined) ?? this.#dialect.topic(this.#rights, topic));
    const why = `it does not decide on creating topic "${topic.slice(0, 60)}"`;
    return makeDecision(verdict, () => this.#before(verdict, why));
  }

  /** May it write the topic (check_create_datawriter). */
  publish(topic: string, options?: EndpointOptions): Decision {
    return this.#endpoint("publish", topic, options);
  }

  /** May it read the topic (check_create_datareader). */
  subscribe(topic: string, options?: EndpointOptions): Decision {
    return this.#endpoint("subscribe", topic, options);
  }

  /** May it relay the topic: pass samples on that it cannot read. */
  relay(topic: string, options?: EndpointOptions): Decision {
    return this.#endpoint("relay", topic, options);
  }

  /** The rule of the governance for a topic. */
  topicRule(topic: string): TopicRule | undefined {
    const { expression, topicsArePatterns } = this.#dialect;
    const pattern = topicsArePatterns ? expression(topic) : undefined;
    if (pattern === undefined || pattern.literal) return this.#topics.first(topic);
    return this.domainRule?.topicRules.find(
      ({ topicExpression: { value } }) => expression(value).matches(topic) || pattern.matches(value),
    );
  }

  /** What is encrypted, signed and open of a topic, with the masks as they go on the wire. */
  protection(topic: string): TopicProtection | undefined {
    const rule = this.topicRule(topic);
    return rule && topicProtection(rule);
  }

  /** What is encrypted, signed and open of the participant, with the masks as they go on the wire. */
  participantProtection(): ParticipantProtection | undefined {
    return this.domainRule && participantProtection(this.domainRule);
  }

  #endpoint(action: AccessAction, topic: string, options: EndpointOptions = NO_OPTIONS): Decision {
    const { partitions = NONE, tags = NONE } = options;
    if (partitions.length > 0 || tags.length > 0) return this.#decide(action, topic, partitions, tags);
    const known = this.#plain[action].get(topic);
    if (known !== undefined) return known;
    // It is given out again and again: nobody may change it.
    const decision = Object.freeze(this.#decide(action, topic, NONE, NONE));
    // Topics are few; whoever asks for more than a program has must not fill the memory.
    if (this.#plain[action].size >= MAX_KNOWN) this.#plain[action].clear();
    this.#plain[action].set(topic, decision);
    return decision;
  }

  #decide(
    action: AccessAction,
    topic: string,
    partitions: readonly string[],
    tags: readonly RequestTag[],
  ): Decision {
    const open = this.#withoutGrant(topic, action);
    if (open !== undefined) return makeDecision(open, () => []);
    const request = { topic, partitions, tags };
    let decided: Step | undefined;
    let verdict: Verdict | undefined;
    for (const step of this.#rights.stepsOf(action, topic)) {
      verdict = this.#dialect.judge(step, request);
      decided = step;
      if (verdict !== undefined) break;
    }
    const end = verdict === undefined ? undefined : decided;
    verdict ??= this.#dialect.says.fallback(this.grant, topic);
    return makeDecision(verdict, () => this.#considered(action, request, end));
  }

  /** What the governance decides alone; undefined where the grant is to be asked. */
  #withoutGrant(topic: string, action: AccessAction | undefined): Verdict | undefined {
    const { says } = this.#dialect;
    if (this.#dialect.isBuiltin(topic)) return says.builtin(topic);
    if (this.domainRule === undefined) return says.noDomain(this.domain);
    const rule = this.topicRule(topic);
    if (rule === undefined) return says.noTopicRule(topic, this.domain);
    const { enableReadAccessControl: read, enableWriteAccessControl: write } = rule;
    if (action === undefined) {
      return read.value && write.value ? undefined : says.open(`creating topic ${topic}`, rule.location);
    }
    const controlled = action === "publish" ? write.value : read.value;
    return controlled ? undefined : says.open(`${WORDS[action]} topic ${topic}`, rule.location);
  }

  get #outside(): string {
    return `it is not for domain ${this.domain}`;
  }

  /** The rules of the grant before the one that decided on the participant or a topic; none where the governance did. */
  #before({ rule, allowed }: Verdict, why: string): readonly Considered[] {
    const { rules, defaultAction, location } = this.grant;
    const at = rules.findIndex((each) => each.location === rule);
    const isDefault = rule === defaultAction.location || rule === location;
    if (at < 0 && (!isDefault || (rule === undefined && allowed))) return [];
    const looked = rules.slice(0, at < 0 ? MAX_CONSIDERED : Math.min(at, MAX_CONSIDERED));
    return looked.map((each) => ({
      rule: each.location,
      why: this.#rights.rules.includes(each) ? why : this.#outside,
    }));
  }

  #considered(
    action: AccessAction,
    request: { topic: string; partitions: readonly string[]; tags: readonly RequestTag[] },
    decided: Step | undefined,
  ): readonly Considered[] {
    const until = decided === undefined ? this.grant.rules.length : this.grant.rules.indexOf(decided.rule);
    return this.grant.rules.slice(0, Math.min(until, MAX_CONSIDERED)).map((rule) => ({
      rule: rule.location,
      why: this.#rights.rules.includes(rule) ? whyNot(this.#dialect, rule, action, request) : this.#outside,
    }));
  }
}

function indexSteps(dialect: Dialect, rules: readonly AccessRule[], action: AccessAction): TopicIndex<Step> {
  const index = new TopicIndex<Step>();
  for (const rule of rules) for (const step of dialect.steps(rule, action)) index.add(step.topics, step);
  return index;
}

const WORDS = { publish: "publishing to", subscribe: "subscribing to", relay: "relaying" } as const;
const NONE: readonly never[] = [];
const NO_OPTIONS: EndpointOptions = {};
const MAX_KNOWN = 4096;
const MAX_CONSIDERED = 100;
