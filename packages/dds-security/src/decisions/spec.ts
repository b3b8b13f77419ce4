import { domainSetHas } from "../documents/domains.ts";
import { compileFnmatch } from "../documents/fnmatch.ts";
import { readGovernance } from "../documents/governance.ts";
import { grantFor } from "../documents/grant.ts";
import { type AccessRule, readPermissions } from "../documents/permissions.ts";
import type { EndpointRequest, Verdict } from "./decision.ts";
import {
  type AccessAction,
  type Dialect,
  everyMatches,
  partitionsOf,
  type Rights,
  type Step,
  someMatches,
} from "./dialect.ts";
import { expressionsOf } from "./expression.ts";

const expression = expressionsOf(/[*?[\\]/, compileFnmatch);

/** DDS-Security 1.2, 10.4; documents of 1.1 are those without the elements that 1.2 added. */
export const spec: Dialect = {
  name: "spec",
  title: "DDS Security",
  readGovernance,
  readPermissions,
  grantFor,
  expression,
  knowsDomainTags: true,
  topicsArePatterns: false,
  isBuiltin: () => false,
  appliesIn: ({ domains }, domain) => domainSetHas(domains, domain),
  steps,
  judge,
  says: {
    builtin: () => ({ allowed: true, code: "ALLOWED", reason: "no document rules over a builtin topic" }),
    noDomain: (domain) => ({
      allowed: false,
      code: "DOMAIN_NOT_COVERED",
      reason: `no domain rule of the governance covers domain ${domain}`,
    }),
    noTopicRule: (topic, domain) => ({
      allowed: false,
      code: "TOPIC_NOT_COVERED",
      reason: `no topic rule of the governance matches topic ${topic} in domain ${domain}`,
    }),
    open: (what, rule) => ({
      allowed: true,
      code: "ALLOWED",
      reason: `the governance does not control ${what}`,
      rule,
    }),
    fallback: ({ defaultAction: { value, location } }, topic) =>
      value === "ALLOW"
        ? {
            allowed: true,
            code: "ALLOWED",
            reason: `no rule matches topic ${topic}, and the default is ALLOW`,
            rule: location,
          }
        : {
            allowed: false,
            code: "ACCESS_DENIED",
            reason: `no rule matches topic ${topic}, and the default is DENY`,
            rule: location,
          },
  },
  checkDomainRule: () => undefined,
  join,
  topic,
};

function steps(rule: AccessRule, action: AccessAction): readonly Step[] {
  return rule.criteria
    .filter(({ kind }) => kind === action)
    .map(({ location, topics, partitions, dataTags }) => ({
      rule,
      location,
      topics: topics.map(({ value }) => expression(value)),
      partitions: partitions?.map(({ value }) => expression(value)),
      tags: dataTags,
    }));
}

/** 10.4.1.5.3.4.1 for allow rules, 10.4.1.5.3.4.2 for deny rules. */
function judge(step: Step, request: EndpointRequest): Verdict | undefined {
  return step.rule.action === "allow" ? judgeAllow(step, request) : judgeDeny(step, request);
}

/** Every partition is listed (none listed: only the default partition), and every tag. */
function judgeAllow({ rule, partitions, tags }: Step, request: EndpointRequest): Verdict | undefined {
  const asked = partitionsOf(request);
  const fits =
    partitions === undefined ? asked.every((name) => name === "") : everyMatches(asked, partitions);
  const tagged = request.tags.every((tag) => hasTag(tags ?? [], tag));
  if (!fits || !tagged) return undefined;
  const { location } = rule;
  const reason = `the allow rule at line ${location.line} matches topic ${request.topic}`;
  return { allowed: true, code: "ALLOWED", reason, rule: location };
}

/** Any partition is listed (none listed: whatever the partitions are), and any tag. */
function judgeDeny({ rule, partitions, tags }: Step, request: EndpointRequest): Verdict | undefined {
  const fits = partitions === undefined || someMatches(partitionsOf(request), partitions);
  const tagged = tags === undefined || request.tags.some((tag) => hasTag(tags, tag));
  if (!fits || !tagged) return undefined;
  const { location } = rule;
  const reason = `the deny rule at line ${location.line} matches topic ${request.topic}`;
  return { allowed: false, code: "ACCESS_DENIED", reason, rule: location };
}

type Tags = readonly { readonly name: string; readonly value: string }[];

const hasTag = (tags: Tags, { name, value }: { name: string; value: string }): boolean =>
  tags.some((tag) => tag.name === name && tag.value === value);

/** Table 70: the first rule for the domain that speaks of joining: an allow rule, or a deny rule without criteria. */
function join({ domainRule, grant, rules, domain }: Rights): Verdict {
  if (domainRule === undefined) return spec.says.noDomain(domain);
  if (!domainRule.enableJoinAccessControl.value) {
    return spec.says.open(`joining domain ${domain}`, domainRule.location);
  }
  const decides = rules.find(({ action, criteria }) => action === "allow" || criteria.length === 0);
  if (decides === undefined) {
    const { value, location } = grant.defaultAction;
    const reason = `no allow rule of the grant covers domain ${domain}, and the default is ${value}`;
    return value === "ALLOW"
      ? { allowed: true, code: "ALLOWED", reason, rule: location }
      : { allowed: false, code: "DOMAIN_NOT_COVERED", reason, rule: location ?? grant.location };
  }
  const { action, location } = decides;
  const reason = `the ${action} rule at line ${location.line} covers domain ${domain}`;
  return action === "allow"
    ? { allowed: true, code: "ALLOWED", reason, rule: location }
    : { allowed: false, code: "ACCESS_DENIED", reason, rule: location };
}

/** Where it may be published or subscribed to, in some partition and with some tags. */
function topic(rights: Rights, name: string): Verdict {
  const first = (action: AccessAction) =>
    rights.stepsOf(action, name).find(({ rule, partitions, tags }) => {
      return rule.action === "allow" || (partitions === undefined && tags === undefined);
    });
  const verdicts = (["publish", "subscribe"] as const).map((action): Verdict => {
    const rule = first(action)?.rule;
    if (rule === undefined) return spec.says.fallback(rights.grant, name);
    const reason = `the ${rule.action} rule at line ${rule.location.line} matches topic ${name} for ${action}`;
    return rule.action === "allow"
      ? { allowed: true, code: "ALLOWED", reason, rule: rule.location }
      : { allowed: false, code: "ACCESS_DENIED", reason, rule: rule.location };
  });
  return verdicts.find(({ allowed }) => allowed) ?? verdicts[0] ?? spec.says.fallback(rights.grant, name);
}
