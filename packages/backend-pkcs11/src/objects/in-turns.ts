import { setImmediate as nextTurn } from "node:timers/promises";

/** Makes something of each of many; among thousands, the event loop gets its turn. */
export async function inTurns<T, R>(
  all: readonly T[],
  make: (one: T, n: number) => R,
): Promise<readonly R[]> {
  const made: R[] = [];
  let began = performance.now();
  for (const [n, one] of all.entries()) {
    if (performance.now() - began > LONGEST_TURN) {
      await nextTurn();
      began = performance.now();
    }
    made.push(make(one, n));
  }
  return made;
}

/** Milliseconds. */
const LONGEST_TURN = 3;
