import { threadMemory } from "../thread-memory.ts";

/**
 * How many threads of this process use a module. C_Finalize takes it from all of them at once, and crashes those
 * that are within a call: so only the last one makes it, and nobody who cannot know that it is the last.
 */
export class ThreadUsers {
  readonly #numbers: Int32Array;

  /** @param path of the module */
  constructor(path: string) {
    this.#numbers = numbersFor(path);
  }

  /** Grows whenever one of the threads initialised or finalised the module. */
  get generation(): number {
    return Atomics.load(this.#numbers, GENERATION);
  }

  /** Whether no other thread uses it. */
  get isAlone(): boolean {
    return memory.isComplete && Atomics.load(this.#numbers, USERS) === 1;
  }

  /** Whether it was one of the threads that initialised it. */
  get isOurs(): boolean {
    return Atomics.load(this.#numbers, OURS) === 1;
  }

  /** Before C_Initialize. Waits where another thread finalises at this moment. */
  enter(): void {
    const patience = performance.now() + PATIENCE;
    for (;;) {
      const users = Atomics.load(this.#numbers, USERS);
      if (users !== LEAVING) {
        if (Atomics.compareExchange(this.#numbers, USERS, users, users + 1) === users) return;
      } else if (performance.now() < patience) Atomics.wait(this.#numbers, USERS, LEAVING, PATIENCE);
      else Atomics.compareExchange(this.#numbers, USERS, LEAVING, 0); // that thread was ended meanwhile
    }
  }

  /** After C_Initialize went well. */
  initialised(): void {
    Atomics.store(this.#numbers, OURS, 1);
    Atomics.add(this.#numbers, GENERATION, 1);
  }

  /** After another library was seen to have finalised and initialised it. */
  adopted(): void {
    Atomics.store(this.#numbers, OURS, 0);
    Atomics.add(this.#numbers, GENERATION, 1);
  }

  /** The thread does not use it any more. Where it was the last of those that we initialised it for, it finalises. */
  leave(finalise: () => void): void {
    for (;;) {
      const users = Atomics.load(this.#numbers, USERS);
      const isLast = users === 1 && memory.isComplete && this.isOurs;
      const next = isLast ? LEAVING : Math.max(0, users - 1);
      if (Atomics.compareExchange(this.#numbers, USERS, users, next) !== users) continue;
      if (isLast) this.#finalise(finalise);
      return;
    }
  }

  #finalise(finalise: () => void): void {
    try {
      Atomics.store(this.#numbers, OURS, 0);
      Atomics.add(this.#numbers, GENERATION, 1);
      finalise();
    } finally {
      Atomics.store(this.#numbers, USERS, 0);
      Atomics.notify(this.#numbers, USERS);
    }
  }
}

/** Two modules may have to share them, which makes both more careful than they had to be. */
function numbersFor(path: string): Int32Array {
  let place = 0;
  for (const unit of path) place = (place * 31 + (unit.codePointAt(0) ?? 0)) % PLACES;
  return new Int32Array(memory.buffer, place * 4 * NUMBERS, NUMBERS);
}

const USERS = 0;
const OURS = 1;
const GENERATION = 2;
const NUMBERS = 3;
const PLACES = 256;
const memory = threadMemory("users of modules", 4 * NUMBERS * PLACES);

const LEAVING = -1;
/** Milliseconds. */
const PATIENCE = 10_000;
