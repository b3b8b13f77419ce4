import { CredentialError } from "../errors/credential-error.ts";
import type { HashName } from "../schemes.ts";
import { withoutParameters } from "../x509/algorithm-id.ts";
import type { AlgorithmId } from "../x509/certificate.ts";
import { RSA_ENCRYPTION } from "./oids.ts";

/**
 * The hash of a digestAlgorithm (RFC 5754 2). Parameters are absent or NULL.
 *
 * @throws CredentialError `ALGORITHM_REFUSED` naming the weak or unknown one
 */
export function hashOfAlgorithm(algorithm: AlgorithmId): HashName {
  const hash = HASHES[algorithm.oid];
  if (hash === undefined) {
    const name = REFUSED[algorithm.oid] ?? `the algorithm ${algorithm.oid}`;
    throw new CredentialError("ALGORITHM_REFUSED", `the document's digest is made with ${name}`, {
      hint: "Sign again with `-md sha256`; that some implementations still read it makes it no safer.",
      section: "DDS-Security 1.1 9.4.1",
    });
  }
  if (withoutParameters(algorithm)) return hash;
  throw new CredentialError("CMS_INVALID", `the digest algorithm ${hash} has parameters`, {
    section: "RFC 5754 2",
  });
}

/**
 * The signatureAlgorithm as certificates name it: many signers write only the key's algorithm, rsaEncryption,
 * and leave the hash to digestAlgorithm (RFC 5754 3.2).
 */
export function fullSignatureAlgorithm(algorithm: AlgorithmId, hash: HashName): AlgorithmId {
  if (algorithm.oid !== RSA_ENCRYPTION) return algorithm;
  return { ...algorithm, oid: RSA_WITH[hash] };
}

const HASHES: Readonly<Record<string, HashName>> = {
  "2.16.840.1.101.3.4.2.1": "SHA-256",
  "2.16.840.1.101.3.4.2.2": "SHA-384",
  "2.16.840.1.101.3.4.2.3": "SHA-512",
};

const REFUSED: Readonly<Record<string, string>> = {
  "1.3.14.3.2.26": "SHA-1, which can be forged",
  "1.2.840.113549.2.5": "MD5, which can be forged",
  "2.16.840.1.101.3.4.2.4": "SHA-224, which DDS does not use",
};

/** sha256WithRSAEncryption and its kin (RFC 4055 5). */
const RSA_WITH: Readonly<Record<HashName, string>> = {
  "SHA-256": "1.2.840.113549.1.1.11",
  "SHA-384": "1.2.840.113549.1.1.12",
  "SHA-512": "1.2.840.113549.1.1.13",
};
