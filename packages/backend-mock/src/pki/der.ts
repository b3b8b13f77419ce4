/** Writes DER (X.690): just what certificates and signed documents need. Each function gives one element. */

type Bytes = Uint8Array;

export const sequence = (...parts: Bytes[]): Bytes => element(0x30, ...parts);
/** SET OF: the encodings in ascending order (X.690 11.6). */
export const setOf = (...parts: Bytes[]): Bytes => element(0x31, ...parts.sort(compareBytes));
export const octetString = (bytes: Bytes): Bytes => element(0x04, bytes);
export const bitString = (bytes: Bytes, unusedBits = 0): Bytes =>
  element(0x03, Uint8Array.of(unusedBits), bytes);
export const utf8String = (text: string): Bytes => element(0x0c, utf8(text));
export const printableString = (text: string): Bytes => element(0x13, utf8(text));
export const ia5String = (text: string): Bytes => element(0x16, utf8(text));
export const boolean = (value: boolean): Bytes => element(0x01, Uint8Array.of(value ? 0xff : 0));
export const nullValue = (): Bytes => element(0x05);
/** Context tag around whole elements: `[n] EXPLICIT`, and `[n] IMPLICIT` of a SEQUENCE or SET. */
export const tagged = (tag: number, ...parts: Bytes[]): Bytes => element(0xa0 + tag, ...parts);
/** Context tag of a primitive type: `[n] IMPLICIT OCTET STRING` and its like. */
export const taggedBytes = (tag: number, bytes: Bytes): Bytes => element(0x80 + tag, bytes);

/** INTEGER, not negative, from a number or big-endian bytes. */
export function integer(value: number | Bytes): Bytes {
  const bytes = typeof value === "number" ? bigEndian(value) : value;
  const start = bytes.findIndex((byte) => byte !== 0);
  const minimal = start === -1 ? Uint8Array.of(0) : bytes.subarray(start);
  return element(0x02, ...((minimal[0] ?? 0) >= 0x80 ? [Uint8Array.of(0)] : []), minimal);
}

/** OBJECT IDENTIFIER from its dotted form. */
export function oid(dotted: string): Bytes {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const arcs = [first * 40 + second, ...rest].flatMap((arc) => {
    const digits = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      digits.unshift(0x80 | (left & 0x7f));
    return digits;
  });
  return element(0x06, Uint8Array.from(arcs));
}

/** Time (RFC 5280 4.1.2.5): UTCTime through 2049, GeneralizedTime from 2050; whole seconds. */
export function time(at: Date): Bytes {
  const digits = `${at
    .toISOString()
    .replace(/\.\d+Z$/, "")
    .replace(/[-T:]/g, "")}Z`;
  const short = at.getUTCFullYear() >= 1950 && at.getUTCFullYear() < 2050;
  return short ? element(0x17, utf8(digits.slice(2))) : element(0x18, utf8(digits));
}

function concatenated(...parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

function compareBytes(a: Bytes, b: Bytes): number {
  for (let place = 0; place < Math.min(a.length, b.length); place++) {
    const difference = (a[place] ?? 0) - (b[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function element(tag: number, ...parts: Bytes[]): Bytes {
  const content = concatenated(...parts);
  const length = content.length < 0x80 ? Uint8Array.of(content.length) : longLength(content.length);
  return concatenated(Uint8Array.of(tag), length, content);
}

function longLength(length: number): Bytes {
  const digits = bigEndian(length);
  return Uint8Array.of(0x80 + digits.length, ...digits);
}

function bigEndian(value: number): Bytes {
  const bytes: number[] = [];
  for (let left = value; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256);
  return Uint8Array.from(bytes);
}

/** Two hexadecimal digits an octet, in lower case. */
export function hex(bytes: Bytes): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
