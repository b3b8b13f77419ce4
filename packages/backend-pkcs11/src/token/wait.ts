import {
  type AbortSignalLike,
  type CallOptions,
  CredentialError,
  type Pkcs11Uri,
  parsePkcs11Uri,
} from "@ddscred/core";
import type { Module } from "../cryptoki/module.ts";
import type { ModuleOpener, Modules } from "../modules.ts";
import { type FoundToken, findToken, findTokens } from "./find-token.ts";

export interface WaitOptions extends CallOptions {
  /** Longest pause between two looks, in milliseconds. Default 5,000; the first pauses are shorter. */
  readonly interval?: number;
}

/** How long somebody waits. */
interface Wait {
  readonly interval: number;
  readonly signal: AbortSignalLike | undefined;
  readonly closing: AbortSignalLike;
  /** Why the token was not there when it was looked for last. */
  missing?: CredentialError;
}

/** @param closing when the backend is closed */
export function checkedWait({ signal, interval = INTERVAL }: WaitOptions, closing: AbortSignalLike): Wait {
  if (!(typeof interval === "number" && interval >= 1))
    throw new TypeError("interval is a number of milliseconds from 1");
  return { interval, signal, closing };
}

/**
 * Waits for the one token that the URI names. For the errors see {@link findToken} and {@link untilThere}.
 *
 * @param openFresh see {@link lookForToken}; not asked for the first look
 * @returns the token, and how often it was looked for
 */
export async function waitForToken(
  modules: Modules,
  uri: string,
  wait: Wait,
  openFresh: ModuleOpener,
): Promise<{ found: FoundToken; looks: number }> {
  const parsed = parsePkcs11Uri(uri);
  let looks = 0;
  const look = async (): Promise<FoundToken> => {
    const module = await modules.forUri(parsed);
    return await lookForToken(module, parsed, uri, looks++ === 0 ? undefined : openFresh);
  };
  const found = await untilThere(look, wait);
  return { found, looks };
}

/**
 * Looks once for the one token that the URI names; for the errors see {@link findToken}.
 *
 * @param openFresh opens the module as it would start now; where that sees the token, and the module does not,
 *   the module is started anew
 */
async function lookForToken(
  module: Module,
  uri: Pkcs11Uri,
  text: string,
  openFresh?: ModuleOpener,
): Promise<FoundToken> {
  const { epoch } = module;
  try {
    return await findToken(module, uri, text);
  } catch (error) {
    if (openFresh === undefined || !isPassing(error) || !(await isSeen(uri, module.path, openFresh)))
      throw error;
    await module.restart(epoch);
    return await findToken(module, uri, text);
  }
}

async function isSeen(uri: Pkcs11Uri, path: string, open: ModuleOpener): Promise<boolean> {
  const { module, release } = await open(path);
  try {
    return (await findTokens(module, uri)).matching.length > 0;
  } finally {
    await release().catch(() => undefined);
  }
}

/**
 * Looks until something is there. Why it is not yet may be that its token, its reader or its service is not;
 * every other reason is thrown.
 *
 * `ABORTED` where the signal comes first, `CLOSED` where the backend is closed.
 */
async function untilThere<T>(look: () => Promise<T>, wait: Wait): Promise<T> {
  const { interval, signal, closing } = wait;
  const signals = signal === undefined ? [closing] : [signal, closing];
  for (let looks = 0; ; looks++) {
    if (closing.aborted) throw new CredentialError("CLOSED", "the PKCS#11 backend was closed");
    if (signal?.aborted) throw ended(wait);
    try {
      return await look();
    } catch (error) {
      if (!isPassing(error)) throw error;
      wait.missing = error;
    }
    await pause(Math.min(FIRST_PAUSE * 2 ** Math.min(looks, 20), interval), signals);
  }
}

/** `ABORTED`, with what was missing to the end. */
export function ended({ missing }: Wait): CredentialError {
  const why = missing === undefined ? "" : `: ${missing.message}`;
  const { hint, candidates } = missing ?? {};
  return new CredentialError("ABORTED", `the wait for a token was ended${why}`, {
    ...(hint === undefined ? {} : { hint }),
    ...(candidates === undefined ? {} : { candidates }),
  });
}

/** Until the time is over or a signal comes. The program waits with it: it has nothing else to do. */
async function pause(milliseconds: number, signals: readonly AbortSignalLike[]): Promise<void> {
  let end = (): void => undefined;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    end = () => {
      clearTimeout(timer);
      resolve();
    };
    for (const signal of signals) {
      signal.addEventListener("abort", end, { once: true });
      if (signal.aborted) end();
    }
  });
  for (const signal of signals) signal.removeEventListener("abort", end);
}

function isPassing(error: unknown): error is CredentialError {
  return error instanceof CredentialError && passing.has(error.code);
}

/** What a token, a reader or a service that comes later puts an end to. */
const passing: ReadonlySet<string> = new Set([
  "TOKEN_NOT_FOUND",
  "TOKEN_REMOVED",
  "DEVICE_ERROR",
  "SESSION_LOST",
  "MODULE_FAILED",
  "TIMEOUT",
]);

const INTERVAL = 5_000;
const FIRST_PAUSE = 125;
