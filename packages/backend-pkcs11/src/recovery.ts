import { type AbortSignalLike, CredentialError } from "@ddscred/core";
import type { Module } from "./cryptoki/module.ts";

/**
 * Makes a call that does no harm when it is made twice, up to three times, where the reason why it failed can
 * be mended: sessions, logins and handles that were lost are made anew by the next attempt, and a module that
 * does not recover by itself is started anew before the last.
 *
 * A login is not made again where it is unknown whether the token counted it: a wrong PIN costs one attempt. One
 * that a dead session kept from the token is, once.
 * A call that took too long is not made again either.
 *
 * @param recovered is told why the call failed at last, where it succeeded then
 */
export async function recovering<T>(
  module: Module,
  signal: AbortSignalLike | undefined,
  call: () => Promise<T>,
  recovered?: (error: CredentialError) => void,
): Promise<T> {
  const began = performance.now();
  let failure: CredentialError | undefined;
  let logins = 0;
  for (let attempt = 1; ; attempt++) {
    const { epoch } = module;
    try {
      const result = await call();
      if (failure !== undefined) recovered?.(failure);
      return result;
    } catch (error) {
      if (!(error instanceof CredentialError) || attempt === ATTEMPTS) throw error;
      failure = error;
      const isLost = isModuleLost(error, attempt) || (await hasLostItsTokens(module, error, attempt));
      if (isLost) await module.restart(epoch);
      const isLate = performance.now() - began > module.deadline;
      if (error.call === "C_Login" && ++logins > 1) throw error;
      if (signal?.aborted === true || isLate || !isWorthAnother(error, isLost)) throw error;
    }
  }
}

/** Return values after which handles, a session or a login are made anew. */
export const losses = {
  objects: new Set(["CKR_OBJECT_HANDLE_INVALID", "CKR_KEY_HANDLE_INVALID"]),
  sessions: new Set([
    "CKR_SESSION_HANDLE_INVALID",
    "CKR_SESSION_CLOSED",
    "CKR_USER_NOT_LOGGED_IN",
    "CKR_DEVICE_REMOVED",
    "CKR_DEVICE_ERROR",
    "CKR_TOKEN_NOT_PRESENT",
    "CKR_CRYPTOKI_NOT_INITIALIZED",
  ]),
} as const satisfies Record<string, ReadonlySet<string>>;

/** The session is in another state than we left it in: somebody else had it. The next attempt takes another one. */
const confused: ReadonlySet<string> = new Set(["CKR_OPERATION_ACTIVE", "CKR_OPERATION_NOT_INITIALIZED"]);

function isWorthAnother({ code, rv = "", call, retryable }: CredentialError, isLost: boolean): boolean {
  if (call === "C_Login") return rv === "CKR_SESSION_HANDLE_INVALID" || rv === "CKR_SESSION_CLOSED";
  if (code === "TIMEOUT") return false;
  if (code === "TOKEN_NOT_FOUND") return isLost;
  return retryable || losses.objects.has(rv) || losses.sessions.has(rv) || confused.has(rv);
}

/** Whether the module itself does not work any more: not only a signature fails, but all that comes before. */
function isModuleLost({ rv = "", call = "" }: CredentialError, attempt: number): boolean {
  if (rv === "CKR_CRYPTOKI_NOT_INITIALIZED") return true;
  if (call === "C_SignInit" || call === "C_Sign") return false;
  return (attempt > 1 || call === "C_Login") && (rv === "CKR_DEVICE_ERROR" || rv === "CKR_GENERAL_ERROR");
}

/** A client of a token service that was gone shows no token at all, also when the service is there again. */
async function hasLostItsTokens(
  module: Module,
  { code }: CredentialError,
  attempt: number,
): Promise<boolean> {
  if (code !== (attempt === 1 ? "TOKEN_NOT_FOUND" : "TOKEN_REMOVED")) return false;
  return await module.slots().then(
    (slots) => slots.length === 0,
    () => true,
  );
}

const ATTEMPTS = 3;
