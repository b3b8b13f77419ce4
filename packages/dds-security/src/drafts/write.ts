import { parseGovernance } from "../documents/governance.ts";
import { parsePermissions } from "../documents/permissions.ts";
import type { DomainSpan, GovernanceDraft, GrantDraft, RuleDraft, TopicDraft } from "./draft.ts";

/**
 * The XML of a governance document (DDS-Security 1.1 10.4.1.2), in the form that all known implementations
 * read: elements in the order of the schema, ranges with both ends, words in their first spelling.
 */
export function writeGovernance(draft: GovernanceDraft): string {
  const xml = documentOf("governance", [
    "<domain_access_rules>",
    ...indented([
      "<domain_rule>",
      ...indented([
        domains(draft.domains),
        element("allow_unauthenticated_participants", draft.allowUnauthenticated),
        element("enable_join_access_control", draft.joinAccessControl),
        element("discovery_protection_kind", draft.discovery),
        element("liveliness_protection_kind", draft.liveliness),
        element("rtps_protection_kind", draft.rtps),
        "<topic_access_rules>",
        ...indented(draft.topics.flatMap(topicRule)),
        "</topic_access_rules>",
      ]),
      "</domain_rule>",
    ]),
    "</domain_access_rules>",
  ]);
  // What is written here must be read here: a draft that breaks a rule of the schema ends now.
  parseGovernance(xml);
  return xml;
}

/**
 * The XML of a permissions document (DDS-Security 1.1 10.4.1.3), in the form that all known implementations read:
 * times in UTC, ranges with both ends, DENY as the default.
 */
export function writePermissions(grants: readonly GrantDraft[]): string {
  const xml = documentOf("permissions", [
    "<permissions>",
    ...indented(grants.flatMap(grant)),
    "</permissions>",
  ]);
  parsePermissions(xml);
  return xml;
}

function topicRule(topic: TopicDraft): string[] {
  return [
    "<topic_rule>",
    ...indented([
      element("topic_expression", topic.topic),
      element("enable_discovery_protection", topic.discovery),
      element("enable_liveliness_protection", topic.liveliness),
      element("enable_read_access_control", topic.read),
      element("enable_write_access_control", topic.write),
      element("metadata_protection_kind", topic.metadata),
      element("data_protection_kind", topic.data),
    ]),
    "</topic_rule>",
  ];
}

function grant({ name, subject, notBefore, notAfter, rules }: GrantDraft): string[] {
  return [
    `<grant name="${escapeXml(name)}">`,
    ...indented([
      element("subject_name", subject),
      "<validity>",
      ...indented([element("not_before", time(notBefore)), element("not_after", time(notAfter))]),
      "</validity>",
      ...rules.flatMap(rule),
      element("default", "DENY"),
    ]),
    "</grant>",
  ];
}

function rule({ action, domains: spans, publish, subscribe, partitions }: RuleDraft): string[] {
  return [
    `<${action}_rule>`,
    ...indented([
      domains(spans),
      ...criterion("publish", publish, partitions),
      ...criterion("subscribe", subscribe, partitions),
    ]),
    `</${action}_rule>`,
  ];
}

function criterion(name: string, topics: readonly string[], partitions: readonly string[]): string[] {
  if (topics.length === 0) return [];
  const lines = ["<topics>", ...indented(topics.map((topic) => element("topic", topic))), "</topics>"];
  if (partitions.length > 0) {
    const inner = partitions.map((partition) => element("partition", partition));
    lines.push("<partitions>", ...indented(inner), "</partitions>");
  }
  return [`<${name}>`, ...indented(lines), `</${name}>`];
}

function domains(spans: readonly DomainSpan[]): string {
  const each = spans.map(([first, last]) =>
    first === last
      ? element("id", first)
      : `<id_range>${element("min", first)}${element("max", last)}</id_range>`,
  );
  return `<domains>${each.join("")}</domains>`;
}

function documentOf(name: string, lines: readonly string[]): string {
  const schema = `xsi:noNamespaceSchemaLocation="omg_shared_ca_${name}.xsd"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<dds xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ${schema}>`,
    ...indented(lines),
    "</dds>",
    "",
  ].join("\n");
}

const element = (name: string, value: string | number | boolean): string =>
  `<${name}>${escapeXml(String(value))}</${name}>`;

/** To the second: not all implementations read fractions. */
const time = (moment: Date): string => `${moment.toISOString().slice(0, 19)}Z`;

const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

const escapeXml = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character);
const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
