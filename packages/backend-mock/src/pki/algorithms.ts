import { der } from "@ddscred/core";
import { type MockHash, type MockKey, type MockSignature, rsaBits } from "./key.ts";

const HASHES: Readonly<Record<MockHash, string>> = {
  "SHA-1": "1.3.14.3.2.26",
  "SHA-256": "2.16.840.1.101.3.4.2.1",
  "SHA-384": "2.16.840.1.101.3.4.2.2",
  "SHA-512": "2.16.840.1.101.3.4.2.3",
};
const ECDSA: Readonly<Record<MockHash, string>> = {
  "SHA-1": "1.2.840.10045.4.1",
  "SHA-256": "1.2.840.10045.4.3.2",
  "SHA-384": "1.2.840.10045.4.3.3",
  "SHA-512": "1.2.840.10045.4.3.4",
};
const RSA: Readonly<Record<MockHash, string>> = {
  "SHA-1": "1.2.840.113549.1.1.5",
  "SHA-256": "1.2.840.113549.1.1.11",
  "SHA-384": "1.2.840.113549.1.1.12",
  "SHA-512": "1.2.840.113549.1.1.13",
};

/** AlgorithmIdentifier of a digest. */
export function hashAlgorithm(hash: MockHash): Uint8Array {
  return der.sequence(der.oid(HASHES[hash]));
}

/** AlgorithmIdentifier of a signature in a certificate (RFC 3279, RFC 4055, RFC 5758, RFC 8410). */
export function signatureAlgorithm({ kind }: MockKey, { hash, pssSalt }: MockSignature): Uint8Array {
  if (kind === "ed25519") return der.sequence(der.oid("1.3.101.112"));
  if (rsaBits(kind) === undefined) return der.sequence(der.oid(ECDSA[hash]));
  if (pssSalt === undefined) return der.sequence(der.oid(RSA[hash]), der.nullValue());
  const hashed = der.sequence(der.oid(HASHES[hash]), der.nullValue());
  const mgf1 = der.sequence(der.oid("1.2.840.113549.1.1.8"), hashed);
  const parameters = der.sequence(
    der.tagged(0, hashed),
    der.tagged(1, mgf1),
    der.tagged(2, der.integer(pssSalt)),
  );
  return der.sequence(der.oid("1.2.840.113549.1.1.10"), parameters);
}

/** The same in a SignerInfo: plain RSA is named without its hash there, as OpenSSL does (RFC 3370 3.2). */
export function cmsSignatureAlgorithm(key: MockKey, how: MockSignature): Uint8Array {
  const plainRsa = rsaBits(key.kind) !== undefined && how.pssSalt === undefined;
  return plainRsa
    ? der.sequence(der.oid("1.2.840.113549.1.1.1"), der.nullValue())
    : signatureAlgorithm(key, how);
}
