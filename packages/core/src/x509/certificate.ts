import type { CurveName } from "../schemes.ts";
import type { DistinguishedName } from "./name.ts";

/**
 * An X.509 certificate (RFC 5280 4.1) that passed the strict DER check and was decoded. Decoding says nothing
 * about trust: only a ValidatedPath does.
 */
export interface Certificate {
  /** The whole certificate, as received. */
  readonly der: Uint8Array;
  /** The signed part: TBSCertificate, as received. */
  readonly tbs: Uint8Array;
  readonly version: 1 | 2 | 3;
  /** Content octets of the serial number INTEGER: big-endian, signed, leading zeros kept. */
  readonly serialNumber: Uint8Array;
  readonly subject: DistinguishedName;
  readonly issuer: DistinguishedName;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: PublicKeyInfo;
  /** Dotted OID of the outer signatureAlgorithm; it is checked to equal the inner one. */
  readonly signatureAlgorithm: AlgorithmId;
  /** Its octets; empty, so that it never verifies, where its bits do not fill whole octets. */
  readonly signature: Uint8Array;
  readonly extensions: readonly Extension[];
}

/** SubjectPublicKeyInfo, decoded as far as DDS needs. */
export interface PublicKeyInfo {
  /** DER of SubjectPublicKeyInfo, as received. */
  readonly spki: Uint8Array;
  readonly keyType: "rsa" | "rsa-pss" | "ec" | "ed25519" | "other";
  /** RSA: bits of the modulus. EC: bits of the field. */
  readonly bits?: number;
  /** RSA: bits of the public exponent; a long one makes every verification slow. */
  readonly exponentBits?: number;
  /** EC on a curve of the scheme table. */
  readonly curve?: CurveName;
  /** How a person calls it: `RSA 2048`, `EC P-256`, `EC secp256k1`, `Ed25519`, or the OID. */
  readonly label: string;
}

export interface AlgorithmId {
  readonly oid: string;
  /** DER of the parameters, or undefined where they are absent. */
  readonly parameters?: Uint8Array;
}

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** Content of extnValue: the DER of the extension's own type. */
  readonly value: Uint8Array;
}
