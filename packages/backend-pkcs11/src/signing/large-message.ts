import { createHash } from "node:crypto";
import type { HashName, SignatureScheme } from "@ddscred/core";
import { turns } from "../objects/in-turns.ts";

/** Bytes above which a message takes a notable part of a turn of the event loop to copy or to hash. */
export const LARGE = 256 * 1024;

/** Whether it is hashed in turns: Ed25519 signs the message itself. */
export function isLarge(message: Uint8Array, { keyType }: SignatureScheme): boolean {
  return message.length > LARGE && keyType !== "ed25519";
}

/**
 * The message with its digest, made piece by piece, with the event loop at work in between. It is not copied, which
 * can take longer than to hash it: its caller must leave it as it is.
 */
export async function hashed(message: Uint8Array, { hash }: SignatureScheme): Promise<Uint8Array> {
  const view = message.subarray(); // the digest is that of this call
  digests.set(view, { hash, digest: await hashInTurns(view, hash) });
  return view;
}

/** The digest of what {@link hashed} gave. */
export function digestKnown(message: Uint8Array, hash: HashName): Buffer | undefined {
  const known = digests.get(message);
  return known?.hash === hash ? known.digest : undefined;
}

/** After a failure: a TypeError where a large message is not any more what was hashed. */
export async function checkUnchanged(message: Uint8Array, { hash }: SignatureScheme): Promise<void> {
  const before = digestKnown(message, hash);
  if (before === undefined || before.equals(await hashInTurns(message, hash))) return;
  throw new TypeError("the message was changed while it was signed");
}

/** As OpenSSL calls it. */
export function algorithmOf(hash: HashName): string {
  return hash.replace("-", "").toLowerCase();
}

async function hashInTurns(message: Uint8Array, name: HashName): Promise<Buffer> {
  const hash = createHash(algorithmOf(name));
  const turn = turns();
  for (let at = 0; at < message.length; at += PIECE) {
    if (turn.isOver()) await turn.next();
    hash.update(message.subarray(at, at + PIECE));
  }
  return hash.digest();
}

const digests = new WeakMap<Uint8Array, { readonly hash: HashName; readonly digest: Buffer }>();
const PIECE = 128 * 1024;
