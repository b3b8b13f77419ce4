import { type AbortSignalLike, CredentialError, type SignatureScheme } from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import { checkWanted } from "../calls.ts";
import type { TokenSigner } from "./token-signer.ts";

/** Signs something, in the first of the schemes that the token does. A signer verifies the first signature that it makes. */
export async function signOnce(
  schemes: readonly SignatureScheme[],
  signal: AbortSignalLike | undefined,
  sign: (scheme: SignatureScheme, challenge: Uint8Array) => unknown,
): Promise<void> {
  const challenge = nodeCrypto().randomBytes(32);
  let refusal: unknown;
  for (const scheme of schemes) {
    checkWanted(signal);
    try {
      await sign(scheme, challenge);
      return;
    } catch (error) {
      if (!(error instanceof CredentialError) || error.code !== "MECHANISM_UNSUPPORTED") throw error;
      refusal ??= error;
    }
  }
  throw refusal;
}

/**
 * The one of several signers of the same private key that has its public half: each signs, until one's signature
 * verifies. A single one signs nothing, for its first signature shows the same.
 *
 * `KEY_MISMATCH` where it is none of them, and what signing may throw.
 */
export async function provenSigner(
  signers: readonly TokenSigner[],
  signal: AbortSignalLike | undefined,
): Promise<TokenSigner> {
  const [first] = signers;
  if (first === undefined) throw new TypeError("there is no signer");
  if (signers.length === 1) return first;
  const options = signal === undefined ? {} : { signal };
  let mismatch: unknown;
  for (const signer of signers) {
    try {
      await signOnce(signer.schemes, signal, (scheme, challenge) => signer.sign(scheme, challenge, options));
      return signer;
    } catch (error) {
      if (!(error instanceof CredentialError) || !isOfAnotherKey(error)) throw error;
      mismatch ??= error;
    }
  }
  throw mismatch;
}

/** Also where the signature has another length than those of the public half, which is no answer of the token's. */
function isOfAnotherKey({ code, rv }: CredentialError): boolean {
  return code === "KEY_MISMATCH" || (code === "TOKEN_ERROR" && rv === undefined);
}
