import { CredentialError, type CredentialErrorDetails, ckrName, tokenError } from "@ddscred/core";

/**
 * Whatever the native binding threw, as a CredentialError. Most functions throw an error with the number of
 * the return value as `code`; some (C_FindObjects among them) a plain one with `CKR_NAME:NUMBER` as its
 * message. The name is the binding's, and wrong for the numbers that it does not know: only the number counts.
 */
export function nativeError(
  call: string,
  error: unknown,
  details: CredentialErrorDetails = {},
): CredentialError {
  if (error instanceof CredentialError) return error;
  const rv = returnValue(error);
  if (rv !== undefined) return tokenError(ckrName(rv), call, details);
  const message = error instanceof Error ? error.message : "no error";
  return new CredentialError("INTERNAL", `the native binding failed in ${call}: ${message}`, {
    ...details,
    call,
  });
}

/** Runs one function of the binding. */
export function native<T>(call: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw nativeError(call, error);
  }
}

/** The CK_RV of an error of the binding; undefined where it is about something else. */
export function returnValue(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as { code?: unknown };
  if (typeof code === "number" && code > 0) return code;
  const inMessage = /CKR_\w+:(\d{1,20})/.exec(error.message)?.[1];
  return inMessage === undefined ? undefined : Number(BigInt.asUintN(32, BigInt(inMessage)));
}
