import * as der from "../../der/write.ts";
import { CredentialError } from "../../errors/credential-error.ts";
import type { CallOptions, Signer } from "../../ports/credential-source.ts";
import type { SignatureScheme, SignatureSchemeName } from "../../schemes.ts";
import { signatureAlgorithmDer } from "../write-algorithm.ts";

/**
 * The scheme that a key signs certificates and requests in: the one that every implementation verifies. For
 * RSA that is PKCS#1 v1.5, wherever the key can do it. `KEY_UNSUPPORTED`.
 */
export function certificateScheme({ schemes }: Signer): SignatureScheme {
  const known = USUAL.map((name) => schemes.find((scheme) => scheme.name === name));
  const scheme = known.find((one) => one !== undefined);
  if (scheme !== undefined) return scheme;
  throw new CredentialError("KEY_UNSUPPORTED", "the key signs in no scheme in which certificates are signed");
}

/** SIGNED of X.509: what is signed, the algorithm, the signature. */
export async function signed(
  signer: Signer,
  scheme: SignatureScheme,
  tbs: Uint8Array,
  options?: CallOptions,
): Promise<Uint8Array> {
  const signature = await signer.sign(scheme, tbs, options);
  return der.sequence(tbs, signatureAlgorithmDer(scheme), der.bitString(signature));
}

const USUAL: readonly SignatureSchemeName[] = [
  "ecdsa_p256_sha256",
  "ecdsa_p384_sha384",
  "ecdsa_p521_sha512",
  "rsa_pkcs1_sha256",
  "rsa_pss_sha256",
];
