import type { LibraryVersion, SlotInfo, TokenInfo } from "@ddscred/core";
import {
  CKF_LOGIN_REQUIRED,
  CKF_TOKEN_INITIALIZED,
  CKM_ECDSA,
  CKM_RSA_PKCS,
  CKM_RSA_PKCS_PSS,
  hashMechanisms,
} from "../cryptoki/constants.ts";
import type { ModuleReport, SlotReport } from "../cryptoki/report.ts";
import { loadBinding } from "../inline/binding.ts";
import { DEADLINE } from "../options.ts";
import { borrowProcessModule } from "../process/borrow.ts";
import { tokenUri } from "../token/names.ts";
import { type PinState, pinState } from "../token/pin-state.ts";
import { type TraceListener, tracedOpener } from "../trace.ts";

/** A module, and what is in its slots. */
export interface ModuleExamination {
  readonly manufacturer: string;
  readonly description: string;
  readonly version: LibraryVersion;
  /** Of the interface. */
  readonly cryptokiVersion: LibraryVersion;
  /** All slots: also empty ones, and those whose token is not initialised. */
  readonly slots: readonly SlotExamination[];
}

export interface SlotExamination {
  readonly slot: SlotInfo;
  /** Absent where there is no token in the slot. */
  readonly token?: TokenExamination;
  /** Why something of the slot is missing here: the function and its return value. */
  readonly failure?: string;
}

export interface TokenExamination {
  readonly info: TokenInfo;
  /** It names this token and no other. */
  readonly uri: string;
  readonly isInitialised: boolean;
  readonly isLoginRequired: boolean;
  readonly pin: PinState;
  /** What the token lists of the signatures that DDS needs; lists of mechanisms are not always true. */
  readonly signs?: { readonly ecdsa: boolean; readonly rsaPss: boolean; readonly rsaPkcs1: boolean };
}

export interface ExamineOptions {
  /** What the module is started with, where it wants a text. */
  readonly libraryParameters?: string | undefined;
  /** Milliseconds that each step may take: starting, and answering. Default 10,000. */
  readonly deadline?: number;
  readonly trace?: TraceListener | undefined;
}

/**
 * Loads a module, in a process of its own, and asks it about itself; nothing is logged in. A module that
 * crashes or hangs is an error like any other.
 *
 * `BINDING_UNAVAILABLE`, `MODULE_NOT_FOUND`, `MODULE_NOT_LOADABLE`, `MODULE_NOT_PKCS11`, `MODULE_REFUSED`,
 * `MODULE_FAILED`, `DEVICE_ERROR`, `TIMEOUT`.
 */
export async function examineModule(
  path: string,
  { libraryParameters, deadline = DEADLINE, trace }: ExamineOptions = {},
): Promise<ModuleExamination> {
  const open = tracedOpener((file, parameters) => borrowProcessModule(file, deadline, parameters), trace);
  const { module, release } = await open(path, libraryParameters);
  try {
    return examination(await module.examine());
  } finally {
    await release().catch(() => undefined); // the report is good, however the module ends
  }
}

/** Whether the native binding is there: `BINDING_UNAVAILABLE`. */
export async function examineBinding(): Promise<void> {
  await loadBinding();
}

/** What a module says of itself, in words. */
export function examination({ library, cryptokiVersion, slots }: ModuleReport): ModuleExamination {
  const { manufacturerID: manufacturer, libraryDescription: description, libraryVersion: version } = library;
  return { manufacturer, description, version, cryptokiVersion, slots: slots.map(slotExamination) };
}

function slotExamination({ info, token, mechanisms, failure }: SlotReport): SlotExamination {
  const rest = { slot: info, ...(failure === undefined ? {} : { failure }) };
  if (token === undefined) return rest;
  const { flags, maxSessions: _, ...tokenInfo } = token;
  const lists = (...wanted: readonly number[]) => wanted.some((type) => mechanisms?.includes(type));
  const sha256 = hashMechanisms["SHA-256"];
  const signs = {
    ecdsa: lists(CKM_ECDSA, sha256.ecdsa),
    rsaPss: lists(CKM_RSA_PKCS_PSS, sha256.rsaPss),
    rsaPkcs1: lists(CKM_RSA_PKCS, sha256.rsaPkcs),
  };
  return {
    ...rest,
    token: {
      info: tokenInfo,
      uri: tokenUri({ token }),
      isInitialised: (flags & CKF_TOKEN_INITIALIZED) !== 0,
      isLoginRequired: (flags & CKF_LOGIN_REQUIRED) !== 0,
      pin: pinState(flags),
      ...(mechanisms === undefined ? {} : { signs }),
    },
  };
}
