import type { VerifiedDocument } from "@ddscred/core";
import type { DocumentTime } from "../documents/date-time.ts";
import type { DomainRange, DomainSet } from "../documents/domains.ts";
import type { DomainRule, Governance, TopicRule } from "../documents/governance.ts";
import type { AccessRule, Criterion, Grant, Permissions, Validity } from "../documents/permissions.ts";
import { basicProtectionKinds, protectionKinds } from "../documents/values.ts";
import type { Located } from "../documents/walk.ts";
import { readFastTime } from "./fastdds-time.ts";
import { type FastElement, readFastXml } from "./fastdds-xml.ts";

/** A governance as Fast DDS reads it: in the strict order of the schema of 1.1. */
export function readFastGovernance(document: VerifiedDocument, options: { file?: string }): Governance {
  const root = readFastXml(document, options, "governance");
  const rules = root.take("domain_access_rules");
  const domainRules = rules.some("domain_rule").map(readDomainRule);
  root.end();
  return { domainRules, extensions: [], document };
}

/** Permissions as Fast DDS reads them. */
export function readFastPermissions(document: VerifiedDocument, options: { file?: string }): Permissions {
  const permissions = readFastXml(document, options, "permissions").take("permissions");
  return { grants: permissions.some("grant").map(readGrant), extensions: [], document };
}

function readDomainRule(rule: FastElement): DomainRule {
  const domains = readDomains(rule.take("domains"));
  const values = {
    location: rule.location,
    domains,
    allowUnauthenticatedParticipants: readBoolean(rule.take("allow_unauthenticated_participants")),
    enableJoinAccessControl: readBoolean(rule.take("enable_join_access_control")),
    discoveryProtectionKind: readKind(rule.take("discovery_protection_kind"), protectionKinds),
    livelinessProtectionKind: readKind(rule.take("liveliness_protection_kind"), protectionKinds),
    rtpsProtectionKind: readKind(rule.take("rtps_protection_kind"), protectionKinds),
    topicRules: rule.take("topic_access_rules").some("topic_rule").map(readTopicRule),
  };
  rule.end();
  return values;
}

function readTopicRule(rule: FastElement): TopicRule {
  const values = {
    location: rule.location,
    topicExpression: rule.take("topic_expression").filledText(),
    enableDiscoveryProtection: readBoolean(rule.take("enable_discovery_protection")),
    enableLivelinessProtection: readBoolean(rule.take("enable_liveliness_protection")),
    enableReadAccessControl: readBoolean(rule.take("enable_read_access_control")),
    enableWriteAccessControl: readBoolean(rule.take("enable_write_access_control")),
    metadataProtectionKind: readKind(rule.take("metadata_protection_kind"), protectionKinds),
    dataProtectionKind: readKind(rule.take("data_protection_kind"), basicProtectionKinds),
  };
  rule.end();
  return values;
}

/** The default must stand behind the rules; what follows it is not looked at. */
function readGrant(grant: FastElement): Grant {
  if (!grant.hasAttribute("name")) throw grant.invalid("attribute name is missing");
  const subject = grant.take("subject_name").filledText();
  const validity = readValidity(grant.take("validity"));
  const rules: AccessRule[] = [];
  let last = grant.next();
  for (; last?.name === "allow_rule" || last?.name === "deny_rule"; last = grant.next()) {
    rules.push(readRule(last));
  }
  if (last?.name !== "default") throw grant.invalid("expected <default> behind the rules");
  return {
    location: grant.location,
    name: "",
    subject: { text: subject.value, pattern: false, location: subject.location },
    validity,
    rules,
    defaultAction: readKind(last, ["ALLOW", "DENY"] as const),
  };
}

function readValidity(validity: FastElement): Validity {
  const notBefore = readTime(validity.take("not_before"));
  const notAfter = readTime(validity.take("not_after"));
  return { location: validity.location, notBefore, notAfter };
}

function readTime(element: FastElement): DocumentTime {
  const time = readFastTime(element.filledText());
  if (time === undefined) throw element.invalid("it is no time such as 2030-01-31T23:59:59");
  return time;
}

function readRule(rule: FastElement): AccessRule {
  const domains = readDomains(rule.take("domains"));
  const action = rule.name === "allow_rule" ? "allow" : "deny";
  return { location: rule.location, action, domains, criteria: rule.rest().map(readCriterion) };
}

/** Data tags are passed over. Without partitions it is for the default one. */
function readCriterion(criterion: FastElement): Criterion {
  const { name: kind, location } = criterion;
  if (kind !== "publish" && kind !== "subscribe" && kind !== "relay") {
    throw criterion.invalid("expected <publish>, <subscribe> or <relay>");
  }
  const topics: Located<string>[] = [];
  const partitions: Located<string>[] = [];
  for (const part of criterion.rest()) {
    if (part.name === "topics") topics.push(...part.some("topic").map((topic) => topic.filledText()));
    else if (part.name === "partitions") partitions.push(...part.some("partition").map(readPartition));
    else if (part.name !== "data_tags") throw part.invalid("it does not belong here");
  }
  if (partitions.length === 0) partitions.push({ value: "", location });
  return { location, kind, topics, partitions };
}

function readPartition(partition: FastElement): Located<string> {
  const text = partition.text();
  if (text === undefined && !partition.isLeaf) throw partition.invalid("expected a text");
  return text ?? { value: "", location: partition.location };
}

function readDomains(domains: FastElement): DomainSet {
  const children = domains.rest();
  if (children.length === 0) throw domains.invalid("it is empty");
  return { location: domains.location, ranges: children.map(readRange), tags: [] };
}

/** An end that is 0, or none, leaves the one domain that the range begins with. */
function readRange(element: FastElement): DomainRange {
  const { location } = element;
  const range = (min: number, max: number) => ({ min, max: max === 0 ? min : max, location });
  if (element.name === "id") return range(readNumber(element), 0);
  if (element.name !== "id_range") throw element.invalid("expected <id> or <id_range>");
  const first = element.next();
  if (first?.name === "max") return range(0, readNumber(first));
  if (first?.name !== "min") throw element.invalid("expected <min> or <max>");
  const last = element.next();
  return range(readNumber(first), last?.name === "max" ? readNumber(last) : 0);
}

/** As scanf reads %u: leading blanks and a sign pass, what follows the digits is not looked at. */
function readNumber(element: FastElement): number {
  const text = element.filledText().value;
  const [, hexadecimal] = /^\s*0x([0-9a-f]{1,8})/i.exec(text) ?? [];
  if (hexadecimal !== undefined) return Number.parseInt(hexadecimal, 16);
  const [, number] = /^\s*([+-]?[0-9]{1,18})/.exec(text) ?? [];
  if (number === undefined) throw element.invalid("it is no number");
  return Number(BigInt.asUintN(32, BigInt(number.replace("+", ""))));
}

/** A number, of which 0 is false; or true and false in small, large or one large letter. */
function readBoolean(element: FastElement): Located<boolean> {
  const { value, location } = element.filledText();
  const [, number] = /^\s*([+-]?[0-9]{1,18})/.exec(value) ?? [];
  if (number !== undefined) return { value: Number(number) !== 0, location };
  if (/^(?:true|True|TRUE)$/.test(value)) return { value: true, location };
  if (/^(?:false|False|FALSE)$/.test(value)) return { value: false, location };
  throw element.invalid("it is neither true nor false");
}

function readKind<Kind extends string>(element: FastElement, kinds: readonly Kind[]): Located<Kind> {
  const { value, location } = element.filledText();
  const kind = kinds.find((each) => each === value);
  if (kind === undefined) throw element.invalid(`it is none of ${kinds.join(", ")}`);
  return { value: kind, location };
}
