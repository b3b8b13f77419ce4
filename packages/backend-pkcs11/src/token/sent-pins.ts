import type { Secret, TokenInfo } from "@ddscred/core";
import {
  CKF_USER_PIN_COUNT_LOW,
  CKF_USER_PIN_FINAL_TRY,
  CKF_USER_PIN_LOCKED,
} from "../cryptoki/constants.ts";
import {
  entriesOf,
  entryOf,
  flagsOf,
  madeEntryOf,
  type PinEntry,
  setFlags,
  setState,
  stateOf,
} from "./pin-table.ts";

/*
 * Which PINs must not be sent again. One that the token refused never is. One that was answered with "locked" is when
 * the token showed by its flags that it is locked, and then that it is not. And one of which nobody knows whether the
 * token counted it is sent once more, unless the token's flags show since then that a wrong PIN was counted.
 */

/** @returns whether it may be sent; what becomes of it is told by one of the functions below, else it is unclear */
export function mayBeSent(token: TokenInfo, pin: Secret): boolean {
  const entry = entryOf(token, pin);
  return entry === undefined || (unclearOf(entry) < MAX_UNCLEAR && stateOf(entry) >= 0);
}

/** Notes that a PIN is about to be sent: from now on what became of it is unclear. */
export function noteSending(token: TokenInfo, pin: Secret, flags: number): void {
  const entry = madeEntryOf(token, pin);
  if (stateOf(entry) === NOTHING) setFlags(entry, flags & COUNTED);
  setState(entry, stateOf(entry) + 1);
}

export function noteAccepted(token: TokenInfo, pin: Secret): void {
  setState(madeEntryOf(token, pin), NOTHING);
}

/** The token was not given the PIN, or did not look at it. */
export function noteUntried(token: TokenInfo, pin: Secret): void {
  const entry = madeEntryOf(token, pin);
  if (unclearOf(entry) > 0) setState(entry, stateOf(entry) - 1);
}

export function noteRefused(token: TokenInfo, pin: Secret): void {
  setState(madeEntryOf(token, pin), REFUSED);
}

/** The token answered that it is locked; whether the PIN is right is not known. */
export function noteLocked(token: TokenInfo, pin: Secret): void {
  setState(madeEntryOf(token, pin), LOCKED);
}

export function wasRefused(token: TokenInfo, pin: Secret): boolean {
  const entry = entryOf(token, pin);
  return entry !== undefined && stateOf(entry) < 0;
}

/** How many PINs the token refused. */
export function refusedCount(token: TokenInfo): number {
  return entriesOf(token).filter((entry) => stateOf(entry) < 0).length;
}

/** Whether it was sent before, and nobody knows what became of it. */
export function isUnclear(token: TokenInfo, pin: Secret): boolean {
  const entry = entryOf(token, pin);
  return entry !== undefined && unclearOf(entry) > 0;
}

/** What the token's flags say of the PINs that were sent to it: to be called whenever they were read. */
export function noteFlags(token: TokenInfo, flags: number): void {
  for (const entry of entriesOf(token)) {
    const isLocked = (flags & CKF_USER_PIN_LOCKED) !== 0;
    if (stateOf(entry) === LOCKED && isLocked) setState(entry, SEEN_LOCKED);
    else if (stateOf(entry) === SEEN_LOCKED && !isLocked) setState(entry, NOTHING);
    if (unclearOf(entry) === 0) continue;
    const isCounted = (flags & COUNTED & ~flagsOf(entry)) !== 0;
    if (isCounted) setState(entry, SEEN_COUNTED);
    // Since a wrong PIN was counted, a right one was accepted, which began the count anew.
    else if (stateOf(entry) === SEEN_COUNTED) setState(entry, NOTHING);
  }
}

function unclearOf(entry: PinEntry): number {
  return Math.max(stateOf(entry), 0);
}

/** How often a PIN is sent at most of which nobody knows whether the token counted it. */
const MAX_UNCLEAR = 2;

/** States; in between, how often it was sent with an unclear outcome. */
const NOTHING = 0;
const REFUSED = -1;
const LOCKED = -2;
const SEEN_LOCKED = -3;
const SEEN_COUNTED = 100;

/** By these a token says that a wrong PIN was tried since the last right one. */
const COUNTED = CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED;
