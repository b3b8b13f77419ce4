import { CredentialError } from "@ddscred/core";

/** Of the call that did not end in time. */
export function timeout(call: string, deadline: number): CredentialError {
  const message = `${call} did not end within ${deadline} ms; the module's process was ended`;
  return new CredentialError("TIMEOUT", message, { call, retryable: true });
}

/** Of the calls beside it. */
export function replaced(call: string): CredentialError {
  const message = `the module's process was ended, because ${call} did not end in time`;
  return new CredentialError("SESSION_LOST", message, { retryable: true });
}

/** Of the calls that were under way when the process ended by itself. */
export function crashed(code: number | null, signal: string | null): CredentialError {
  const how = signal === null ? `ended by itself (exit code ${code})` : `crashed (${signal})`;
  return new CredentialError("DEVICE_ERROR", `the process of the PKCS#11 module ${how}`, {
    retryable: true,
    hint: "Report the crash to the module's vendor; the next call starts it in a new process.",
  });
}

export function notStarted(path: string, { message }: Error): CredentialError {
  const text = `the process for the PKCS#11 module ${path} could not be started: ${message}`;
  return new CredentialError("MODULE_FAILED", text, { retryable: true });
}
