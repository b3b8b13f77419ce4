import { tokenError } from "@ddscred/core";
import type { Handle } from "./module.ts";

/**
 * The handles that a module gave, each with the epoch in which it did. A module that was started anew gives
 * the same numbers again, to other sessions and objects: so a handle of an earlier epoch never reaches it.
 */
export class Handles {
  readonly #epochs = new WeakMap<Handle, number>();
  readonly #module: { readonly epoch: number };

  constructor(module: { readonly epoch: number }) {
    this.#module = module;
  }

  /** Notes that the module gave the handle, in the epoch of this moment if no other is named. */
  give<H extends Handle>(handle: H, epoch = this.#module.epoch): H {
    this.#epochs.set(handle, epoch);
    return handle;
  }

  /** `SESSION_LOST` */
  checkSession(session: Handle, call: string): void {
    if (this.#isDead(session)) throw tokenError("CKR_SESSION_HANDLE_INVALID", call);
  }

  /** `TOKEN_ERROR` with CKR_OBJECT_HANDLE_INVALID */
  checkObject(object: Handle, call: string): void {
    if (this.#isDead(object)) throw tokenError("CKR_OBJECT_HANDLE_INVALID", call);
  }

  #isDead(handle: Handle): boolean {
    const epoch = this.#epochs.get(handle);
    return epoch !== undefined && epoch !== this.#module.epoch;
  }
}
