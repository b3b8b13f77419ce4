import { type AbortSignalLike, type Certificate, CredentialError, type Pkcs11Uri } from "@ddscred/core";
import { findCertificates, noCertificate } from "./objects/certificates.ts";
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
  if (!token.isOpen && (await unlockedIfPossible(token, pin, signal))) {
    const hidden = await findCertificates(token, parsed, uri);
    if (hidden !== undefined) return hidden;
  }
  throw await noCertificate(token, uri);
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
