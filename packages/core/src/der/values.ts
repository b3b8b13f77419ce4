import { derInvalid } from "./invalid.ts";
import { type DerNode, DerTag, derContent } from "./node.ts";
import { compareBytes, MAX_OID_OCTETS } from "./strict.ts";

/** Dotted text of an OBJECT IDENTIFIER that {@link readDer} passed. Works behind an IMPLICIT tag too. */
export function derOid(bytes: Uint8Array, node: DerNode): string {
  const content = derContent(bytes, node);
  if (content.length > MAX_OID_OCTETS) {
    throw derInvalid(node.start, "oid", "an OBJECT IDENTIFIER is too long", "X.690 8.19");
  }
  const arcs: (number | bigint)[] = [];
  let arc = 0;
  /** The same once it is beyond exact numbers; then `arc` counts no more. */
  let large: bigint | undefined;
  for (const octet of content) {
    if (large === undefined && arc > MAX_EXACT) large = BigInt(arc);
    if (large === undefined) arc = arc * 128 + (octet & 0x7f);
    else large = (large << 7n) | BigInt(octet & 0x7f);
    if (octet < 0x80) {
      arcs.push(large ?? arc);
      [arc, large] = [0, undefined];
    }
  }
  const [first = 0, ...rest] = arcs;
  const root = first < 80 ? Math.floor(Number(first) / 40) : 2;
  const second = typeof first === "bigint" ? first - BigInt(root * 40) : first - root * 40;
  return [root, second, ...rest].join(".");
}

/** An INTEGER or ENUMERATED as a number; undefined where it is outside the safe integers. */
export function derSmallInteger(bytes: Uint8Array, node: DerNode): number | undefined {
  const content = derContent(bytes, node);
  if (content.length === 0 || content.length > 6) return undefined;
  let value = (content[0] ?? 0) >= 0x80 ? -1 : 0;
  for (const octet of content) value = value * 256 + octet;
  return value;
}

/** Bits of a positive INTEGER, without its sign octet; undefined for zero and negative ones. */
export function derBitLength(bytes: Uint8Array, node: DerNode): number | undefined {
  const content = derContent(bytes, node);
  const digits = content[0] === 0 ? content.subarray(1) : content;
  const first = content[0] ?? 0x80;
  if (first >= 0x80 || digits.length === 0) return undefined;
  return digits.length * 8 - (Math.clz32(digits[0] ?? 0) - 24);
}

export function derBoolean(bytes: Uint8Array, node: DerNode): boolean {
  return bytes[node.contentStart] === 0xff;
}

/** The octets of a BIT STRING; undefined where its bits do not fill whole octets. */
export function derBitStringOctets(bytes: Uint8Array, node: DerNode): Uint8Array | undefined {
  const content = derContent(bytes, node);
  return content[0] === 0 ? content.subarray(1) : undefined;
}

/**
 * UTCTime or GeneralizedTime as certificates write them: `YYMMDDHHMMSSZ` and `YYYYMMDDHHMMSSZ`, no fraction,
 * no offset (RFC 5280 4.1.2.5.1 and 4.1.2.5.2). Undefined for any other type, form, or a date that does not exist.
 */
export function derTime(bytes: Uint8Array, node: DerNode): Date | undefined {
  const yearDigits =
    node.identifier === DerTag.UTC_TIME ? 2 : node.identifier === DerTag.GENERALIZED_TIME ? 4 : 0;
  const text = String.fromCharCode(...derContent(bytes, node).subarray(0, 16));
  if (yearDigits === 0 || text.length !== yearDigits + 11 || !/^\d+Z$/.test(text)) return undefined;
  const written = Number(text.slice(0, yearDigits));
  const year = yearDigits === 4 ? written : written >= 50 ? 1900 + written : 2000 + written;
  const field = (index: number) => Number(text.slice(yearDigits + index * 2, yearDigits + index * 2 + 2));
  const [month, day, hour, minute, second] = [field(0), field(1), field(2), field(3), field(4)] as const;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  // A field out of its range would have moved the others on.
  const unmoved =
    date.getUTCFullYear() === year &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute &&
    date.getUTCSeconds() === second;
  return unmoved ? date : undefined;
}

/** Whether two byte strings are the same. Not for secrets: it takes as long as they agree. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

/** Below it, seven more bits stay exact. */
const MAX_EXACT = Math.floor(Number.MAX_SAFE_INTEGER / 128) - 1;
