import { hash, randomFillSync } from "node:crypto";
import { CredentialError, type Secret, sameBytes, type TokenInfo } from "@ddscred/core";
import { threadMemory } from "../thread-memory.ts";

/*
 * What became of the PINs that were sent to tokens, for the life of the process and in all its threads. Of a PIN only
 * a salted hash is kept, with one of the token that it is for; and two numbers, whose meaning others know.
 */

/** Where a PIN of a token stands in the table. */
export interface PinEntry {
  readonly number: number;
}

export function entryOf(token: TokenInfo, pin: Secret): PinEntry | undefined {
  if (Atomics.load(numbers, WRITTEN) === 0) return undefined;
  const mark = hashed(placeOf(token), pin);
  return entriesOf(token).find(({ number }) => sameBytes(markOf(number), mark));
}

/** The entry of a PIN, which is made where there is none. `PIN_REFUSED` where there is no room for what becomes of it. */
export function madeEntryOf(token: TokenInfo, pin: Secret): PinEntry {
  const known = entryOf(token, pin);
  if (known !== undefined) return known;
  const number = freeEntry();
  bytes.set([...hashed(placeOf(token)), ...hashed(placeOf(token), pin)], entryAt(number));
  Atomics.store(numbers, FLAGS + number, 0);
  Atomics.store(numbers, STATES + number, 0);
  Atomics.store(numbers, FIRST_READY + number, 1);
  return { number };
}

/** A new one, or one that says nothing. */
function freeEntry(): number {
  const next = Atomics.load(numbers, WRITTEN) < ENTRIES ? Atomics.add(numbers, WRITTEN, 1) : ENTRIES;
  if (next < ENTRIES) return next;
  for (let number = 0; number < ENTRIES; number++)
    if (Atomics.compareExchange(numbers, STATES + number, 0, BEING_TAKEN) === 0) return number;
  throw new CredentialError(
    "PIN_REFUSED",
    `${ENTRIES} PINs were refused in this process, so no other is sent`,
    {
      hint: "Correct the PINs, and start again.",
    },
  );
}

/** All of a token. */
export function entriesOf(token: TokenInfo): readonly PinEntry[] {
  const written = Math.min(Atomics.load(numbers, WRITTEN), ENTRIES);
  if (written === 0) return [];
  const place = hashed(placeOf(token));
  return Array.from({ length: written }, (_, number) => ({ number })).filter(({ number }) => {
    const isReady = Atomics.load(numbers, FIRST_READY + number) === 1;
    return isReady && sameBytes(bytes.slice(entryAt(number), entryAt(number) + HASH), place);
  });
}

export function stateOf({ number }: PinEntry): number {
  return Atomics.load(numbers, STATES + number);
}

export function setState({ number }: PinEntry, state: number): void {
  Atomics.store(numbers, STATES + number, state);
}

/** CK_TOKEN_INFO flags that were noted. */
export function flagsOf({ number }: PinEntry): number {
  return Atomics.load(numbers, FLAGS + number);
}

export function setFlags({ number }: PinEntry, flags: number): void {
  Atomics.store(numbers, FLAGS + number, flags);
}

/** Tells one PIN from another on one token, within this process, without holding it. */
export function pinMark(token: TokenInfo, pin: Secret): string {
  return hashed(placeOf(token), pin).toString("base64");
}

function markOf(number: number): Uint8Array {
  return bytes.slice(entryAt(number) + HASH, entryAt(number + 1));
}

function hashed(place: string, pin?: Secret): Buffer {
  const text = Buffer.from(pin === undefined ? place : `${place}\0${pin.reveal()}`);
  const salted = Buffer.concat([salt(), text]);
  const digest = hash("sha256", salted, "buffer");
  for (const held of [text, salted]) held.fill(0);
  return digest;
}

/** Of the process: the thread that is first makes it. */
function salt(): Uint8Array {
  if (Atomics.compareExchange(numbers, SALTED, 0, 1) === 0) {
    randomFillSync(bytes, SALT, HASH);
    Atomics.store(numbers, SALTED, 2);
    Atomics.notify(numbers, SALTED);
  }
  Atomics.wait(numbers, SALTED, 1);
  return bytes.slice(SALT, SALT + HASH);
}

function placeOf({ manufacturerID, model, serialNumber, label }: TokenInfo): string {
  return JSON.stringify([manufacturerID, model, serialNumber, label]);
}

const ENTRIES = 512;
/** For as long as another PIN takes the place of one; until then that one is not sent. */
const BEING_TAKEN = -4;
const HASH = 32;
/** Numbers: how many entries were begun, whether there is a salt (2: yes), and of each entry whether it is ready, and its two. */
const WRITTEN = 0;
const SALTED = 1;
const FIRST_READY = 2;
const STATES = FIRST_READY + ENTRIES;
const FLAGS = STATES + ENTRIES;
const NUMBERS = FLAGS + ENTRIES;
const SALT = 4 * NUMBERS;
const entryAt = (n: number): number => SALT + HASH + 2 * HASH * n;

const { buffer } = threadMemory("PINs that were sent", entryAt(ENTRIES));
const numbers = new Int32Array(buffer, 0, NUMBERS);
const bytes = new Uint8Array(buffer);
