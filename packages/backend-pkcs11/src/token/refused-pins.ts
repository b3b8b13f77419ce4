import { createHash, randomBytes } from "node:crypto";
import type { Secret, TokenInfo } from "@ddscred/core";

/**
 * The PINs that tokens refused, for the life of the process: a wrong PIN costs one attempt, however often it
 * is used. Only a salted hash is kept, under the token it was for.
 */
const refused = new Map<string, Set<string>>();
const salt = randomBytes(32);

export function rememberRefused(token: TokenInfo, pin: Secret): void {
  const place = placeOf(token);
  refused.set(place, (refused.get(place) ?? new Set()).add(pinMark(token, pin)));
}

export function wasRefused(token: TokenInfo, pin: Secret): boolean {
  return refused.get(placeOf(token))?.has(pinMark(token, pin)) ?? false;
}

/** How many PINs the token refused. */
export function refusedCount(token: TokenInfo): number {
  return refused.get(placeOf(token))?.size ?? 0;
}

/** Tells one PIN from another on one token, within this process, without holding it. */
export function pinMark(token: TokenInfo, pin: Secret): string {
  const hash = createHash("sha256").update(salt).update(placeOf(token));
  return hash.update("\0").update(pin.reveal()).digest("base64");
}

function placeOf({ manufacturerID, model, serialNumber, label }: TokenInfo): string {
  return JSON.stringify([manufacturerID, model, serialNumber, label]);
}
