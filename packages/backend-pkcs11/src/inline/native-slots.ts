import { type LibraryInfo, tokenError } from "@ddscred/core";
import { CKF_TOKEN_INITIALIZED } from "../cryptoki/constants.ts";
import type { Slot, TokenState } from "../cryptoki/module.ts";
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

  /** The slots with an initialised token. */
  async all(): Promise<readonly Slot[]> {
    const found: Slot[] = [];
    let failure: unknown;
    for (const handle of this.#list()) {
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
  #list(): readonly Buffer[] {
    for (let attempt = 1; ; attempt++) {
      try {
        return this.#native.C_GetSlotList(true);
      } catch (error) {
        const grew = returnValue(error) === CKR_BUFFER_TOO_SMALL;
        if (!grew || attempt === LIST_ATTEMPTS) throw nativeError("C_GetSlotList", error);
      }
    }
  }

  #slot(handle: Buffer): Slot {
    const id = ulong(handle) ?? 0n;
    this.#handles.set(id, handle);
    const info = native("C_GetSlotInfo", () => this.#native.C_GetSlotInfo(handle));
    return {
      id,
      info: {
        slotDescription: unpadded(info.slotDescription),
        manufacturerID: unpadded(info.manufacturerID),
        slotId: id,
      },
      token: this.#token(handle, id),
    };
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
const CKR_BUFFER_TOO_SMALL = 0x150;
