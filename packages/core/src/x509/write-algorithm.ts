import { integer, nullValue, oid, sequence, tagged } from "../der/write.ts";
import type { HashName, SignatureScheme } from "../schemes.ts";

/**
 * DER of the AlgorithmIdentifier of a signature, as certificates, CSRs, CRLs and (but for plain RSA) CMS name it:
 * RSASSA-PKCS1-v1_5 with NULL parameters (RFC 4055 5), RSASSA-PSS with its own in full (RFC 4055 3.1), ECDSA
 * and Ed25519 with none (RFC 5758 3.2, RFC 8410 3).
 */
export function signatureAlgorithmDer(scheme: SignatureScheme): Uint8Array {
  if (scheme.keyType === "ed25519") return sequence(oid("1.3.101.112"));
  if (scheme.keyType === "ec") return sequence(oid(ECDSA_WITH[scheme.hash]));
  if (scheme.saltLength === undefined) return sequence(oid(RSA_WITH[scheme.hash]), nullValue());
  // With NULL, as RFC 4055 2.1 wants it here and everybody writes it.
  const hash = sequence(oid(HASH[scheme.hash]), nullValue());
  const mgf1 = sequence(oid("1.2.840.113549.1.1.8"), hash);
  const parameters = sequence(tagged(0, hash), tagged(1, mgf1), tagged(2, integer(scheme.saltLength)));
  return sequence(oid("1.2.840.113549.1.1.10"), parameters);
}

/** DER of the AlgorithmIdentifier of a hash: without parameters (RFC 5754 2). */
export function hashAlgorithmDer(hash: HashName): Uint8Array {
  return sequence(oid(HASH[hash]));
}

const HASH: Readonly<Record<HashName, string>> = {
  "SHA-256": "2.16.840.1.101.3.4.2.1",
  "SHA-384": "2.16.840.1.101.3.4.2.2",
  "SHA-512": "2.16.840.1.101.3.4.2.3",
};
const RSA_WITH: Readonly<Record<HashName, string>> = {
  "SHA-256": "1.2.840.113549.1.1.11",
  "SHA-384": "1.2.840.113549.1.1.12",
  "SHA-512": "1.2.840.113549.1.1.13",
};
const ECDSA_WITH: Readonly<Record<HashName, string>> = {
  "SHA-256": "1.2.840.10045.4.3.2",
  "SHA-384": "1.2.840.10045.4.3.3",
  "SHA-512": "1.2.840.10045.4.3.4",
};
