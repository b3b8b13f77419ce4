import { domainSetHas } from "../documents/domains.ts";
import type { DomainRule, TopicRule } from "../documents/governance.ts";
import { type Finding, finding } from "../finding.ts";
import { type AuditInput, at, quoted } from "./input.ts";

/** What a governance leaves open, of the rules for the domain or, where that is not known, of all. */
export function judgeProtection(input: AuditInput): Finding[] {
  const rules = input.deployment.governance?.model.domainRules ?? [];
  const { domain } = input;
  const first = domain === undefined ? undefined : rules.find(({ domains }) => domainSetHas(domains, domain));
  const judged = domain === undefined ? rules : first === undefined ? [] : [first];
  return judged.flatMap((rule) => judgeDomainRule(input, rule));
}

function judgeDomainRule(input: AuditInput, rule: DomainRule): Finding[] {
  const findings: Finding[] = [];
  const say = (location: DomainRule["location"], message: string, hint: string) => {
    findings.push(
      finding("PROTECTION_WEAK", "warning", message, {
        ...at(input, "dds.sec.access.governance", location),
        hint,
      }),
    );
  };
  const { allowUnauthenticatedParticipants: open, enableJoinAccessControl: join, topicRules } = rule;
  if (open.value) {
    const message =
      "participants that do not authenticate may join: topics without access control are open to all";
    say(open.location, message, "Set allow_unauthenticated_participants to false.");
  }
  const isOpen = (topic: TopicRule) => samplesAreOpen(rule, topic);
  if (topicRules.every(isOpen)) {
    const message = "nothing is signed or encrypted: security costs its handshake and protects no sample";
    say(rule.location, message, "Set data_protection_kind to SIGN or ENCRYPT where samples matter.");
  } else {
    for (const topic of topicRules.filter(isOpen)) {
      const message = `samples of ${quoted(topic.topicExpression.value)} go neither signed nor encrypted`;
      say(topic.location, message, "Set data_protection_kind to SIGN or ENCRYPT, if they matter.");
    }
  }
  const uncontrolled = topicRules.every(
    ({ enableReadAccessControl: read, enableWriteAccessControl: write }) => !read.value && !write.value,
  );
  if (uncontrolled && !join.value) {
    const message = "neither joining nor any topic is under access control: the permissions restrict nothing";
    say(join.location, message, "Set enable_read_access_control and enable_write_access_control to true.");
  }
  return findings;
}

/** RTPS protection covers what metadata and data leave open. */
const samplesAreOpen = (
  { rtpsProtectionKind: rtps }: DomainRule,
  { metadataProtectionKind: metadata, dataProtectionKind: data }: TopicRule,
): boolean => rtps.value === "NONE" && metadata.value === "NONE" && data.value === "NONE";
