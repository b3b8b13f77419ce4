import { setImmediate as nextTurn } from "node:timers/promises";

/** Makes something of each of many; among thousands, the event loop gets its turn. */
export async function inTurns<T, R>(
  all: readonly T[],
  make: (one: T, n: number) => R,
): Promise<readonly R[]> {
  const made: R[] = [];
  const turn = turns();
  for (const [n, one] of all.entries()) {
    if (turn.isOver()) await turn.next();
    made.push(make(one, n));
  }
  return made;
}

/** Sorts many; what is equal stays in its order. */
export async function sortedInTurns<T>(
  all: readonly T[],
  compare: (a: T, b: T) => number,
): Promise<readonly T[]> {
  const turn = turns();
  let runs: T[][] = [];
  for (let n = 0; n < all.length; n += RUN) {
    if (turn.isOver()) await turn.next();
    runs.push(all.slice(n, n + RUN).sort(compare));
  }
  while (runs.length > 1) {
    const longer: T[][] = [];
    for (let n = 0; n < runs.length; n += 2) longer.push(await merged(runs[n] ?? [], runs[n + 1] ?? []));
    runs = longer;
  }
  return runs[0] ?? [];

  async function merged(a: readonly T[], b: readonly T[]): Promise<T[]> {
    const both: T[] = [];
    let [nextA, nextB] = [0, 0];
    while (nextA < a.length && nextB < b.length) {
      if (both.length % RUN === 0 && turn.isOver()) await turn.next();
      const [one, other] = [a[nextA] as T, b[nextB] as T];
      both.push(compare(one, other) <= 0 ? (a[nextA++] as T) : (b[nextB++] as T));
    }
    return both.concat(a.slice(nextA), b.slice(nextB));
  }
}

/** Gives out many: who takes them one after the other would else do so in one turn. */
export async function* givenInTurns<T>(all: readonly T[]): AsyncGenerator<T> {
  const turn = turns();
  for (const one of all) {
    if (turn.isOver()) await turn.next();
    yield one;
  }
}

/** The turns of the event loop that a long piece of work takes. */
export function turns(): { isOver(): boolean; next(): Promise<void> } {
  let began = performance.now();
  return {
    isOver: () => performance.now() - began > LONGEST_TURN,
    async next() {
      await nextTurn();
      began = performance.now();
    },
  };
}

/** So few are sorted in no time. */
const RUN = 64;
/** Milliseconds. */
const LONGEST_TURN = 3;
