import { days } from "./pki.ts";

export interface MockPermissionsOptions {
  /** Subject of the identity certificate, as RFC 4514 writes it. */
  readonly subject: string;
  /** Default: yesterday. */
  readonly notBefore?: Date;
  /** Default: a year from now. */
  readonly notAfter?: Date;
  /** Topic expressions. Default: `*`. */
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
}

/** A Governance document (DDS-Security 1.1 9.4.1.2): all domains, everything protected. */
export function mockGovernance(): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<dds ${SCHEMA}governance.xsd">
  <domain_access_rules>
    <domain_rule>
      <domains>${ALL_DOMAINS}</domains>
      <allow_unauthenticated_participants>false</allow_unauthenticated_participants>
      <enable_join_access_control>true</enable_join_access_control>
      <discovery_protection_kind>ENCRYPT</discovery_protection_kind>
      <liveliness_protection_kind>ENCRYPT</liveliness_protection_kind>
      <rtps_protection_kind>NONE</rtps_protection_kind>
      <topic_access_rules>
        <topic_rule>
          <topic_expression>*</topic_expression>
          <enable_discovery_protection>true</enable_discovery_protection>
          <enable_liveliness_protection>true</enable_liveliness_protection>
          <enable_read_access_control>true</enable_read_access_control>
          <enable_write_access_control>true</enable_write_access_control>
          <metadata_protection_kind>ENCRYPT</metadata_protection_kind>
          <data_protection_kind>ENCRYPT</data_protection_kind>
        </topic_rule>
      </topic_access_rules>
    </domain_rule>
  </domain_access_rules>
</dds>
`;
}

/** A Permissions document (DDS-Security 1.1 9.4.1.3) with one grant; what it does not allow is denied. */
export function mockPermissions(options: MockPermissionsOptions): string {
  const { subject, publish = ["*"], subscribe = ["*"] } = options;
  const { notBefore = days(new Date(), -1), notAfter = days(new Date(), 365) } = options;
  return `<?xml version="1.0" encoding="UTF-8"?>
<dds ${SCHEMA}permissions.xsd">
  <permissions>
    <grant name="participant">
      <subject_name>${escaped(subject)}</subject_name>
      <validity>
        <not_before>${dateTime(notBefore)}</not_before>
        <not_after>${dateTime(notAfter)}</not_after>
      </validity>
      <allow_rule>
        <domains>${ALL_DOMAINS}</domains>
${criteria("publish", publish)}${criteria("subscribe", subscribe)}      </allow_rule>
      <default>DENY</default>
    </grant>
  </permissions>
</dds>
`;
}

const SCHEMA =
  'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="http://www.omg.org/spec/DDS-Security/20170901/omg_shared_ca_';
const ALL_DOMAINS = "<id_range><min>0</min><max>230</max></id_range>";

function criteria(kind: "publish" | "subscribe", topics: readonly string[]): string {
  if (topics.length === 0) return "";
  const names = topics.map((topic) => `<topic>${escaped(topic)}</topic>`).join("");
  return `        <${kind}><topics>${names}</topics></${kind}>\n`;
}

function dateTime(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, "Z");
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (character) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[character] ?? "");
}
