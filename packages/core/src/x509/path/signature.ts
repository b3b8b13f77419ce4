import { sameBytes } from "../../der/values.ts";
import { CredentialError } from "../../errors/credential-error.ts";
import type { Verifier } from "../../ports/crypto-provider.ts";
import { signatureSchemeOf } from "../algorithms.ts";
import type { Certificate } from "../certificate.ts";
import { authorityKeyIdentifier, subjectKeyIdentifier } from "../extensions.ts";
import { displayName } from "../name-format.ts";
import type { PathProfile } from "./profile.ts";
import { certificateError, checkKey } from "./rules.ts";

/** Why an issuer of the right name did not issue a certificate. */
export interface Rejection {
  readonly error: CredentialError;
  /** How much it explains; the highest is shown. */
  readonly weight: number;
}

/** Weights of rejections, least informative first. */
export const Weight = { noIssuer: 1, otherKey: 2, badSignature: 3, policy: 4, rule: 5 } as const;

/** Checks signatures of certificates, each pair once, under a budget. */
export class SignatureChecks {
  readonly #results = new Map<Certificate, Map<Certificate, Promise<Rejection | undefined>>>();
  readonly #crypto: Verifier;
  readonly #profile: PathProfile;
  #left: number;

  constructor(crypto: Verifier, profile: PathProfile, budget: number) {
    this.#crypto = crypto;
    this.#profile = profile;
    this.#left = budget;
  }

  /** Undefined if the key of `issuer` signed the certificate (RFC 5280 6.1.3 (a)(1)). */
  async check(certificate: Certificate, issuer: Certificate): Promise<Rejection | undefined> {
    let results = this.#results.get(certificate);
    if (results === undefined) this.#results.set(certificate, (results = new Map()));
    let result = results.get(issuer);
    if (result === undefined) results.set(issuer, (result = this.#verify(certificate, issuer)));
    return await result;
  }

  async #verify(certificate: Certificate, issuer: Certificate): Promise<Rejection | undefined> {
    try {
      checkKey(issuer, this.#profile);
      const scheme = signatureSchemeOf(certificate.signatureAlgorithm, issuer.publicKey);
      this.#left -= 1;
      if (this.#left < 0) {
        const problem = "its path was not found within the limit of signature checks";
        throw certificateError("PATH_REFUSED", certificate, problem, "RFC 5280 6.1", BUDGET_HINT);
      }
      const { tbs, signature } = certificate;
      // Exactly true: a verifier written without types may answer anything.
      const genuine: unknown = await this.#crypto.verify(issuer.publicKey.spki, scheme, tbs, signature);
      return genuine === true ? undefined : notSigned(certificate, issuer);
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error;
      if (error.code === "SIGNATURE_INVALID") return notSigned(certificate, issuer);
      if (error.code !== "ALGORITHM_REFUSED" && error.code !== "KEY_UNSUPPORTED") throw error;
      return { error: about(certificate, error), weight: Weight.policy };
    }
  }
}

const BUDGET_HINT = "Leave out the certificates that do not belong to the path.";

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
  try {
    const wanted = authorityKeyIdentifier(certificate)?.keyIdentifier;
    const offered = subjectKeyIdentifier(issuer);
    if (wanted === undefined || offered === undefined) return "unknown";
    return sameBytes(wanted, offered) ? "same" : "differ";
  } catch (error) {
    // Malformed extensions are found, and named, when the path is judged.
    if (error instanceof CredentialError) return "unknown";
    throw error;
  }
}
