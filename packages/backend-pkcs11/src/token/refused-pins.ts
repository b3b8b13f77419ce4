import { createHash, randomFillSync } from "node:crypto";
import { type Secret, sameBytes, type TokenInfo } from "@ddscred/core";
import { threadMemory } from "../thread-memory.ts";

/*
 * The PINs that tokens refused, for the life of the process and in all its threads: a wrong PIN costs one
 * attempt, however often it is used. Only a salted hash is kept, with one of the token it was for.
 */

export function rememberRefused(token: TokenInfo, pin: Secret): void {
  if (wasRefused(token, pin)) return;
  const entry = Math.min(Atomics.add(counts, WRITTEN, 1), ENTRIES - 1); // the last is written over where all are full
  bytes.set([...hashed(placeOf(token)), ...hashed(placeOf(token), pin)], entryAt(entry));
  Atomics.store(counts, FIRST_READY + entry, 1);
}

export function wasRefused(token: TokenInfo, pin: Secret): boolean {
  if (Atomics.load(counts, WRITTEN) === 0) return false;
  const mark = hashed(placeOf(token), pin);
  return entriesOf(token).some((entry) => sameBytes(entry, mark));
}

/** How many PINs the token refused. */
export function refusedCount(token: TokenInfo): number {
  return entriesOf(token).length;
}

/** Tells one PIN from another on one token, within this process, without holding it. */
export function pinMark(token: TokenInfo, pin: Secret): string {
  return hashed(placeOf(token), pin).toString("base64");
}

/** The marks of the PINs that the token refused. */
function entriesOf(token: TokenInfo): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  const written = Math.min(Atomics.load(counts, WRITTEN), ENTRIES);
  if (written === 0) return found;
  const place = hashed(placeOf(token));
  for (let n = 0; n < written; n++) {
    const entry = bytes.slice(entryAt(n), entryAt(n + 1));
    const isReady = Atomics.load(counts, FIRST_READY + n) === 1;
    if (isReady && sameBytes(entry.subarray(0, HASH), place)) found.push(entry.subarray(HASH));
  }
  return found;
}

function hashed(place: string, pin?: Secret): Buffer {
  const hash = createHash("sha256").update(salt()).update(place);
  if (pin !== undefined) hash.update("\0").update(pin.reveal());
  return hash.digest();
}

/** Of the process: the thread that is first makes it. */
function salt(): Uint8Array {
  if (Atomics.compareExchange(counts, SALTED, 0, 1) === 0) {
    randomFillSync(bytes, SALT, HASH);
    Atomics.store(counts, SALTED, 2);
    Atomics.notify(counts, SALTED);
  }
  Atomics.wait(counts, SALTED, 1);
  return bytes.slice(SALT, SALT + HASH);
}

function placeOf({ manufacturerID, model, serialNumber, label }: TokenInfo): string {
  return JSON.stringify([manufacturerID, model, serialNumber, label]);
}

const ENTRIES = 512;
const HASH = 32;
/** Numbers: how many entries were begun, whether there is a salt (2: yes), and of each entry whether it is ready. */
const WRITTEN = 0;
const SALTED = 1;
const FIRST_READY = 2;
const SALT = 4 * (FIRST_READY + ENTRIES);
const entryAt = (n: number): number => SALT + HASH + 2 * HASH * n;

const { buffer } = threadMemory("refused PINs", entryAt(ENTRIES));
const counts = new Int32Array(buffer, 0, FIRST_READY + ENTRIES);
const bytes = new Uint8Array(buffer);
