import { ECDH } from "node:crypto";
import type { CurveName } from "@ddscred/core";
import { coordinateLengths, ed25519Lengths } from "../cryptoki/curves.ts";

/**
 * The uncompressed point out of CKA_EC_POINT. The standard wants an OCTET STRING around it; modules also give it bare,
 * inside a BIT STRING, compressed, or as mere coordinates. OCTET STRING and uncompressed point both begin with
 * 04, so the length decides, which is exact. Undefined where it is none of these, or no point of the curve.
 */
export function ecPoint(curve: CurveName, value: Uint8Array): Uint8Array | undefined {
  return pointOf(curve, value) ?? inside(value, (content) => pointOf(curve, content));
}

/** The key out of CKA_EC_POINT: bare, inside an OCTET STRING, or inside a BIT STRING. */
export function ed25519Key(value: Uint8Array): Uint8Array | undefined {
  const keyOf = (bytes: Uint8Array) => (bytes.length === ed25519Lengths.key ? bytes : undefined);
  return keyOf(value) ?? inside(value, keyOf);
}

/** SEC 1 2.3.3, and the coordinates without the octet before them. */
function pointOf(curve: CurveName, value: Uint8Array): Uint8Array | undefined {
  const length = coordinateLengths[curve];
  const [first = 0] = value;
  if (value.length === 1 + 2 * length) return first === UNCOMPRESSED ? value : undefined;
  if (value.length === 2 * length) return Buffer.concat([Uint8Array.of(UNCOMPRESSED), value]);
  if (value.length !== 1 + length || !COMPRESSED.includes(first)) return undefined;
  try {
    return Buffer.from(ECDH.convertKey(value, names[curve], undefined, undefined, "uncompressed") as Buffer);
  } catch {
    return undefined; // no point has this coordinate
  }
}

/** What is inside an OCTET STRING or BIT STRING that is the whole value, its length written in whichever way. */
function inside<T>(value: Uint8Array, read: (content: Uint8Array) => T | undefined): T | undefined {
  const [tag, size = 0] = value;
  if (tag !== OCTET_STRING && tag !== BIT_STRING) return undefined;
  const octets = size < 0x80 ? 0 : size - 0x80;
  if (octets > 2) return undefined;
  const start = 2 + octets;
  const length = octets === 0 ? size : value.subarray(2, start).reduce((sum, octet) => sum * 256 + octet, 0);
  if (start + length !== value.length) return undefined;
  if (tag === OCTET_STRING) return read(value.subarray(start));
  return value[start] === 0 ? read(value.subarray(start + 1)) : undefined;
}

const OCTET_STRING = 0x04;
const BIT_STRING = 0x03;
const UNCOMPRESSED = 0x04;
const COMPRESSED: readonly number[] = [0x02, 0x03];
const names: Readonly<Record<CurveName, string>> = {
  "P-256": "prime256v1",
  "P-384": "secp384r1",
  "P-521": "secp521r1",
};
