import { utf8Bytes } from "../host.ts";
import { DerTag } from "./node.ts";
import { compareBytes } from "./strict.ts";

/**
 * Writes DER (X.690). Each function gives one whole element; parts are elements themselves. What {@link readDer}
 * reads comes out of it. Wrong values are the caller's fault: RangeError.
 */

type Bytes = Uint8Array;

/** An element of any type from its identifier octet ({@link DerTag}) and its content, given in parts. */
export function element(identifier: number, ...parts: readonly Bytes[]): Bytes {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const octets = length < 0x80 ? [length] : [0x80 + bigEndian(length).length, ...bigEndian(length)];
  return concatenated(Uint8Array.of(identifier, ...octets), ...parts);
}

export const sequence = (...parts: readonly Bytes[]): Bytes => element(DerTag.SEQUENCE, ...parts);

/** SET OF: the encodings in ascending order, whatever order they are given in (X.690 11.6). */
export const setOf = (...parts: readonly Bytes[]): Bytes =>
  element(DerTag.SET, ...parts.toSorted(compareBytes));

/** Context tag around whole elements: `[n] EXPLICIT`, and `[n] IMPLICIT` of a SEQUENCE or SET, from its elements. */
export const tagged = (tag: number, ...parts: readonly Bytes[]): Bytes => element(0xa0 + low(tag), ...parts);

/** Context tag of a primitive type, from its content octets: `[n] IMPLICIT OCTET STRING` and its like. */
export const taggedBytes = (tag: number, content: Bytes): Bytes => element(0x80 + low(tag), content);

export const octetString = (content: Bytes): Bytes => element(DerTag.OCTET_STRING, content);
export const nullValue = (): Bytes => element(DerTag.NULL);
export const boolean = (value: boolean): Bytes => element(DerTag.BOOLEAN, Uint8Array.of(value ? 0xff : 0));
export const utf8String = (text: string): Bytes => element(DerTag.UTF8_STRING, utf8Bytes(text));
export const printableString = (text: string): Bytes => element(DerTag.PRINTABLE_STRING, ascii(text));
export const ia5String = (text: string): Bytes => element(DerTag.IA5_STRING, ascii(text));

/** BIT STRING; its last `unusedBits` bits (0 to 7) do not count, and are zero (X.690 11.2.1). */
export function bitString(content: Bytes, unusedBits = 0): Bytes {
  return element(DerTag.BIT_STRING, Uint8Array.of(unusedBits), content);
}

/**
 * BIT STRING of named bits (X.690 11.2.2), such as KeyUsage: without trailing zero bits. Bit 0 is the first.
 */
export function namedBits(...bits: readonly number[]): Bytes {
  const last = Math.max(-1, ...bits);
  const content = new Uint8Array(Math.ceil((last + 1) / 8));
  for (const bit of bits) content[bit >> 3] = (content[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return bitString(content, content.length * 8 - (last + 1));
}

/** INTEGER or, by its identifier, ENUMERATED. Bytes are a big-endian magnitude: never negative, zeros in front or none. */
export function integer(value: number | bigint | Bytes): Bytes {
  if (value instanceof Uint8Array) {
    const start = value.findIndex((octet) => octet !== 0);
    const minimal = start === -1 ? Uint8Array.of(0) : value.subarray(start);
    return element(DerTag.INTEGER, ...((minimal[0] ?? 0) >= 0x80 ? [Uint8Array.of(0)] : []), minimal);
  }
  if (typeof value === "number" && !Number.isSafeInteger(value))
    throw new RangeError(`${value} is no integer`);
  let rest = BigInt(value);
  const content: number[] = [];
  do {
    content.unshift(Number(BigInt.asUintN(8, rest)));
    rest >>= 8n;
  } while (rest !== ((content[0] ?? 0) >= 0x80 ? -1n : 0n));
  return element(DerTag.INTEGER, Uint8Array.from(content));
}

/** OBJECT IDENTIFIER from its dotted form, arcs of any size (X.690 8.19). */
export function oid(dotted: string): Bytes {
  if (!/^(?:[01]\.[1-3]?\d|2\.(?:0|[1-9]\d*))(?:\.(?:0|[1-9]\d*))*$/.test(dotted)) {
    throw new RangeError("an OBJECT IDENTIFIER is written like 1.2.840");
  }
  const [first = 0n, second = 0n, ...rest] = dotted.split(".").map(BigInt);
  const content = [first * 40n + second, ...rest].flatMap((arc) => {
    const digits = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) digits.unshift(0x80 | Number(left & 0x7fn));
    return digits;
  });
  return element(DerTag.OBJECT_IDENTIFIER, Uint8Array.from(content));
}

/**
 * Time (RFC 5280 4.1.2.5): UTCTime from 1950 through 2049, GeneralizedTime otherwise; a fraction of a second is
 * dropped.
 */
export function time(at: Date): Bytes {
  const year = at.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) throw new RangeError("the year does not fit into a GeneralizedTime");
  const digits = `${at.toISOString().slice(0, 19).replace(/[-T:]/g, "")}Z`;
  return year >= 1950 && year < 2050
    ? element(DerTag.UTC_TIME, ascii(digits.slice(2)))
    : element(DerTag.GENERALIZED_TIME, ascii(digits));
}

/** Byte strings, one behind the other. */
export function concatenated(...parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function ascii(text: string): Bytes {
  const bytes = utf8Bytes(text);
  if (bytes.length === text.length && bytes.every((octet) => octet < 0x80)) return bytes;
  throw new RangeError("PrintableString and IA5String hold ASCII");
}

function low(tag: number): number {
  if (Number.isInteger(tag) && tag >= 0 && tag < 31) return tag;
  throw new RangeError("context tags are written up to 30");
}

function bigEndian(value: number): number[] {
  const octets: number[] = [];
  for (let left = value; left > 0; left = Math.floor(left / 256)) octets.unshift(left % 256);
  return octets;
}
