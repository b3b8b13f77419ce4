import { setImmediate as nextTurn } from "node:timers/promises";
import type { SignRequest } from "../cryptoki/module.ts";

/**
 * Where a signature is made: in the calling thread, or on one of libuv's.
 *
 * Another thread keeps the event loop going while a device computes for milliseconds, and lets several
 * signatures be made at once. But the change of threads takes longer than a token in software needs for a
 * P-256 key: there the calling thread is two to three times as fast. So each kind of key begins on another
 * thread, is tried here where it was not slow there, and stays here for as long as it is quick. A signature
 * that is alone may take somewhat longer here, since nothing could be made beside it.
 */
export class Pace {
  readonly #kinds = new Map<number, KindOfKey>();
  #isPromising = false;
  #turnBegan = 0;
  #turnEnds: Promise<void> | undefined;
  #waiting = 0;
  #isCrowded = false;

  /** The record for a kind of key, which says where it signs. */
  of({ mechanism, length }: SignRequest): KindOfKey {
    const key = mechanism.type * 0x1_0000 + length;
    let kind = this.#kinds.get(key);
    if (kind === undefined) this.#kinds.set(key, (kind = new KindOfKey(this.#isPromising)));
    return kind;
  }

  /** A login takes a device longer than a signature, for it goes the same way and computes as much. */
  loginTook(time: number): void {
    this.#isPromising = time < QUICK_LOGIN;
  }

  /** Whether several callers sign at once, as far as the turn that ended last showed. */
  get isCrowded(): boolean {
    return this.#isCrowded;
  }

  /** Settles when the event loop had its turn; undefined where calls on the module have not kept it waiting for long. */
  pause(): Promise<void> | undefined {
    const now = performance.now();
    if (this.#turnBegan === 0) this.#beginTurn(now);
    if (now - this.#turnBegan < LONGEST_TURN) return undefined;
    this.#waiting++;
    this.#turnEnds ??= nextTurn();
    return this.#turnEnds;
  }

  #beginTurn(now: number): void {
    this.#turnBegan = now;
    setImmediate(() => {
      this.#turnBegan = 0;
      this.#turnEnds = undefined;
      if (this.#waiting > 0) this.#isCrowded = this.#waiting > 1;
      this.#waiting = 0;
    }).unref();
  }
}

class KindOfKey {
  readonly #alone: Verdict;
  readonly #beside: Verdict;

  /** @param isPromising whether it is worth to be tried here before anything is known of it */
  constructor(isPromising: boolean) {
    this.#alone = new Verdict(QUICK_ALONE, isPromising);
    this.#beside = new Verdict(QUICK, isPromising);
  }

  /** @param isAlone whether no other signature is under way */
  isQuick(isAlone: boolean): boolean {
    return (isAlone ? this.#alone : this.#beside).isQuick;
  }

  /** @param time in milliseconds that a signature took on another thread, with the way there and back */
  tookElsewhere(time: number): void {
    this.#alone.tookElsewhere(time);
    this.#beside.tookElsewhere(time);
  }

  tookHere(time: number): void {
    this.#alone.tookHere(time);
    this.#beside.tookHere(time);
  }
}

/**
 * Whether signatures take no longer than a number of milliseconds, but for one in ten. The way to another thread and
 * back takes time too, and on a busy machine most of it: so what was not slow there is tried here, and judged by that.
 * The first ones are slow in any case, where many begin at once: so it is tried again, more and more seldom.
 */
class Verdict {
  readonly #limit: number;
  #isTried: boolean;
  #signatures = 0;
  #slow = 0;
  #wait = FIRST_WAIT;
  #waited = 0;

  constructor(limit: number, isTried: boolean) {
    this.#limit = limit;
    this.#isTried = isTried;
  }

  get isQuick(): boolean {
    return this.#isTried && this.#slow * 10 <= this.#signatures + 30;
  }

  tookElsewhere(time: number): void {
    if (time < this.#limit) this.#signatures = this.#slow = 0;
    if (time > WORTH_TRYING) return;
    this.#isTried = true;
    if (this.isQuick || ++this.#waited < this.#wait) return;
    this.#signatures = this.#slow = this.#waited = 0;
    this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT);
  }

  tookHere(time: number): void {
    this.#isTried = true;
    this.#signatures++;
    if (time > this.#limit) this.#slow++;
    else if (this.#signatures > LONGEST_WAIT) this.#wait = FIRST_WAIT;
  }
}

/** Milliseconds. */
const QUICK = 0.4;
const QUICK_ALONE = 1;
const WORTH_TRYING = 2;
const QUICK_LOGIN = 10;
const LONGEST_TURN = 4;
/** Signatures. */
const FIRST_WAIT = 64;
const LONGEST_WAIT = 8192;
