import { CKM_SHA256 } from "../cryptoki/constants.ts";
import type { NativeModule } from "./binding.ts";
import { returnValue } from "./native-error.ts";
import type { QuickCalls } from "./quick-calls.ts";

/**
 * Finds out whether somebody else in this process started the module anew: sessions, objects and a login may be
 * there again under the numbers of ours, and no call fails. But an operation that was under way is not: a digest
 * that was begun in one of our sessions, and never ends, goes on for exactly as long as the handles are ours.
 */
export class NativeWatch {
  readonly #native: NativeModule;
  readonly #quick: QuickCalls;
  readonly #broken: () => void;

  /** @param broken is called where it was started anew */
  constructor(nativeModule: NativeModule, quick: QuickCalls, broken: () => void) {
    this.#native = nativeModule;
    this.#quick = quick;
    this.#broken = broken;
  }

  /** Begins in a session; whether the module can do that. */
  begin(session: Buffer): boolean {
    try {
      this.#native.C_DigestInit(session, { mechanism: CKM_SHA256 });
      this.#native.C_DigestUpdate(session, OCTET);
      return true;
    } catch {
      return false; // many devices do not hash; what is the matter with the others, the next call tells
    }
  }

  /** Whether it goes on. Where it does not, nothing is known of what was called since it last did. */
  goesOn(session: Buffer): boolean {
    try {
      this.#quick.digestUpdate(session, OCTET);
      return true;
    } catch (error) {
      if (lost.has(returnValue(error) ?? 0)) this.#broken();
      return false;
    }
  }
}

const OCTET = Buffer.alloc(1);
/** CKR_OPERATION_NOT_INITIALIZED, CKR_SESSION_CLOSED, CKR_SESSION_HANDLE_INVALID. */
const lost: ReadonlySet<number> = new Set([0x91, 0xb0, 0xb3]);
