import type { DistinguishedName, SourceLocation } from "@ddscred/core";
import { domainSetHas } from "../documents/domains.ts";
import type { AccessRule, Grant, Permissions } from "../documents/permissions.ts";
import { readCycloneGovernance, readCyclonePermissions } from "./cyclonedds-documents.ts";
import { cycloneExpression } from "./cyclonedds-fnmatch.ts";
import { cycloneSubjectMatches } from "./cyclonedds-subject.ts";
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
import { PeerRefusal } from "./peer-refusal.ts";

/** Cyclone DDS: its readings, and its codes and words where it gives some. */
export const cyclonedds: Dialect = {
  name: "cyclonedds",
  title: "Cyclone DDS",
  readGovernance: readCycloneGovernance,
  readPermissions: readCyclonePermissions,
  grantFor,
  expression: cycloneExpression,
  knowsDomainTags: false,
  topicsArePatterns: false,
  isBuiltin: (topic) => BUILTIN.has(topic),
  appliesIn: ({ domains }, domain) => domainSetHas(domains, domain),
  steps,
  judge,
  says: {
    builtin: () => allowed("no document rules over a builtin topic"),
    noDomain: (domain) => denied(141, `Could not find domain ${domain} in governance`),
    noTopicRule: (topic, domain) =>
      denied(142, `Could not find ${topic} topic attributes for domain(${domain}) in governance`),
    open: (what, rule) => allowed(`the governance does not control ${what}`, rule),
    fallback,
  },
  checkDomainRule: () => undefined,
  join,
  topic,
};

/** The first grant of the subject alone is looked at. Its ends do not belong to the time in which it holds. */
function grantFor(permissions: Permissions, subject: DistinguishedName, at: Date): Grant {
  const grant = permissions.grants.find(({ subject: { text } }) => cycloneSubjectMatches(text, subject));
  if (grant === undefined) {
    const location = permissions.grants[0]?.subject.location;
    throw new PeerRefusal("SUBJECT_MISMATCH", "Subject name is invalid", {
      peerCode: 146,
      ...(location && { location }),
    });
  }
  const { notBefore, notAfter } = grant.validity;
  const period = "Permissions validity period";
  if (at <= notBefore.value) {
    const message = `${period} has not started yet for ${grant.subject.text} (start: ${notBefore.text})`;
    throw new PeerRefusal("GRANT_NOT_YET_VALID", message, { peerCode: 148, location: notBefore.location });
  }
  if (at >= notAfter.value) {
    const message = `${period} expired for ${grant.subject.text} (expired: ${notAfter.text})`;
    throw new PeerRefusal("GRANT_EXPIRED", message, { peerCode: 147, location: notAfter.location });
  }
  return grant;
}

/** Data tags and relay rules are passed over when the document is read. */
function steps(rule: AccessRule, action: AccessAction): readonly Step[] {
  return rule.criteria
    .filter(({ kind }) => kind === action)
    .map(({ location, topics, partitions }) => ({
      rule,
      location,
      topics: topics.map(({ value }) => cycloneExpression(value)),
      partitions: partitions?.map(({ value }) => cycloneExpression(value)),
    }));
}

function judge({ rule, partitions = [] }: Step, request: EndpointRequest): Verdict | undefined {
  const fits = rule.action === "allow" ? everyMatches : someMatches;
  return fits(partitionsOf(request), partitions) ? byRule(rule, request.topic) : undefined;
}

function byRule({ action, location }: AccessRule, topic: string): Verdict {
  return action === "allow"
    ? allowed(`${topic} found in the allow rule at line ${location.line}`, location)
    : denied(145, `${topic} found in deny_rule.`, location);
}

function fallback({ defaultAction: { value, location } }: Grant, topic: string): Verdict {
  if (location === undefined) return denied(145, `No rule found for ${topic}`);
  return value === "ALLOW"
    ? allowed(`${topic} allowed by default rule`, location)
    : denied(145, `${topic} denied by default rule`, location);
}

/** As DDS-Security 1.1 has it: a topic that is open to some lets everybody join. Deny rules do not count. */
function join({ domainRule, grant, rules, domain }: Rights): Verdict {
  if (domainRule === undefined) return cyclonedds.says.noDomain(domain);
  const open = domainRule.topicRules.find(
    ({ enableReadAccessControl: read, enableWriteAccessControl: write }) => !read.value || !write.value,
  );
  if (open !== undefined) {
    return allowed("the governance leaves reading or writing of some topics open", open.location);
  }
  if (!domainRule.enableJoinAccessControl.value) {
    return cyclonedds.says.open(`joining domain ${domain}`, domainRule.location);
  }
  const rule = rules.find(({ action }) => action === "allow");
  if (rule === undefined) return fallback(grant, "participant");
  const { location } = rule;
  return allowed(`the allow rule at line ${location.line} covers domain ${domain}`, location);
}

/** Partitions do not count. */
function topic(rights: Rights, name: string): Verdict {
  const verdicts = (["publish", "subscribe"] as const).map((action) => {
    const step = rights.stepsOf(action, name)[0];
    return step === undefined ? fallback(rights.grant, name) : byRule(step.rule, name);
  });
  // Of two refusals the later one is told.
  return verdicts.find((verdict) => verdict.allowed) ?? verdicts[1] ?? fallback(rights.grant, name);
}

const allowed = (reason: string, rule?: SourceLocation): Verdict => ({
  allowed: true,
  code: 0,
  reason,
  rule,
});
const denied = (code: number, reason: string, rule?: SourceLocation): Verdict => ({
  allowed: false,
  code,
  reason,
  rule,
});

const BUILTIN = new Set([
  "DCPSParticipant",
  "DCPSParticipantMessage",
  "DCPSParticipantMessageSecure",
  "DCPSParticipantVolatileMessageSecure",
  "DCPSParticipantStatelessMessage",
  "DCPSParticipantsSecure",
  "DCPSSubscriptionsSecure",
  "DCPSPublicationsSecure",
  "DCPSTopic",
  "DCPSPublication",
  "DCPSSubscription",
]);
