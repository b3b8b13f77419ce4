import { hash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { TokenInfo } from "@ddscred/core";
import { threadMemory } from "../thread-memory.ts";

/**
 * One PIN at a time for a token, whichever thread of this process sends it and in whichever isolation: who waited
 * sees what became of the PIN before, and does not spend an attempt on the same one. A turn that was not given back
 * for a minute is over: its thread was ended.
 */
export async function inLoginTurn<T>(token: TokenInfo, step: () => Promise<T>): Promise<T> {
  const place = placeOf(token);
  const mine = await taken(place);
  try {
    return await step();
  } finally {
    Atomics.compareExchange(turns, place, mine, FREE);
  }
}

/** @returns since when the turn is ours, by which it is given back */
async function taken(place: number): Promise<number> {
  for (;;) {
    const now = Math.floor(Date.now() / 1000) % 2 ** 31 || 1;
    const held = Atomics.load(turns, place);
    const isOver = held === FREE || Math.abs(now - held) > LONGEST;
    if (isOver && Atomics.compareExchange(turns, place, held, now) === held) return now;
    await sleep(PAUSE);
  }
}

/** Two tokens may share a turn, and wait for each other. */
function placeOf({ manufacturerID, model, serialNumber, label }: TokenInfo): number {
  const text = JSON.stringify([manufacturerID, model, serialNumber, label]);
  return hash("sha256", text, "buffer").readUInt16LE() % PLACES;
}

const PLACES = 256;
const FREE = 0;
/** Seconds. */
const LONGEST = 60;
/** Milliseconds. */
const PAUSE = 5;
const turns = new Int32Array(threadMemory("turns of logins", 4 * PLACES).buffer);
