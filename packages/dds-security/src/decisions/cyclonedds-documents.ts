import type { VerifiedDocument } from "@ddscred/core";
import type { DomainRange, DomainSet } from "../documents/domains.ts";
import type { DomainRule, Governance, TopicRule } from "../documents/governance.ts";
import type { AccessRule, Criterion, Grant, Permissions } from "../documents/permissions.ts";
import { basicProtectionKinds, protectionKinds } from "../documents/values.ts";
import type { Located } from "../documents/walk.ts";
import { governanceSchema, permissionsSchema } from "./cyclonedds-schema.ts";
import { readCycloneTime } from "./cyclonedds-time.ts";
import { readBoolean, readDomain, readKind } from "./cyclonedds-values.ts";
import { type CycloneElement, readCycloneXml } from "./cyclonedds-xml.ts";
import { PeerRefusal } from "./peer-refusal.ts";

/** A governance as Cyclone DDS reads it. */
export function readCycloneGovernance(document: VerifiedDocument, options: { file?: string }): Governance {
  const refusals = { title: "governance", code: 137, message: "Can not parse governance file" };
  const root = readCycloneXml(document, options, governanceSchema, refusals);
  const rules = root.last("domain_access_rules")?.all("domain_rule") ?? [];
  if (rules.length === 0) throw root.invalid("<domain_rule> is missing");
  return { domainRules: rules.map(readDomainRule), extensions: [], document };
}

/** Permissions as Cyclone DDS reads them. */
export function readCyclonePermissions(document: VerifiedDocument, options: { file?: string }): Permissions {
  const refusals = { title: "permissions", code: 138, message: "Can not parse permissions file" };
  const root = readCycloneXml(document, options, permissionsSchema, refusals);
  const grants = root.last("permissions")?.all("grant") ?? [];
  if (grants.length === 0) throw root.invalid("<grant> is missing");
  return { grants: grants.map(readGrant), extensions: [], document };
}

function readDomainRule(rule: CycloneElement): DomainRule {
  const set = rule.last("domains");
  if (set === undefined) throw missing(rule, "Found rule in Governance file without domain ids.");
  const required = (name: string) => {
    const element = rule.last(name);
    if (element === undefined) throw missing(rule, `Found rule in Governance file without ${name}.`);
    return element;
  };
  const values = {
    location: rule.location,
    allowUnauthenticatedParticipants: readBoolean(required("allow_unauthenticated_participants")),
    enableJoinAccessControl: readBoolean(required("enable_join_access_control")),
    rtpsProtectionKind: readKind(required("rtps_protection_kind"), protectionKinds),
    discoveryProtectionKind: readKind(required("discovery_protection_kind"), protectionKinds),
    livelinessProtectionKind: readKind(required("liveliness_protection_kind"), protectionKinds),
  };
  const topicRules = rule.last("topic_access_rules")?.all("topic_rule") ?? [];
  if (topicRules.length === 0) {
    throw missing(rule, "Found rule in Governance file without topic_access_rules");
  }
  const domains = readDomains(set, (range) =>
    missing(range, "Found domain range in Governance file without minimum value."),
  );
  if (domains.ranges.length === 0) {
    throw missing(set, "Found domain set in Governance file without domain ids.");
  }
  const reversed = domains.ranges.find(({ min, max }) => max < min);
  if (reversed !== undefined) {
    const range = `min(${reversed.min}) max(${reversed.max})`;
    throw missing(set, `Found domain range in Governance file with invalid range ${range}.`);
  }
  return { ...values, domains, topicRules: topicRules.map(readTopicRule) };
}

function readTopicRule(rule: CycloneElement): TopicRule {
  const required = (name: string) => {
    const element = rule.last(name);
    if (element === undefined) throw missing(rule, `Found topic rule in Governance file without ${name}`);
    return element;
  };
  const topicExpression = rule.last("topic_expression")?.text();
  const values = {
    location: rule.location,
    dataProtectionKind: readKind(required("data_protection_kind"), basicProtectionKinds),
    enableDiscoveryProtection: readBoolean(required("enable_discovery_protection")),
    enableLivelinessProtection: readBoolean(required("enable_liveliness_protection")),
    enableReadAccessControl: readBoolean(required("enable_read_access_control")),
    enableWriteAccessControl: readBoolean(required("enable_write_access_control")),
    metadataProtectionKind: readKind(required("metadata_protection_kind"), protectionKinds),
  };
  if (topicExpression === undefined) throw rule.invalid("<topic_expression> is missing or empty");
  return { ...values, topicExpression };
}

function readGrant(grant: CycloneElement): Grant {
  const absent = (what: string) =>
    new PeerRefusal("DOCUMENT_INVALID", `Found tree in Permissions file without ${what}.`, {
      peerCode: 138,
      location: grant.location,
    });
  const subject = grant.last("subject_name")?.text();
  if (subject === undefined) throw absent("subject name");
  const validity = grant.last("validity");
  if (validity === undefined) throw absent("Validity");
  const notAfter = validity.last("not_after")?.text();
  if (notAfter === undefined) throw absent("Validity/not_after");
  const notBefore = validity.last("not_before")?.text();
  if (notBefore === undefined) throw absent("Validity/not_before");
  const last = grant.last("default");
  const action = last?.text();
  if (last !== undefined && action === undefined) throw last.invalid("it is empty");
  return {
    location: grant.location,
    name: "",
    subject: { text: subject.value, pattern: false, location: subject.location },
    validity: {
      location: validity.location,
      notBefore: readCycloneTime(notBefore),
      notAfter: readCycloneTime(notAfter),
    },
    rules: grant.all("allow_rule", "deny_rule").map(readRule),
    defaultAction:
      action === undefined
        ? { value: "DENY" }
        : { value: action.value === "ALLOW" ? "ALLOW" : "DENY", location: action.location },
  };
}

function readRule(rule: CycloneElement): AccessRule {
  const domains = rule.last("domains");
  if (domains === undefined) throw rule.invalid("<domains> is missing");
  return {
    location: rule.location,
    action: rule.name === "allow_rule" ? "allow" : "deny",
    domains: readDomains(domains, (range) => range.invalid("<min> is missing")),
    criteria: rule.all("publish", "subscribe").map(readCriterion),
  };
}

/** Without partitions it is for the default one; where the list is empty, for none. */
function readCriterion(criterion: CycloneElement): Criterion {
  const { location } = criterion;
  const partitions = criterion.last("partitions");
  return {
    location,
    kind: criterion.name === "publish" ? "publish" : "subscribe",
    topics: (criterion.last("topics")?.all("topic") ?? []).map(readTopic),
    partitions: partitions?.all("partition").map((each) => each.text() ?? empty(each)) ?? [
      { value: "", location },
    ],
  };
}

function readTopic(topic: CycloneElement): Located<string> {
  const text = topic.text();
  if (text === undefined) throw topic.invalid("it is empty");
  return text;
}

const empty = ({ location }: CycloneElement): Located<string> => ({ value: "", location });

function readDomains(domains: CycloneElement, withoutMin: (range: CycloneElement) => PeerRefusal): DomainSet {
  const ranges = domains.all("id", "id_range").map((each): DomainRange => {
    const { location } = each;
    const first = each.name === "id" ? each : each.last("min");
    if (first === undefined) throw withoutMin(each);
    const min = readDomain(first);
    const last = each.name === "id" ? undefined : each.last("max");
    // A range without end is the one domain that it begins with.
    return { min, max: last === undefined ? min : readDomain(last), location };
  });
  return { location: domains.location, ranges, tags: [] };
}

const missing = ({ location }: CycloneElement, message: string): PeerRefusal =>
  new PeerRefusal("DOCUMENT_INVALID", message, { peerCode: 110, location });
