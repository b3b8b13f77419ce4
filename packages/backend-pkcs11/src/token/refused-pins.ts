import { createHash, randomBytes } from "node:crypto";
import type { Secret, TokenInfo } from "@ddscred/core";

/**
 * The PINs that tokens refused, for the life of the process: a wrong PIN costs one attempt, however often it
 * is used. Only a salted hash is kept, under the token it was for.
 */
const refused = new Set<string>();
const salt = randomBytes(32);

export function rememberRefused(token: TokenInfo, pin: Secret): void {
  refused.add(pinMark(token, pin));
}

export function wasRefused(token: TokenInfo, pin: Secret): boolean {
  return refused.has(pinMark(token, pin));
}

/** Tells one PIN from another on one token, within this process, without holding it. */
export function pinMark(token: TokenInfo, pin: Secret): string {
  const place = JSON.stringify([token.manufacturerID, token.model, token.serialNumber, token.label]);
  return createHash("sha256").update(salt).update(place).update("\0").update(pin.reveal()).digest("base64");
}
