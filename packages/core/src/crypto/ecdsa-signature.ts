import { type DerNode, DerTag, derContent } from "../der/node.ts";
import { readDer } from "../der/read.ts";
import { CredentialError } from "../errors/credential-error.ts";
import type { CurveName } from "../schemes.ts";

/**
 * ECDSA signatures in their two forms: DER, which is what certificates, CMS and DDS carry, and the plain
 * r || s of IEEE P1363, which is what WebCrypto and PKCS#11 speak.
 *
 *     Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }      RFC 3279 2.2.3
 */

/** Octets of a coordinate, thus of r and of s, by curve. */
const fieldLengths: Readonly<Record<CurveName, number>> = { "P-256": 32, "P-384": 48, "P-521": 66 };

/**
 * The DER of a signature given as r || s, each half big-endian and padded to the same length.
 *
 * @throws CredentialError `SIGNATURE_INVALID` where that is not its form
 */
export function ecdsaRawToDer(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  if (!Number.isInteger(half) || half === 0 || half > fieldLengths["P-521"]) {
    throw new CredentialError("SIGNATURE_INVALID", `an ECDSA signature is not ${raw.length} bytes long`);
  }
  const r = integerContent(raw, 0, half);
  const s = integerContent(raw, half, raw.length);
  const length = 4 + r.length + s.length;
  const header = length < 0x80 ? 2 : 3;
  // A signer's hot path: one allocation, no copies through arrays.
  const der = new Uint8Array(header + length);
  der[0] = DerTag.SEQUENCE;
  if (header === 3) der[1] = 0x81;
  der[header - 1] = length;
  putInteger(der, header, raw, r);
  putInteger(der, header + 2 + r.length, raw, s);
  return der;
}

/**
 * r || s of a signature in strict DER, each half as long as a coordinate of the curve. Undefined where the
 * DER is not strict (BER lengths, padding, trailing bytes) or a number is negative, zero or too long:
 * one signature has one encoding.
 */
export function ecdsaDerToRaw(der: Uint8Array, curve: CurveName): Uint8Array | undefined {
  const length = fieldLengths[curve];
  const sequence = strictly(der);
  if (sequence?.identifier !== DerTag.SEQUENCE || sequence.children.length !== 2) return undefined;
  const raw = new Uint8Array(2 * length);
  let end = 0;
  for (const number of sequence.children) {
    const content = derContent(der, number);
    const magnitude = content[0] === 0 ? content.subarray(1) : content;
    const negative = magnitude === content && (content[0] ?? 0) >= 0x80;
    if (number.identifier !== DerTag.INTEGER || negative) return undefined;
    if (magnitude.length === 0 || magnitude.length > length) return undefined;
    end += length;
    raw.set(magnitude, end - magnitude.length);
  }
  return raw;
}

function strictly(der: Uint8Array): DerNode | undefined {
  try {
    return readDer(der, { maxDepth: 2, maxElements: 3, maxSize: 160 });
  } catch {
    return undefined;
  }
}

/** Where the content octets of a magnitude are, without leading zeros, and whether a zero must go before them. */
interface IntegerContent {
  readonly start: number;
  readonly end: number;
  readonly length: number;
}

function integerContent(bytes: Uint8Array, from: number, end: number): IntegerContent {
  let start = from;
  while (start < end - 1 && bytes[start] === 0) start++;
  return { start, end, length: end - start + ((bytes[start] ?? 0) >= 0x80 ? 1 : 0) };
}

/** Where the number needs a sign octet, it is the zero that the array already holds. */
function putInteger(
  der: Uint8Array,
  at: number,
  raw: Uint8Array,
  { start, end, length }: IntegerContent,
): void {
  der[at] = DerTag.INTEGER;
  der[at + 1] = length;
  der.set(raw.subarray(start, end), at + 2 + length - (end - start));
}
