import type { CurveName } from "../../schemes.ts";
import type { PublicKeyInfo } from "../certificate.ts";
import type { KeyUsage } from "../extensions.ts";
import { ddsPeers, type PeerLimits } from "./peers.ts";

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
  /**
   * What an anchor is for. `issue`: it issues certificates, so that it must say that it is a CA. `sign`: it signs
   * documents and is the leaf too; it must not say that it is no CA, nor that its key is for other things.
   * Default `issue`.
   */
  readonly anchors?: "issue" | "sign";
  /** What the keyUsage of a leaf must hold, where there is one. */
  readonly leafKeyUsage?: KeyUsage;
  /** Implementations whose own limits are told with each refusal. */
  readonly peers?: readonly PeerLimits[];
  /** Also demands what RFC 5280 asks of those who issue certificates, and section 6 does not ask of those who check. */
  readonly strict?: boolean;
}

/** A kind of key; what is left out may be anything. */
export interface KeyKind {
  /** For messages: `RSA 2048`. */
  readonly label: string;
  readonly keyType: PublicKeyInfo["keyType"];
  /** This size; with `maxBits`, at least this size. */
  readonly bits?: number;
  readonly maxBits?: number;
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
  leafKeyUsage: "digitalSignature",
  peers: ddsPeers,
};

/**
 * RFC 5280 section 6 and no more, with the keys that the schemes can verify. Anchors must say that they are CAs.
 */
export const rfc5280Profile: PathProfile = {
  name: "RFC 5280",
  keys: [
    { label: "RSA 2048 to 8192", keyType: "rsa", bits: 2048, maxBits: 8192 },
    { label: "EC P-256", keyType: "ec", curve: "P-256" },
    { label: "EC P-384", keyType: "ec", curve: "P-384" },
    { label: "EC P-521", keyType: "ec", curve: "P-521" },
    { label: "Ed25519", keyType: "ed25519" },
  ],
  keySection: "NIST SP 800-131A 3",
  version1Anchors: "refuse",
};

/** The same, and every certificate must have the form that RFC 5280 section 4 prescribes to those who issue. */
export const strictProfile: PathProfile = { ...rfc5280Profile, name: "strict RFC 5280", strict: true };

/**
 * Permissions CAs: named by the configuration, each signs the documents with its own key. DDS-Security does not say
 * which keys one may have, and implementations read any that OpenSSL knows; those too weak or not in use are
 * refused. One that another CA issued is fine, for it is trusted by being named.
 */
export const ddsPermissionsCaProfile: PathProfile = {
  name: "ddscred",
  keys: [
    { label: "RSA 2048 to 8192", keyType: "rsa", bits: 2048, maxBits: 8192 },
    { label: "EC P-256", keyType: "ec", curve: "P-256" },
    { label: "EC P-384", keyType: "ec", curve: "P-384" },
    { label: "EC P-521", keyType: "ec", curve: "P-521" },
  ],
  keySection: "NIST SP 800-131A 3",
  version1Anchors: "accept",
  anchors: "sign",
};

/** Whether the profile allows a key. An EC key without `curve` is on an unknown curve, or compressed: never. */
export function allowsKey(profile: PathProfile, key: PublicKeyInfo): boolean {
  if (key.keyType === "ec" && key.curve === undefined) return false;
  return profile.keys.some(
    (kind) =>
      kind.keyType === key.keyType &&
      hasSize(kind, key.bits) &&
      (kind.curve === undefined || kind.curve === key.curve),
  );
}

function hasSize({ bits, maxBits = bits }: KeyKind, size: number | undefined): boolean {
  if (bits === undefined || maxBits === undefined) return true;
  return size !== undefined && bits <= size && size <= maxBits;
}
