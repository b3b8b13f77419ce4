import type { TopicRule } from "../documents/governance.ts";
import { isEncrypted, isOriginAuthenticated, VALID } from "./protection-participant.ts";

/** What is protected of the endpoints of a topic (DDS-Security 1.2 8.4.2.9, 10.4.2.5). */
export interface TopicProtection {
  readonly readAccessControlled: boolean;
  readonly writeAccessControlled: boolean;
  /** The endpoints are announced over the protected discovery. */
  readonly discovery: boolean;
  /** Their liveliness goes over the protected channel. */
  readonly liveliness: boolean;
  /** metadata_protection_kind: submessages, such as heartbeats and the headers of data. */
  readonly metadata: TopicRule["metadataProtectionKind"]["value"];
  /** data_protection_kind: the payload alone. */
  readonly data: TopicRule["dataProtectionKind"]["value"];
  /** Of the samples on the wire, whichever of the two protects them. */
  readonly samples: "encrypted" | "signed" | "open";
  /** EndpointSecurityAttributesMask of PID_ENDPOINT_SECURITY_INFO. */
  readonly attributes: number;
  /** PluginEndpointSecurityAttributesMask, beside it. */
  readonly pluginAttributes: number;
}

/** The same in all dialects: endpoints with different masks do not match. */
export function topicProtection(rule: TopicRule): TopicProtection {
  const metadata = rule.metadataProtectionKind.value;
  const data = rule.dataProtectionKind.value;
  const bits = (...flags: readonly (readonly [boolean, number])[]) =>
    flags.reduce((mask, [set, bit]) => (set ? mask + bit : mask), VALID);
  return {
    readAccessControlled: rule.enableReadAccessControl.value,
    writeAccessControlled: rule.enableWriteAccessControl.value,
    discovery: rule.enableDiscoveryProtection.value,
    liveliness: rule.enableLivelinessProtection.value,
    metadata,
    data,
    samples:
      isEncrypted(metadata) || isEncrypted(data)
        ? "encrypted"
        : metadata === "NONE" && data === "NONE"
          ? "open"
          : "signed",
    attributes: bits(
      [rule.enableReadAccessControl.value, 1],
      [rule.enableWriteAccessControl.value, 2],
      [rule.enableDiscoveryProtection.value, 4],
      [metadata !== "NONE", 8],
      [data !== "NONE", 16],
      [data === "ENCRYPT", 32],
      [rule.enableLivelinessProtection.value, 64],
    ),
    pluginAttributes: bits(
      [isEncrypted(metadata), 1],
      [data === "ENCRYPT", 2],
      [isOriginAuthenticated(metadata), 4],
    ),
  };
}
