import {
  type AbortSignalLike,
  type Certificate,
  CredentialError,
  type Pkcs11Uri,
  type SignerOptions,
} from "@ddscred/core";
import { findCertificates, noCertificate } from "./objects/certificates.ts";
import { type FoundKey, findPrivateKey } from "./objects/private-key.ts";
import type { PinRequest } from "./token/pin.ts";
import type { Token } from "./token/token.ts";

/** The certificates that the URI names. They are public as a rule; only what is not there is worth asking for a PIN. */
export async function certificatesOn(
  { token, pin }: { token: Token; pin: PinRequest },
  parsed: Pkcs11Uri,
  uri: string,
  signal?: AbortSignalLike,
): Promise<readonly Certificate[]> {
  if (pin.isCarried) await token.unlock(pin, signal);
  const found = await findCertificates(token, parsed, uri);
  if (found !== undefined) return found;
  if (await showsMore(token, pin, signal)) {
    const hidden = await findCertificates(token, parsed, uri);
    if (hidden !== undefined) return hidden;
  }
  throw await noCertificate(token, uri);
}

/**
 * The one private key that the URI names, behind a login where the token wants one; where it does not, and shows no such
 * key, behind one with the PIN that the URI carries: some tokens hide keys and do not say so.
 */
export async function privateKeyOn(
  { token, pin }: { token: Token; pin: PinRequest },
  parsed: Pkcs11Uri,
  uri: string,
  { publicKey, signal }: SignerOptions = {},
): Promise<FoundKey> {
  await token.unlock(pin, signal);
  try {
    return await findPrivateKey(token, parsed, uri, publicKey);
  } catch (error) {
    const isMissing = error instanceof CredentialError && error.code === "OBJECT_NOT_FOUND";
    if (!isMissing || !pin.isCarried || !token.mayHide) throw error;
    await token.unlock(pin, signal, true);
    return await findPrivateKey(token, parsed, uri, publicKey);
  }
}

/** Whether a login shows what was hidden: with any PIN where the token wants a login, else with that of the URI. */
async function showsMore(token: Token, pin: PinRequest, signal?: AbortSignalLike): Promise<boolean> {
  if (!token.isOpen) return await unlockedIfPossible(token, pin, signal);
  if (!pin.isCarried || !token.mayHide) return false;
  await token.unlock(pin, signal, true);
  return true;
}

/** Logs in before a list is made: with the PIN of the URI, or with any for the one token that it names. */
export async function unlockToList(
  tokens: readonly Token[],
  pin: PinRequest,
  parsed: Pkcs11Uri,
  signal?: AbortSignalLike,
): Promise<void> {
  const [only] = tokens;
  if (only === undefined || tokens.length > 1) return;
  if (pin.isCarried) await only.unlock(pin, signal);
  else if (namesAToken(parsed)) await unlockedIfPossible(only, pin, signal);
}

/** Logs in where a PIN can be had; no PIN is no error here. */
async function unlockedIfPossible(token: Token, pin: PinRequest, signal?: AbortSignalLike): Promise<boolean> {
  try {
    await token.unlock(pin, signal);
    return true;
  } catch (error) {
    if (error instanceof CredentialError && error.code === "PIN_REQUIRED") return false;
    throw error;
  }
}

/** Whether the URI is about one token, and not about whichever there is. */
function namesAToken({ path }: Pkcs11Uri): boolean {
  return path.token !== undefined || path.serial !== undefined || path["slot-id"] !== undefined;
}
