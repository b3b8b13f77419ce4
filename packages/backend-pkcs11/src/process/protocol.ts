import { CredentialError, type ErrorCode, Secret } from "@ddscred/core";
import type { Handle, Module } from "../cryptoki/module.ts";

/**
 * What passes between a program and the process that owns a module: arrays of requests one way, arrays of
 * answers the other, in the structured clone algorithm. All that is asked for, or answered, in one turn of an
 * event loop travels together: a message costs as much as a signature.
 */
export type Request = readonly [id: number, method: Method, ...args: readonly unknown[]];

export type Answer =
  | readonly [id: number, result: unknown]
  | readonly [id: number, _: null, error: WireError];

/** The methods of {@link Module} that the process answers, and its end. A PIN travels as its text. */
export type Method =
  | "library"
  | "examine"
  | "slots"
  | "token"
  | "openSession"
  | "closeSession"
  | "watch"
  | "unwatch"
  | "isLoggedIn"
  | "login"
  | "logout"
  | "find"
  | "attributes"
  | "attributesOf"
  | "sign"
  | "generateKeyPair"
  | "createObject"
  | "destroyObject"
  | "end";

export type Result<M extends keyof Module> = Module[M] extends (...args: never[]) => Promise<infer R>
  ? R
  : never;

/** An argument as it travels. */
export function revealed(arg: unknown): unknown {
  if (arg instanceof Secret) return arg.reveal();
  const { pin } = (arg ?? {}) as { pin?: unknown };
  return pin instanceof Secret ? { ...(arg as object), pin: pin.reveal() } : arg;
}

/** The handles that `find` answers, one after the other: thousands of small arrays would take long to read. */
export interface PackedHandles {
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** Handles of one module, which are all of one length. */
export function packed(handles: readonly Handle[]): PackedHandles {
  return { count: handles.length, bytes: Buffer.concat(handles) };
}

/** One of them: a copy, which need not keep the others. */
export function handleAt({ count, bytes }: PackedHandles, n: number): Handle {
  const length = bytes.length / count;
  return new Uint8Array(bytes.subarray(n * length, (n + 1) * length));
}

/** The first message to the process. Parameters may hold secrets, and arguments are for all to see. */
export interface Start {
  readonly parameters: string | undefined;
}

/** The process answers to this number when the module is ready, or could not be started. */
export const START = 0;

/** An error as plain data. */
export interface WireError {
  readonly kind: "CredentialError" | "TypeError";
  readonly message: string;
  readonly code?: ErrorCode;
  readonly details?: Record<string, unknown>;
}

export function toWire(error: unknown): WireError {
  if (error instanceof CredentialError) {
    const { code, message, ...all } = error.toJSON();
    const details = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    return { kind: "CredentialError", message: String(message), code: code as ErrorCode, details };
  }
  const message = error instanceof Error ? error.message : "no error";
  if (error instanceof TypeError) return { kind: "TypeError", message };
  return { kind: "CredentialError", message, code: "INTERNAL" };
}

export function fromWire({ kind, message, code = "INTERNAL", details = {} }: WireError): Error {
  return kind === "TypeError" ? new TypeError(message) : new CredentialError(code, message, details);
}
