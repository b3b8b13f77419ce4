import { type DistinguishedName, formatName, type SourceLocation } from "@ddscred/core";
import { compileFnmatch } from "../documents/fnmatch.ts";
import type { DomainRule } from "../documents/governance.ts";
import type { AccessRule, Grant, Permissions } from "../documents/permissions.ts";
import type { EndpointRequest, Verdict } from "./decision.ts";
import {
  type AccessAction,
  type Dialect,
  everyMatches,
  partitionsOf,
  type Rights,
  type Step,
} from "./dialect.ts";
import { expressionsOf } from "./expression.ts";
import { readFastGovernance, readFastPermissions } from "./fastdds-documents.ts";
import { fastNamesEqual } from "./fastdds-subject.ts";
import { PeerRefusal } from "./peer-refusal.ts";

/** fnmatch of the C library with FNM_NOESCAPE. */
const expression = expressionsOf(/[*?[]/, (pattern) =>
  compileFnmatch(pattern, { noEscape: true, caret: true }),
);

/** Fast DDS: its readings, and its words where it gives some; it has no codes. */
export const fastdds: Dialect = {
  name: "fastdds",
  title: "Fast DDS",
  readGovernance: readFastGovernance,
  readPermissions: readFastPermissions,
  grantFor,
  expression,
  knowsDomainTags: false,
  topicsArePatterns: true,
  isBuiltin: () => false,
  // Of its own participant it does not look at the domains of the rules; of others it does.
  appliesIn: () => true,
  steps,
  judge,
  says: {
    builtin: () => allowed("no document rules over a builtin topic"),
    // Without a domain rule there are no topic rules either; only joining is not looked at.
    noDomain: (domain) => denied("DOMAIN_NOT_COVERED", `Not found topic access rules for domain ${domain}`),
    noTopicRule: (topic) => denied("TOPIC_NOT_COVERED", `Not found topic access rule for topic ${topic}`),
    open: (what, rule) => allowed(`the governance does not control ${what}`, rule),
    fallback: (grant, topic) =>
      denied("ACCESS_DENIED", `${topic} topic not found in allow rule.`, grant.location),
  },
  checkDomainRule,
  join,
  topic: undefined,
};

function checkDomainRule(rule: DomainRule): void {
  const { allowUnauthenticatedParticipants: open, rtpsProtectionKind: rtps } = rule;
  if (!open.value || rtps.value === "NONE") return;
  const message = "allow_unauthenticated_participants cannot be enabled if rtps_protection_kind is not none";
  throw new PeerRefusal("DOCUMENT_INVALID", message, { location: open.location });
}

/** The first grant that holds at the moment and is for the subject. */
function grantFor(permissions: Permissions, subject: DistinguishedName, at: Date): Grant {
  const name = formatName(subject);
  const now = Math.floor(at.getTime() / 1000) * 1000;
  const matching = permissions.grants.filter(({ subject: { text } }) => fastNamesEqual(text, name));
  const holds = ({ validity: { notBefore, notAfter } }: Grant) =>
    notBefore.value.getTime() <= now && now <= notAfter.value.getTime();
  const grant = matching.find(holds);
  if (grant !== undefined) return grant;
  const message = `Not found the identity subject name in permissions file. Subject name: ${name}`;
  const [nearest = permissions.grants[0]] = matching;
  const late = nearest !== undefined && nearest.validity.notAfter.value.getTime() < now;
  const code = matching.length === 0 ? "SUBJECT_MISMATCH" : late ? "GRANT_EXPIRED" : "GRANT_NOT_YET_VALID";
  throw new PeerRefusal(code, message, nearest === undefined ? {} : { location: nearest.subject.location });
}

/** A rule decides as a whole: its topics are those of all its criteria for the action, and so are its partitions. */
function steps(rule: AccessRule, action: AccessAction): readonly Step[] {
  const criteria = rule.criteria.filter(({ kind }) => kind === action);
  const [first] = criteria;
  if (first === undefined) return [];
  const topics = criteria.flatMap((each) => each.topics.map(({ value }) => expression(value)));
  const partitions = criteria.flatMap((each) =>
    (each.partitions ?? []).map(({ value }) => expression(value)),
  );
  return [{ rule, location: first.location, topics, partitions }];
}

/** The first rule with the topic decides: a deny rule whatever the partitions are, an allow rule by them. */
function judge({ rule, partitions = [] }: Step, request: EndpointRequest): Verdict {
  const { action, location } = rule;
  if (action === "deny") {
    return denied("ACCESS_DENIED", `${request.topic} topic denied by deny rule.`, location);
  }
  const stray = partitionsOf(request).find((name) => !everyMatches([name], partitions));
  if (stray === undefined) {
    return allowed(`${request.topic} found in the allow rule at line ${location.line}`, location);
  }
  const shown = request.partitions.length === 0 ? "<empty>" : stray;
  return denied("ACCESS_DENIED", `${shown} partition not found in rule.`, location);
}

/** Any allow rule will do, whatever the governance says. */
function join({ rules, grant }: Rights): Verdict {
  const rule = rules.find(({ action }) => action === "allow");
  if (rule === undefined) {
    return denied("ACCESS_DENIED", "Not found a rule allowing to use the domain_id", grant.location);
  }
  const { location } = rule;
  return allowed(`the grant has an allow rule, at line ${location.line}`, location);
}

const allowed = (reason: string, rule?: SourceLocation): Verdict => ({
  allowed: true,
  code: "ALLOWED",
  reason,
  rule,
});

const denied = (code: Denial, reason: string, rule?: SourceLocation): Verdict => ({
  allowed: false,
  code,
  reason,
  rule,
});

type Denial = "ACCESS_DENIED" | "DOMAIN_NOT_COVERED" | "TOPIC_NOT_COVERED";
