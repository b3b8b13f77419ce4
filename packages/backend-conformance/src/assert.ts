import { type CredentialError, type ErrorCode, errorCodes, redactUri } from "@ddscred/core";

/** What a check throws when the backend breaks a rule of the contract. Any test runner reports it. */
export class ConformanceFailure extends Error {
  override readonly name = "ConformanceFailure";
}

export function ok(condition: unknown, rule: string): asserts condition {
  if (!condition) throw new ConformanceFailure(rule);
}

export function equal<T>(actual: T, expected: T, rule: string): void {
  ok(Object.is(actual, expected), `${rule}: ${String(expected)} expected, ${String(actual)} found`);
}

export function sameBytes(actual: Uint8Array | undefined, expected: Uint8Array, rule: string): void {
  ok(actual instanceof Uint8Array, `${rule}: no Uint8Array`);
  equal(actual.length, expected.length, `${rule}: length in bytes`);
  const differs = expected.findIndex((byte, index) => byte !== actual[index]);
  ok(differs === -1, `${rule}: byte ${differs} differs`);
}

/** A part of the fixture that the capability under check promises. */
export function given<T>(value: T | undefined, name: string): T {
  ok(value !== undefined, `the fixture gives ${name}`);
  return value;
}

/**
 * Runs a call that must fail with a CredentialError of one of the codes, and gives the error for more
 * assertions.
 */
export async function fails(
  call: () => unknown,
  codes: ErrorCode | readonly ErrorCode[] | "any",
  rule: string,
): Promise<CredentialError> {
  const error = await thrownBy(call);
  ok(error !== undefined, `${rule}: it did not fail`);
  const checked = credentialError(error, rule);
  if (codes === "any") return checked;
  const wanted = typeof codes === "string" ? [codes] : codes;
  ok(wanted.includes(checked.code), `${rule}: ${wanted.join(" or ")} expected, ${checked.code} found`);
  return checked;
}

/** Runs a call that must fail with a TypeError: its caller's mistake. */
export async function failsWithTypeError(call: () => unknown, rule: string): Promise<void> {
  const error = await thrownBy(call);
  ok(error instanceof TypeError, `${rule}: TypeError expected, ${describe(error)} found`);
}

/** What the call throws or rejects with, or undefined. */
export async function thrownBy(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error ?? new ConformanceFailure(`${String(error)} was thrown`);
  }
}

/** The rules that every error of a backend keeps. Judged by form, so two copies of core do no harm. */
export function credentialError(error: unknown, rule: string): CredentialError {
  ok(error instanceof Error && error.name === "CredentialError", `${rule}: ${describe(error)} was thrown`);
  const checked = error as CredentialError;
  ok(Object.hasOwn(errorCodes, checked.code), `${rule}: the code ${checked.code} is not in the table`);
  ok(checked.code !== "INTERNAL", `${rule}: INTERNAL was thrown: ${checked.message}`);
  ok(isText(checked.message), `${rule}: the message is empty`);
  ok(isText(checked.hint), `${rule}: the hint is empty`);
  equal(typeof checked.retryable, "boolean", `${rule}: retryable`);
  for (const uri of [checked.uri, ...(checked.candidates ?? [])]) {
    if (uri !== undefined) equal(redactUri(uri), uri, `${rule}: a URI in an error is redacted`);
  }
  return checked;
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value.trim() !== "";
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : `nothing (${String(error)})`;
}
