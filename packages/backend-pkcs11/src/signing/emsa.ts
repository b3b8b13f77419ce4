import { createHash, randomBytes } from "node:crypto";
import type { HashName } from "@ddscred/core";

/**
 * The message as the token raises it to the private exponent, made here for tokens that pad in no other way
 * than not at all (CKM_RSA_X_509). Both are as long as the modulus.
 */

/**
 * EMSA-PKCS1-v1_5 (RFC 8017 9.2).
 *
 * @param digestInfo DER of the DigestInfo
 * @param bits of the modulus; 512 at least
 */
export function emsaPkcs1(digestInfo: Uint8Array, bits: number): Uint8Array {
  const length = Math.ceil(bits / 8);
  const filling = Buffer.alloc(length - digestInfo.length - 3, 0xff);
  return Buffer.concat([Uint8Array.of(0, 1), filling, Uint8Array.of(0), digestInfo]);
}

/**
 * EMSA-PSS with MGF1 on the same hash (RFC 8017 9.1.1).
 *
 * @param digest of the message
 * @param bits of the modulus, for which hash and salt are short enough
 */
export function emsaPss(digest: Uint8Array, name: HashName, saltLength: number, bits: number): Uint8Array {
  const length = Math.ceil((bits - 1) / 8);
  const salt = randomBytes(saltLength);
  const hash = hashOf(name, Buffer.alloc(8), digest, salt);
  const block = Buffer.alloc(length - hash.length - 1);
  block[block.length - saltLength - 1] = 1;
  block.set(salt, block.length - saltLength);
  const mask = mgf1(hash, block.length, name);
  for (const [index, octet] of mask.entries()) block[index] = (block[index] ?? 0) ^ octet;
  block[0] = (block[0] ?? 0) & (0xff >> (8 * length - (bits - 1)));
  // Where the modulus has one bit more than its octets but the first, the encoding has one octet less.
  const zeros = Buffer.alloc(Math.ceil(bits / 8) - length);
  return Buffer.concat([zeros, block, hash, Uint8Array.of(0xbc)]);
}

/** RFC 8017 B.2.1 */
function mgf1(seed: Uint8Array, length: number, name: HashName): Uint8Array {
  const blocks: Buffer[] = [];
  for (let counter = 0, total = 0; total < length; counter++) {
    const octets = Buffer.alloc(4);
    octets.writeUInt32BE(counter);
    const block = hashOf(name, seed, octets);
    blocks.push(block);
    total += block.length;
  }
  return Buffer.concat(blocks).subarray(0, length);
}

function hashOf(name: HashName, ...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash(name.replace("-", "").toLowerCase());
  for (const part of parts) hash.update(part);
  return hash.digest();
}
