import { createVerify, type VerifyKeyObjectInput } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";

/** Bytes above which a message takes a notable part of a turn of the event loop to hash. */
export const LARGE = 256 * 1024;

/** Verifies the signature of a large message, which is hashed piece by piece. It must not change meanwhile. */
export async function verifyInTurns(
  hash: string,
  message: Uint8Array,
  key: VerifyKeyObjectInput,
  signature: Uint8Array,
): Promise<boolean> {
  const verify = createVerify(hash);
  let began = performance.now();
  for (let at = 0; at < message.length; at += PIECE) {
    if (performance.now() - began > LONGEST_TURN) {
      await nextTurn();
      began = performance.now();
    }
    verify.update(message.subarray(at, at + PIECE));
  }
  return verify.verify(key, signature);
}

const PIECE = 128 * 1024;
/** Milliseconds. */
const LONGEST_TURN = 3;
