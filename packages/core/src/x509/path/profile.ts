import type { CurveName } from "../../schemes.ts";
import type { PublicKeyInfo } from "../certificate.ts";

/** What a use of certificates demands of them beyond RFC 5280. */
export interface PathProfile {
  /** For messages: `DDS Security`. */
  readonly name: string;
  /** The keys that any certificate of a path may hold, from leaf to anchor. */
  readonly keys: readonly KeyKind[];
  /** Where the rule about keys stands. */
  readonly keySection: string;
  /**
   * Whether an anchor of version 1 (which cannot say that it is a CA) is accepted: it is trusted by being
   * given. The acceptance is noted on the path.
   */
  readonly version1Anchors: "accept" | "refuse";
}

/** A kind of key; what is left out may be anything. */
export interface KeyKind {
  /** For messages: `RSA 2048`. */
  readonly label: string;
  readonly keyType: PublicKeyInfo["keyType"];
  readonly bits?: number;
  readonly curve?: CurveName;
}

/**
 * Identity certificates and CAs of DDS-Security: RSA 2048 and P-256 (1.1, 9.3.1), P-384 (1.2, Table 25).
 * Extended key usages are not restricted, keyUsage counts where it is present. The specification does not
 * decide about CAs of X.509 version 1; they are accepted with a note.
 */
export const ddsIdentityProfile: PathProfile = {
  name: "DDS Security",
  keys: [
    { label: "RSA 2048", keyType: "rsa", bits: 2048 },
    { label: "EC P-256", keyType: "ec", curve: "P-256" },
    { label: "EC P-384", keyType: "ec", curve: "P-384" },
  ],
  keySection: "DDS-Security 1.1 9.3.1, 1.2 Table 25",
  version1Anchors: "accept",
};

/** Whether the profile allows a key. An EC key without `curve` is on an unknown curve, or compressed: never. */
export function allowsKey(profile: PathProfile, key: PublicKeyInfo): boolean {
  if (key.keyType === "ec" && key.curve === undefined) return false;
  return profile.keys.some(
    (kind) =>
      kind.keyType === key.keyType &&
      (kind.bits === undefined || kind.bits === key.bits) &&
      (kind.curve === undefined || kind.curve === key.curve),
  );
}
