import type { SignRequest } from "../cryptoki/module.ts";

/**
 * Where a signature is made: in the calling thread, or on one of libuv's.
 *
 * Another thread keeps the event loop going while a device computes for milliseconds. A token in software
 * signs on a P-256 key in less time than the change of threads takes; there the calling thread is two to
 * three times as fast. So each kind of key begins on another thread, and moves here when that turned out to
 * be quick; it moves back for good when it was not.
 */
export class Pace {
  readonly #kinds = new Map<string, KindOfKey>();
  #turnBegan = 0;

  /** The record for a kind of key, which says where it signs. */
  of({ mechanism, length }: SignRequest): KindOfKey {
    const key = `${mechanism.type}/${length}`;
    let kind = this.#kinds.get(key);
    if (kind === undefined) this.#kinds.set(key, (kind = new KindOfKey()));
    return kind;
  }

  /** Whether calls on the module have kept the event loop waiting for long enough. */
  isTurnOver(now: number): boolean {
    if (this.#turnBegan === 0) {
      this.#turnBegan = now;
      setImmediate(() => {
        this.#turnBegan = 0;
      }).unref();
    }
    return now - this.#turnBegan > LONGEST_TURN;
  }
}

class KindOfKey {
  #wasQuick = false;
  #signatures = 0;
  #slow = 0;

  get isQuick(): boolean {
    return this.#wasQuick && this.#slow * 10 <= this.#signatures + 30;
  }

  /** @param time in milliseconds that a signature took on another thread, with the way there and back */
  tookElsewhere(time: number): void {
    if (time < QUICK) this.#wasQuick = true;
  }

  tookHere(time: number): void {
    this.#signatures++;
    if (time > QUICK) this.#slow++;
  }
}

/** Milliseconds. */
const QUICK = 0.4;
const LONGEST_TURN = 2;
