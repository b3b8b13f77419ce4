import { DerTag } from "../der/node.ts";
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
 * @param allocate makes the bytes, which need not be zeros
 * @throws CredentialError `SIGNATURE_INVALID` where that is not its form
 */
export function ecdsaRawToDer(
  raw: Uint8Array,
  allocate = (length: number): Uint8Array => new Uint8Array(length),
): Uint8Array {
  const half = raw.length / 2;
  if (!Number.isInteger(half) || half === 0 || half > fieldLengths["P-521"]) {
    throw new CredentialError("SIGNATURE_INVALID", `an ECDSA signature is not ${raw.length} bytes long`);
  }
  const r = withoutZeros(raw, 0, half);
  const s = withoutZeros(raw, half, raw.length);
  const length = 4 + signOctets(raw, r) + (half - r) + signOctets(raw, s) + (raw.length - s);
  const header = length < 0x80 ? 2 : 3;
  // A signer's hot path: one allocation, no views, no copies through arrays.
  const der = allocate(header + length);
  der[0] = DerTag.SEQUENCE;
  if (header === 3) der[1] = 0x81;
  der[header - 1] = length;
  putInteger(der, putInteger(der, header, raw, r, half), raw, s, raw.length);
  return der;
}

/**
 * r || s of a signature in strict DER, each half as long as a coordinate of the curve. Undefined where the
 * DER is not strict (BER lengths, padding, trailing bytes) or a number is negative, zero or too long:
 * one signature has one encoding.
 */
export function ecdsaDerToRaw(der: Uint8Array, curve: CurveName): Uint8Array | undefined {
  const length = fieldLengths[curve];
  const header = der[1] === 0x81 ? 3 : 2;
  const size = der.length - header;
  if (der[0] !== DerTag.SEQUENCE || der[header - 1] !== size || size >= 0x80 !== (header === 3))
    return undefined;
  const raw = new Uint8Array(2 * length);
  let at = header;
  for (const end of [length, 2 * length]) {
    const number = magnitude(der, at);
    if (number === undefined || number.length > length) return undefined;
    raw.set(number, end - number.length);
    at = number.byteOffset - der.byteOffset + number.length;
  }
  return at === der.length ? raw : undefined;
}

/** The number of a strict and positive INTEGER, without its sign octet. A verifier's hot path: no general reader. */
function magnitude(der: Uint8Array, at: number): Uint8Array | undefined {
  const [tag, size = 0, first = 0x80, second = 0] = der.subarray(at, at + 4);
  const end = at + 2 + size;
  if (tag !== DerTag.INTEGER || size === 0 || size >= 0x80 || end > der.length || first >= 0x80)
    return undefined;
  if (first > 0) return der.subarray(at + 2, end);
  return size === 1 || second < 0x80 ? undefined : der.subarray(at + 3, end);
}

/** Where a magnitude begins, without its leading zeros. */
function withoutZeros(bytes: Uint8Array, from: number, end: number): number {
  let start = from;
  while (start < end - 1 && bytes[start] === 0) start++;
  return start;
}

/** How many zeros go before a magnitude, so that it is no negative number. */
function signOctets(bytes: Uint8Array, start: number): number {
  return (bytes[start] ?? 0) >= 0x80 ? 1 : 0;
}

/** @returns where the next one goes */
function putInteger(der: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  const zeros = signOctets(bytes, start);
  der[at] = DerTag.INTEGER;
  der[at + 1] = zeros + end - start;
  let to = at + 2;
  if (zeros > 0) der[to++] = 0;
  for (let n = start; n < end; n++) der[to++] = bytes[n] ?? 0;
  return to;
}
