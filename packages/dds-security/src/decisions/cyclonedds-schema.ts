import { basicProtectionKinds, protectionKinds } from "../documents/values.ts";
import { readBoolean, readDomain, readKind } from "./cyclonedds-values.ts";
import type { CycloneSchema } from "./cyclonedds-xml.ts";

const DOMAINS = {
  domains: ["id", "id_range"],
  id_range: ["min", "max"],
  id: readDomain,
  min: readDomain,
  max: readDomain,
} as const;

export const governanceSchema: CycloneSchema = {
  ...DOMAINS,
  dds: ["domain_access_rules"],
  domain_access_rules: ["domain_rule"],
  domain_rule: [
    "domains",
    "allow_unauthenticated_participants",
    "enable_join_access_control",
    "rtps_protection_kind",
    "discovery_protection_kind",
    "liveliness_protection_kind",
    "topic_access_rules",
  ],
  allow_unauthenticated_participants: readBoolean,
  enable_join_access_control: readBoolean,
  rtps_protection_kind: (element) => readKind(element, protectionKinds),
  discovery_protection_kind: (element) => readKind(element, protectionKinds),
  liveliness_protection_kind: (element) => readKind(element, protectionKinds),
  topic_access_rules: ["topic_rule"],
  topic_rule: [
    "topic_expression",
    "enable_discovery_protection",
    "enable_liveliness_protection",
    "enable_read_access_control",
    "enable_write_access_control",
    "metadata_protection_kind",
    "data_protection_kind",
  ],
  topic_expression: (element) => element.text(),
  enable_discovery_protection: readBoolean,
  enable_liveliness_protection: readBoolean,
  enable_read_access_control: readBoolean,
  enable_write_access_control: readBoolean,
  metadata_protection_kind: (element) => readKind(element, protectionKinds),
  data_protection_kind: (element) => readKind(element, basicProtectionKinds),
};

const RULE = ["domains", "publish", "subscribe"];
const CRITERION = ["topics", "partitions"];

export const permissionsSchema: CycloneSchema = {
  ...DOMAINS,
  dds: ["permissions"],
  permissions: ["grant"],
  grant: ["subject_name", "validity", "allow_rule", "deny_rule", "default"],
  subject_name: (element) => element.text(),
  validity: ["not_before", "not_after"],
  not_before: (element) => element.text(),
  not_after: (element) => element.text(),
  allow_rule: RULE,
  deny_rule: RULE,
  default: (element) => element.text(),
  publish: CRITERION,
  subscribe: CRITERION,
  topics: ["topic"],
  topic: (element) => element.text(),
  partitions: ["partition"],
  partition: (element) => element.text(),
};
