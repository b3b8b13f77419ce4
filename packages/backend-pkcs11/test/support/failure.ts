import { CredentialError } from "@ddscred/core";
import type { CallLog } from "./spy.ts";

/** The CredentialError with which a call fails; anything else is thrown on. */
export async function failure(call: Promise<unknown> | undefined): Promise<CredentialError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof CredentialError) return error;
    throw error;
  }
  throw new Error("the call did not fail");
}

/** How often a method of the module was called. */
export function count(calls: CallLog, name: string): number {
  return calls.filter((call) => call === name).length;
}
