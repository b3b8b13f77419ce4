import { fileBackend } from "@ddscred/backend-file";
import {
  type PinProvider,
  type Pkcs11Source,
  pkcs11Backend,
  type TraceListener,
} from "@ddscred/backend-pkcs11";
import { type CryptoProvider, createResolver, type Resolver } from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import { definedOnly } from "./options.ts";
import { programPins } from "./pin/pins.ts";
import { lendTpmStore } from "./tpm-store.ts";

/** How the program's resolver is put together. */
export interface Wiring {
  /** PKCS#11 module, where the command line names one. */
  readonly module?: string | undefined;
  /** What it is started with; without one, the module that the environment names. */
  readonly libraryParameters?: string | undefined;
  /** Folders for relative file: paths, tried in order. */
  readonly bases?: readonly string[];
  /** Where PINs come from that no URI holds. Default: whoever sits at the terminal. */
  readonly pin?: PinProvider;
  /** Told of every call on a token. */
  readonly trace?: TraceListener | undefined;
}

/** The backends, put together. */
export interface Wired {
  readonly resolver: Resolver;
  readonly crypto: CryptoProvider;
  /** The one of the resolver's sources that can write. */
  readonly tokens: Pkcs11Source;
}

/** The only place that knows all backends. None opens anything before its first call. */
export function wire(wiring: Wiring): Wired {
  // A TPM's module is among those that are looked through. Where there is no TPM, it would fill the terminal.
  process.env["TSS2_LOG"] ??= "all+NONE";
  process.env["TPM2_PKCS11_LOG_LEVEL"] ??= "0";
  const takeBack = wiring.module === undefined ? lendTpmStore() : undefined;
  if (takeBack !== undefined) process.once("exit", takeBack);
  const crypto = nodeCrypto();
  const file = fileBackend({ bases: wiring.bases ?? workingFolder() });
  const pkcs11 = pkcs11Backend({
    // A deployment under check may hold many wrong PINs; one costs an attempt, and a few lock the token.
    maxRefusedPins: 1,
    discover: true,
    // One command is a process of its own already, and starting another takes longer than most of them.
    isolation: "inline",
    pin: wiring.pin ?? programPins(),
    ...definedOnly({
      module: wiring.module,
      libraryParameters: wiring.libraryParameters,
      trace: wiring.trace,
    }),
  });
  return { resolver: createResolver([file, pkcs11], { crypto }), crypto, tokens: pkcs11 };
}

/** None where it was removed: then no relative path names anything. */
function workingFolder(): readonly string[] {
  try {
    return [process.cwd()];
  } catch {
    return [];
  }
}
