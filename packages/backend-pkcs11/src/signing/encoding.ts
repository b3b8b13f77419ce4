import { CredentialError, ecdsaRawToDer, type PublicKeyInfo } from "@ddscred/core";
import { coordinateLengths, ed25519Lengths } from "../cryptoki/curves.ts";

/** Bytes of a signature by the key, as the token gives it. */
export function signatureLength({ keyType, bits = 0, curve }: PublicKeyInfo): number {
  if (keyType === "ed25519") return ed25519Lengths.signature;
  return curve === undefined ? Math.ceil(bits / 8) : 2 * coordinateLengths[curve];
}

/**
 * A signature as the token gave it, in the encoding of a signer: ECDSA in DER. The length is that of the key. The bytes
 * are of Node.js's pool, for memory of their own takes as long as all else that is done for a signature here.
 */
export function encodedSignature({ keyType }: PublicKeyInfo, raw: Uint8Array): Uint8Array {
  return keyType === "ec" ? ecdsaRawToDer(raw, pooled) : Buffer.from(raw);
}

const pooled = (length: number): Buffer => Buffer.allocUnsafe(length);

/** @param wasGood whether the handle signed well before, so that it is worth to be looked up again */
export function wrongLength(raw: Uint8Array, length: number, wasGood: boolean): CredentialError {
  const lengths = `${raw.length} bytes, not ${length}`;
  return new CredentialError("TOKEN_ERROR", `the token gave a signature of ${lengths}`, {
    call: "C_Sign",
    retryable: wasGood,
  });
}
