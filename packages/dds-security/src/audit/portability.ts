import { documentRefusals } from "../decisions/document-refusals.ts";
import type { DomainSet } from "../documents/domains.ts";
import type { AccessRule, Criterion, Grant } from "../documents/permissions.ts";
import { documentReaders } from "../documents/signed-form.ts";
import { type Finding, finding } from "../finding.ts";
import { type AuditInput, at, type DocumentProperty } from "./input.ts";

/**
 * What is good by the specification, and not read, or read otherwise, by an implementation. What makes Cyclone DDS
 * or Fast DDS refuse a document is told for the document; what they read in their own way, at its place.
 */
export function judgePortability(input: AuditInput): Finding[] {
  return [...judgeRefusals(input), ...judgeGovernance(input), ...judgeGrant(input)];
}

function judgeRefusals(input: AuditInput): Finding[] {
  const findings: Finding[] = [];
  for (const kind of ["governance", "permissions"] as const) {
    const document = input.deployment[kind];
    if (document === undefined) continue;
    const { signed, file } = document;
    const property: DocumentProperty = `dds.sec.access.${kind}`;
    for (const { peer, error } of documentRefusals(signed, kind)) {
      const { location = { line: signed.contentLine, column: 1 } } = error;
      findings.push(
        finding("PEER_DIFFERS", "warning", `${documentReaders[peer]} does not read it: ${error.message}`, {
          ...at(input, property, { file, ...location }),
          peers: [peer],
          hint: "Write the document as `ddscred draft` does, and sign it again.",
        }),
      );
    }
  }
  return findings;
}

function judgeGovernance(input: AuditInput): Finding[] {
  const findings: Finding[] = [];
  const remark = remarkIn(input, "dds.sec.access.governance", findings);
  for (const rule of input.deployment.governance?.model.domainRules ?? []) {
    judgeDomains(rule.domains, remark);
    const { allowUnauthenticatedParticipants: open, rtpsProtectionKind: rtps } = rule;
    if (open.value && rtps.value !== "NONE") {
      const message = "participants without authentication are allowed while RTPS messages are protected";
      remark(rtps.location, ["fastdds"], `${message}: Fast DDS does not accept this`, SET_RTPS);
    }
    for (const { topicExpression } of rule.topicRules) judgePattern(topicExpression, remark);
  }
  return findings;
}

const SET_RTPS = "Set rtps_protection_kind to NONE, or allow authenticated participants only.";

/** Only the grant that counts: others are judged with the participants that they are for. */
function judgeGrant(input: AuditInput): Finding[] {
  const findings: Finding[] = [];
  const { grant } = input.deployment;
  if (grant === undefined) return findings;
  const remark = remarkIn(input, "dds.sec.access.permissions", findings);
  judgeTimes(grant, remark);
  const { defaultAction } = grant;
  if (defaultAction.value === "ALLOW") {
    const message = "Fast DDS denies what no rule matches, whatever <default> says";
    remark(defaultAction.location ?? grant.location, ["fastdds"], message, "Allow by rules, and write DENY.");
  }
  for (const rule of grant.rules) judgeRule(rule, remark);
  return findings;
}

function judgeRule(rule: AccessRule, remark: Remark): void {
  judgeDomains(rule.domains, remark);
  for (const criterion of rule.criteria) judgeCriterion(rule, criterion, remark);
}

function judgeCriterion(rule: AccessRule, criterion: Criterion, remark: Remark): void {
  const { kind, location, topics, partitions = [], dataTags = [] } = criterion;
  if (rule.action === "deny" && partitions.length > 0) {
    const message = "Fast DDS does not regard partitions in a deny rule: it denies the topics in all of them";
    remark(
      partitions[0]?.location ?? location,
      ["fastdds"],
      message,
      "Deny the topics, or allow partitions by name.",
    );
  }
  if (dataTags.length > 0) {
    const message = "Cyclone DDS and Fast DDS do not regard data tags";
    const place = dataTags[0]?.location ?? location;
    remark(place, ["cyclonedds", "fastdds"], message, "Do not let access depend on data tags.");
  }
  if (kind === "relay") {
    const message = "Cyclone DDS does not regard relay rules";
    remark(location, ["cyclonedds"], message, "Write publish and subscribe rules.");
  }
  for (const pattern of [...topics, ...partitions]) judgePattern(pattern, remark);
}

/** Fast DDS takes the local clock for what is written; nobody else does. */
function judgeTimes({ validity }: Grant, remark: Remark): void {
  for (const [name, { text, location, value }] of Object.entries({
    not_before: validity.notBefore,
    not_after: validity.notAfter,
  })) {
    if (/[+-]\d\d:\d\d$/.test(text)) {
      const message = `Fast DDS reads ${name} in local time and passes the offset over`;
      remark(location, ["fastdds"], message, "Write times in UTC, and let hours pass before they matter.");
    }
    if (value.getTime() > LAST) {
      const message = `Cyclone DDS does not read ${name} after 2262-04-11: for it the grant has expired`;
      remark(location, ["cyclonedds"], message, "Write an earlier date.");
    }
  }
}

function judgeDomains({ ranges }: DomainSet, remark: Remark): void {
  for (const { max, location, min } of ranges) {
    if (max === Number.POSITIVE_INFINITY) {
      const message = `a range from ${min} without <max> is the one domain ${min} for Cyclone DDS`;
      remark(location, ["cyclonedds"], message, "Write <max>.");
    }
  }
}

/** `[^...]` is a negated set for some, and a set with a caret for others; a backslash escapes for some. */
function judgePattern(
  { value, location }: { value: string; location: Criterion["location"] },
  remark: Remark,
): void {
  if (/\[\^[^\]]*\]/.test(value)) {
    const message = "Fast DDS reads [^ as a negated set, Cyclone DDS as a set with a caret in it";
    remark(location, ["cyclonedds", "fastdds"], message, "Write [! for a negated set.");
  }
  if (value.includes("\\")) {
    remark(location, ["cyclonedds"], "for Cyclone DDS a backslash stands for itself", "Write no backslash.");
  }
  if (/\[:[a-z]+:\]/.test(value)) {
    const message = "classes such as [:alpha:] are not known to Cyclone DDS and Fast DDS";
    remark(location, ["cyclonedds", "fastdds"], message, "Write a range such as [a-z].");
  }
}

type Remark = (
  location: Criterion["location"],
  peers: readonly ("cyclonedds" | "fastdds")[],
  message: string,
  hint: string,
) => void;

const remarkIn =
  (input: AuditInput, property: DocumentProperty, findings: Finding[]): Remark =>
  (location, peers, message, hint) => {
    findings.push(
      finding("PEER_DIFFERS", "warning", message, { ...at(input, property, location), peers, hint }),
    );
  };

/** The last nanosecond that 63 bits hold, in milliseconds. */
const LAST = 9_223_372_036_854;
