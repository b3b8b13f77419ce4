import { CKM_SHA256 } from "../cryptoki/constants.ts";
import type { NativeModule } from "./binding.ts";
import { nativeError, returnValue } from "./native-error.ts";
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
  /** The sessions in which one was begun and not ended by us. A signature under way may still ask for another. */
  readonly #underWay = new Set<string>();
  #nextLook: { readonly session: string; readonly goesOn: Promise<boolean> } | undefined;

  /** @param broken is called where it was started anew */
  constructor(nativeModule: NativeModule, quick: QuickCalls, broken: () => void) {
    this.#native = nativeModule;
    this.#quick = quick;
    this.#broken = broken;
  }

  /** Begins in a session; whether the module can do that, and quickly. A device that is gone is an error. */
  begin(session: Buffer): boolean {
    try {
      this.#native.C_DigestInit(session, { mechanism: CKM_SHA256 });
      if (!this.#isQuick(session)) {
        this.end(session);
        return false;
      }
      this.#underWay.add(nameOf(session));
      return true;
    } catch (error) {
      if (gone.has(returnValue(error) ?? 0)) throw nativeError("C_DigestInit", error);
      return false; // many devices do not hash
    }
  }

  /** Ends in a session; where nothing is under way in it, that is well too. */
  end(session: Buffer): void {
    this.forget(session);
    try {
      this.#native.C_DigestFinal(session, Buffer.alloc(DIGEST));
    } catch (error) {
      if (returnValue(error) !== CKR_OPERATION_NOT_INITIALIZED) throw nativeError("C_DigestFinal", error);
    }
  }

  /** Before a session is closed, and what is under way in it ended. */
  forget(session: Buffer): void {
    this.#underWay.delete(nameOf(session));
  }

  /** Whether it goes on. Where it does not, nothing is known of what was called since it last did. */
  goesOn(session: Buffer): boolean {
    if (!this.#underWay.has(nameOf(session))) return false;
    try {
      this.#quick.digestUpdate(session, OCTET);
      return true;
    } catch (error) {
      if (lost.has(returnValue(error) ?? 0)) this.#broken();
      return false;
    }
  }

  /**
   * The same for all that is called before those who have their turn already had it: one look does for all of them.
   */
  goesOnSoon(session: Buffer): Promise<boolean> {
    const name = nameOf(session);
    if (this.#nextLook?.session === name) return this.#nextLook.goesOn;
    const goesOn = Promise.resolve().then(() => {
      this.#nextLook = undefined;
      return this.goesOn(session);
    });
    this.#nextLook = { session: name, goesOn };
    return goesOn;
  }

  /** A device that is asked over a network would be asked twice for each signature: to verify takes less. */
  #isQuick(session: Buffer): boolean {
    for (let tries = 0; tries < 3; tries++) {
      const began = performance.now();
      this.#native.C_DigestUpdate(session, OCTET);
      if (performance.now() - began < QUICK) return true;
    }
    return false;
  }
}

const nameOf = (session: Buffer): string => session.toString("latin1");

const OCTET = Buffer.alloc(1);
/** Milliseconds. */
const QUICK = 0.2;
/** Bytes of a digest. */
const DIGEST = 32;
const CKR_OPERATION_NOT_INITIALIZED = 0x91;
/** With CKR_SESSION_CLOSED and CKR_SESSION_HANDLE_INVALID. */
const lost: ReadonlySet<number> = new Set([CKR_OPERATION_NOT_INITIALIZED, 0xb0, 0xb3]);
/** CKR_DEVICE_REMOVED, CKR_SESSION_CLOSED, CKR_SESSION_HANDLE_INVALID, CKR_TOKEN_NOT_PRESENT, CKR_CRYPTOKI_NOT_INITIALIZED. */
const gone: ReadonlySet<number> = new Set([0x32, 0xb0, 0xb3, 0xe0, 0x190]);
