import type { LibraryInfo, LibraryVersion, SlotInfo } from "@ddscred/core";
import type { TokenState } from "./module.ts";

/** Everything that a module says of itself and of its slots, without a session. Plain data. */
export interface ModuleReport {
  readonly library: LibraryInfo;
  /** The version of the interface. */
  readonly cryptokiVersion: LibraryVersion;
  /** All slots: also empty ones, and those whose token is not initialised. */
  readonly slots: readonly SlotReport[];
}

export interface SlotReport {
  readonly info: SlotInfo;
  /** Absent where there is no token in the slot. */
  readonly token?: TokenState;
  /** CK_MECHANISM_TYPE of what the token lists; absent where it gave no list. */
  readonly mechanisms?: readonly number[];
  /** Why something of the slot is not here: the function and its return value. */
  readonly failure?: string;
}
