import type { DomainRule } from "../documents/governance.ts";
import type { ProtectionKind } from "../documents/values.ts";

/** What is protected of a participant's own traffic (DDS-Security 1.2 8.4.2.5, 10.4.2.4). */
export interface ParticipantProtection {
  readonly allowUnauthenticated: boolean;
  readonly joinAccessControlled: boolean;
  /** Whole RTPS messages. */
  readonly rtps: ProtectionKind;
  readonly discovery: ProtectionKind;
  readonly liveliness: ProtectionKind;
  /** ParticipantSecurityAttributesMask of PID_PARTICIPANT_SECURITY_INFO. */
  readonly attributes: number;
  /** PluginParticipantSecurityAttributesMask, beside it. */
  readonly pluginAttributes: number;
}

export function participantProtection(rule: DomainRule): ParticipantProtection {
  const rtps = rule.rtpsProtectionKind.value;
  const discovery = rule.discoveryProtectionKind.value;
  const liveliness = rule.livelinessProtectionKind.value;
  const each = [rtps, discovery, liveliness];
  const bits = (has: (kind: ProtectionKind) => boolean) =>
    each.reduce((mask, kind, index) => (has(kind) ? mask + 2 ** index : mask), 0);
  const psk = rule.rtpsPskProtectionKind?.value;
  return {
    allowUnauthenticated: rule.allowUnauthenticatedParticipants.value,
    joinAccessControlled: rule.enableJoinAccessControl.value,
    rtps,
    discovery,
    liveliness,
    attributes: VALID + bits((kind) => kind !== "NONE"),
    pluginAttributes:
      VALID + bits(isEncrypted) + 8 * bits(isOriginAuthenticated) + (psk === "ENCRYPT" ? PSK_ENCRYPTED : 0),
  };
}

export const isEncrypted = (kind: ProtectionKind): boolean => kind.startsWith("ENCRYPT");
export const isOriginAuthenticated = (kind: ProtectionKind): boolean =>
  kind.endsWith("_WITH_ORIGIN_AUTHENTICATION");

/** The mask holds something: bit 31. */
export const VALID = 0x80000000;
const PSK_ENCRYPTED = 64;
