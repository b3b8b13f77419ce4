import { type LibraryInfo, type SlotInfo, tokenError } from "@ddscred/core";
import { CKF_TOKEN_INITIALIZED } from "../cryptoki/constants.ts";
import type { Slot, TokenState } from "../cryptoki/module.ts";
import type { ModuleReport, SlotReport } from "../cryptoki/report.ts";
import { ulong } from "../cryptoki/ulong.ts";
import type { NativeModule, NativeTokenInfo } from "./binding.ts";
import { native, nativeError, returnValue } from "./native-error.ts";

/** What a module says of itself, its slots and tokens. */
export class NativeSlots {
  readonly #native: NativeModule;
  /** CK_SLOT_ID as the module gave it, by number. */
  readonly #handles = new Map<bigint, Buffer>();

  constructor(nativeModule: NativeModule) {
    this.#native = nativeModule;
  }

  async library(): Promise<LibraryInfo> {
    const info = native("C_GetInfo", () => this.#native.C_GetInfo());
    const { major, minor } = info.libraryVersion;
    return {
      manufacturerID: unpadded(info.manufacturerID),
      libraryDescription: unpadded(info.libraryDescription),
      libraryVersion: { major, minor },
    };
  }

  async examine(): Promise<ModuleReport> {
    const { major, minor } = native("C_GetInfo", () => this.#native.C_GetInfo()).cryptokiVersion;
    const slots = this.#list(false).slice(0, MAX_SLOTS);
    return {
      library: await this.library(),
      cryptokiVersion: { major, minor },
      slots: slots.map((handle) => this.#examine(handle)),
    };
  }

  /** The slots with an initialised token. */
  async all(): Promise<readonly Slot[]> {
    const found: Slot[] = [];
    let failure: unknown;
    for (const handle of this.#list(true)) {
      try {
        const slot = this.#slot(handle);
        if (slot.token.flags & CKF_TOKEN_INITIALIZED) found.push(slot);
      } catch (error) {
        failure = error; // a broken reader, or a token that was pulled meanwhile, does not hide the others
      }
    }
    if (found.length === 0 && failure !== undefined) throw failure;
    return found;
  }

  async token(id: bigint): Promise<TokenState> {
    return this.#token(this.handle(id), id);
  }

  handle(id: bigint): Buffer {
    const handle = this.#handles.get(id);
    if (handle === undefined) throw tokenError("CKR_SLOT_ID_INVALID", "C_GetTokenInfo");
    return handle;
  }

  /** The list may grow between the two calls that the binding makes for it: CKR_BUFFER_TOO_SMALL. */
  #list(tokenPresent: boolean): readonly Buffer[] {
    for (let attempt = 1; ; attempt++) {
      try {
        return this.#native.C_GetSlotList(tokenPresent);
      } catch (error) {
        const grew = returnValue(error) === CKR_BUFFER_TOO_SMALL;
        if (!grew || attempt === LIST_ATTEMPTS) throw nativeError("C_GetSlotList", error);
      }
    }
  }

  #slot(handle: Buffer): Slot {
    const info = this.#slotInfo(handle);
    return { id: info.slotId, info, token: this.#token(handle, info.slotId) };
  }

  #slotInfo(handle: Buffer): SlotInfo & { readonly slotId: bigint } {
    const slotId = ulong(handle) ?? 0n;
    this.#handles.set(slotId, handle);
    const info = native("C_GetSlotInfo", () => this.#native.C_GetSlotInfo(handle));
    return {
      slotDescription: unpadded(info.slotDescription),
      manufacturerID: unpadded(info.manufacturerID),
      slotId,
    };
  }

  /** What fails is told, and does not hide the rest. */
  #examine(handle: Buffer): SlotReport {
    let report: SlotReport = { info: { slotDescription: "", manufacturerID: "" } };
    try {
      const info = this.#slotInfo(handle);
      report = { info };
      report = { info, token: this.#token(handle, info.slotId) };
      const mechanisms = native("C_GetMechanismList", () => this.#native.C_GetMechanismList(handle));
      return { ...report, mechanisms: mechanisms.slice(0, MAX_MECHANISMS) };
    } catch (error) {
      const { rv = "", call = "" } = nativeError("C_GetSlotInfo", error);
      return rv === "CKR_TOKEN_NOT_PRESENT" ? report : { ...report, failure: `${call}: ${rv}` };
    }
  }

  #token(handle: Buffer, slotId: bigint): TokenState {
    const info = native("C_GetTokenInfo", () => this.#native.C_GetTokenInfo(handle));
    return {
      label: unpadded(info.label),
      manufacturerID: unpadded(info.manufacturerID),
      model: unpadded(info.model),
      serialNumber: unpadded(info.serialNumber),
      slotId,
      flags: info.flags,
      maxSessions: maxSessions(info),
    };
  }
}

/** CK_EFFECTIVELY_INFINITE is 0, CK_UNAVAILABLE_INFORMATION is all ones, of which the binding may keep 32. */
function maxSessions({ maxSessionCount: count }: NativeTokenInfo): number | undefined {
  return count === 0 || count >= 0xffff_ffff ? undefined : count;
}

/** Fields are padded with blanks, by some modules with NUL. */
const unpadded = (text: string): string => text.replace(/[ \0]{1,64}$/, "");

const LIST_ATTEMPTS = 5;
/** For a report: nobody reads more. */
const MAX_SLOTS = 64;
const MAX_MECHANISMS = 2000;
const CKR_BUFFER_TOO_SMALL = 0x150;
