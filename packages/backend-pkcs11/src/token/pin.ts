import {
  type AbortSignalLike,
  misnamedQuery,
  type Pkcs11Uri,
  redactUri,
  Secret,
  type TokenInfo,
} from "@ddscred/core";
import { unlessEnded } from "./patience.ts";
import { carriesPin, isOfSource, pinOfUri } from "./pin-source.ts";
import { unreadable } from "./pin-text.ts";

/**
 * Asked for the PIN of a token when a login is needed and the URI carries none. Undefined: there is none.
 * It is not asked again for a token that it opened, unless the login was lost, or a key wants its PIN for each
 * signature (CKA_ALWAYS_AUTHENTICATE): then it is asked each time. A PIN that a token refused is never sent again.
 * What it throws becomes `PIN_SOURCE_UNREADABLE`, and nothing of its text is shown; errors of `readPinSource` stay.
 * It must not call the backend: the login that asks is under way.
 */
export type PinProvider = (request: PinQuestion) => Promise<Secret | undefined>;

export interface PinQuestion {
  /** What is being opened, without its PIN. */
  readonly uri: string;
  readonly token: TokenInfo;
}

/** Where the PIN for one URI comes from. Nothing is read before it is needed. */
export interface PinRequest {
  /** Whether the URI itself has a PIN. */
  readonly isCarried: boolean;
  /** What of the URI's query is written wrong, in words. */
  readonly misnamed: string | undefined;
  /** The PIN of the URI. */
  carried(): Promise<Secret | undefined>;
  /** The PIN of the provider. `ABORTED` by the signal, `CLOSED` where the backend is closed meanwhile. */
  ask(token: TokenInfo, signal?: AbortSignalLike): Promise<Secret | undefined>;
}

/** How a backend comes by PINs that the URI itself does not hold. */
export interface PinMeans {
  readonly provider: PinProvider | undefined;
  /** Absolute paths of the programs that a pin-source may run. */
  readonly commands: readonly string[];
  /** When the backend is closed. */
  readonly closing: AbortSignalLike;
}

export function pinRequest(uri: string, parsed: Pkcs11Uri, means: PinMeans): PinRequest {
  const { provider, commands, closing } = means;
  return {
    isCarried: carriesPin(parsed),
    misnamed: misnamedQuery(parsed),
    carried: () => pinOfUri(parsed, commands),
    async ask(token, signal) {
      const { label, manufacturerID, model, serialNumber } = token;
      const question = { uri: redactUri(uri), token: { label, manufacturerID, model, serialNumber } };
      const asking = (async () => await provider?.(question))().catch(providerFailed);
      // Whoever is asked may never answer, and all logins on the token wait in line behind.
      const pin = await unlessEnded(asking, signal, closing);
      if (pin === undefined || pin instanceof Secret) return pin;
      throw new TypeError("a PIN provider gives a Secret or undefined");
    },
  };
}

/**
 * What is said of a provider that failed. Its own words may hold the PIN, so they go no further; those of a source that
 * this package read for it do.
 */
function providerFailed(error: unknown): never {
  if (isOfSource(error)) throw error;
  const name = classOf(error);
  const kind = /^[A-Z][A-Za-z]{0,39}$/.test(name) ? ` (${name})` : "";
  throw unreadable(
    `asking for the PIN failed${kind}`,
    "Look into what gives the PIN: its own words are not shown.",
  );
}

function classOf(error: unknown): string {
  try {
    const name: unknown = error instanceof Error ? error.constructor.name : "";
    return typeof name === "string" ? name : "";
  } catch {
    return ""; // an object may answer any question with an error
  }
}
