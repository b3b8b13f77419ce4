import { type PublicKeyInfo, parsePublicKeyInfo, type SignatureScheme, schemesForKey } from "@ddscred/core";
import type { PrivateKeyBlock } from "./software-signer-block.ts";

/**
 * The schemes that a key can sign with. What a certificate with its public half would be said to hold decides, so that
 * both always agree.
 */
export function schemesOf(spki: Uint8Array, fail: PrivateKeyBlock["fail"]): readonly SignatureScheme[] {
  const { keyType, bits = 0, curve, label } = publicKeyInfo(spki, fail);
  if (keyType === "other") throw fail("KEY_UNSUPPORTED", `the key is ${label}, not RSA, EC or Ed25519`);
  if (keyType === "ec" || keyType === "ed25519") return schemesForKey({ keyType, curve });
  if (bits <= MAX_RSA_BITS) return schemesForKey({ keyType }).filter((scheme) => fitsModulus(scheme, bits));
  throw fail("KEY_UNSUPPORTED", `the RSA key has ${bits} bits; at most ${MAX_RSA_BITS} are done here`);
}

function publicKeyInfo(spki: Uint8Array, fail: PrivateKeyBlock["fail"]): PublicKeyInfo {
  try {
    return parsePublicKeyInfo(spki);
  } catch (cause) {
    throw fail("KEY_INVALID", "the public half of the private key does not decode", { cause });
  }
}

/** RFC 8017 9.1.1 and 9.2: what the encoded message needs. A key of 1024 bits has no room for PSS with SHA-512. */
function fitsModulus(scheme: SignatureScheme, bits: number): boolean {
  const hashLength = Number(scheme.hash.slice(4)) / 8;
  return scheme.padding === "pss"
    ? Math.ceil((bits - 1) / 8) >= hashLength + (scheme.saltLength ?? 0) + 2
    : Math.ceil(bits / 8) >= hashLength + 19 + 11;
}

const MAX_RSA_BITS = 8192;
