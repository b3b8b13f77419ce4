import { sameBytes } from "../../der/values.ts";
import { CredentialError } from "../../errors/credential-error.ts";
import type { Verifier } from "../../ports/crypto-provider.ts";
import { signatureSchemeOf } from "../algorithms.ts";
import type { AlgorithmId, Certificate, PublicKeyInfo } from "../certificate.ts";
import { authorityKeyIdentifier, subjectKeyIdentifier } from "../extensions.ts";
import { displayName } from "../name-format.ts";
import type { Budget } from "./budget.ts";
import { certificateError } from "./certificate-error.ts";
import type { PathProfile } from "./profile.ts";
import { checkKey } from "./rules.ts";

/** Why an issuer of the right name did not issue a certificate. */
export interface Rejection {
  readonly error: CredentialError;
  /** How much it explains; the highest is shown. */
  readonly weight: number;
}

/** Weights of rejections, least informative first. */
export const Weight = { noIssuer: 1, otherKey: 2, badSignature: 3, policy: 4, rule: 5, path: 6 } as const;

/** What of a certificate or a revocation list is signed. */
export interface Signed {
  readonly tbs: Uint8Array;
  readonly signatureAlgorithm: AlgorithmId;
  readonly signature: Uint8Array;
}

/** Checks signatures of certificates and revocation lists, each pair once, under a budget. */
export class SignatureChecks {
  readonly #results = new Map<Signed, Map<Certificate, Promise<Rejection | undefined>>>();
  readonly #crypto: Verifier;
  readonly #profile: PathProfile;
  readonly #budget: Budget;

  constructor(crypto: Verifier, profile: PathProfile, budget: Budget) {
    this.#crypto = crypto;
    this.#profile = profile;
    this.#budget = budget;
  }

  /** Undefined if the key of `issuer` signed the certificate (RFC 5280 6.1.3 (a)(1)). */
  async check(certificate: Certificate, issuer: Certificate): Promise<Rejection | undefined> {
    let results = this.#results.get(certificate);
    if (results === undefined) this.#results.set(certificate, (results = new Map()));
    let result = results.get(issuer);
    if (result === undefined) results.set(issuer, (result = this.#judge(certificate, issuer)));
    return await result;
  }

  /** Whether the key of `issuer` signed; throws what {@link signatureSchemeOf} does, and `KEY_UNSUPPORTED`. */
  async verify(signed: Signed, issuer: Certificate): Promise<boolean> {
    checkKey(issuer, this.#profile);
    const { publicKey } = issuer;
    const scheme = signatureSchemeOf(signed.signatureAlgorithm, publicKey);
    this.#budget.spend("signatures", costOf(publicKey, signed.tbs.length), issuer);
    // Exactly true: a verifier written without types may answer anything.
    const genuine: unknown = await this.#crypto.verify(publicKey.spki, scheme, signed.tbs, signed.signature);
    return genuine === true;
  }

  async #judge(certificate: Certificate, issuer: Certificate): Promise<Rejection | undefined> {
    try {
      return (await this.verify(certificate, issuer)) ? undefined : notSigned(certificate, issuer);
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error;
      if (error.code === "SIGNATURE_INVALID") return notSigned(certificate, issuer);
      if (error.code !== "ALGORITHM_REFUSED" && error.code !== "KEY_UNSUPPORTED") throw error;
      return { error: about(certificate, error), weight: Weight.policy };
    }
  }
}

/** How much a verification costs, in those of a small text with RSA 2048 and the usual exponent, or with P-256. */
function costOf({ keyType, bits = 256, exponentBits = 17 }: PublicKeyInfo, length: number): number {
  const hashing = Math.floor(length / HASHED_AT_ONCE);
  if (keyType !== "rsa" && keyType !== "rsa-pss") return Math.ceil(bits / 128) - 1 + hashing;
  return Math.ceil((bits / 2048) ** 2 * Math.max(1, exponentBits / 32)) + hashing;
}

/** Bytes that are hashed in the time of a small verification, roughly. */
const HASHED_AT_ONCE = 256 * 1024;

function about(certificate: Certificate, error: CredentialError): CredentialError {
  if (error.code !== "ALGORITHM_REFUSED") return error;
  return certificateError(
    "ALGORITHM_REFUSED",
    certificate,
    error.message,
    error.section ?? "RFC 5280 4.1.1.2",
  );
}

function notSigned(certificate: Certificate, issuer: Certificate): Rejection {
  if (keyIdentifiers(certificate, issuer) === "differ") {
    const problem =
      `it was issued by another CA of the same name than the one given, ${displayName(issuer.subject)}: ` +
      "authorityKeyIdentifier and subjectKeyIdentifier differ";
    const error = certificateError("ISSUER_MISMATCH", certificate, problem, "RFC 5280 4.2.1.1");
    return { error, weight: Weight.otherKey };
  }
  const problem =
    `its signature is not by the key of ${displayName(issuer.subject)}: ` +
    "the certificate was altered, or another CA of the same name issued it";
  const error = certificateError("SIGNATURE_INVALID", certificate, problem, "RFC 5280 6.1.3 (a)(1)");
  return { error, weight: Weight.badSignature };
}

/** Compares the key that a certificate says it was signed with, and the key that an issuer says it has. */
export function keyIdentifiers(certificate: Certificate, issuer: Certificate): "same" | "unknown" | "differ" {
  const { wanted } = identifiersOf(certificate);
  const { offered } = identifiersOf(issuer);
  if (wanted === undefined || offered === undefined) return "unknown";
  return sameBytes(wanted, offered) ? "same" : "differ";
}

interface Identifiers {
  readonly wanted?: Uint8Array | undefined;
  readonly offered?: Uint8Array | undefined;
}

const identifiers = new WeakMap<Certificate, Identifiers>();

function identifiersOf(certificate: Certificate): Identifiers {
  let known = identifiers.get(certificate);
  if (known !== undefined) return known;
  try {
    const wanted = authorityKeyIdentifier(certificate)?.keyIdentifier;
    known = { wanted, offered: subjectKeyIdentifier(certificate) };
  } catch (error) {
    // Malformed extensions are found, and named, when the path is judged.
    if (!(error instanceof CredentialError)) throw error;
    known = {};
  }
  identifiers.set(certificate, known);
  return known;
}
