import { CredentialError } from "../errors/credential-error.ts";
import type { CurveName } from "../schemes.ts";

/**
 * ECDSA signatures in their two forms: DER, which is what certificates, CMS and DDS carry, and the plain
 * r || s of IEEE P1363, which is what WebCrypto and PKCS#11 speak.
 *
 *     Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }      RFC 3279 2.2.3
 */

/** Octets of a coordinate, thus of r and of s, by curve. */
export const fieldLengths: Readonly<Record<CurveName, number>> = { "P-256": 32, "P-384": 48, "P-521": 66 };

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
  const body = [...derInteger(raw.subarray(0, half)), ...derInteger(raw.subarray(half))];
  return Uint8Array.from([0x30, ...(body.length < 0x80 ? [] : [0x81]), body.length, ...body]);
}

/**
 * r || s of a signature in strict DER, each half as long as a coordinate of the curve. Undefined where the
 * DER is not strict (BER lengths, padding, trailing bytes) or a number is negative, zero or too long:
 * one signature has one encoding.
 */
export function ecdsaDerToRaw(der: Uint8Array, curve: CurveName): Uint8Array | undefined {
  const length = fieldLengths[curve];
  const long = der[1] === 0x81;
  const size = long ? der[2] : der[1];
  const start = long ? 3 : 2;
  if (der[0] !== 0x30 || size === undefined || size >= 0x80 !== long) return undefined;
  if (start + size !== der.length) return undefined;
  const r = positiveInteger(der, start, length);
  const s = r && positiveInteger(der, r.byteOffset + r.length - der.byteOffset, length);
  if (!r || !s || s.byteOffset + s.length !== der.byteOffset + der.length) return undefined;
  const raw = new Uint8Array(2 * length);
  raw.set(withoutSign(r), length - withoutSign(r).length);
  raw.set(withoutSign(s), 2 * length - withoutSign(s).length);
  return raw;
}

/** Content of the INTEGER at a position: positive, minimal, and of at most `longest` significant octets. */
function positiveInteger(der: Uint8Array, at: number, longest: number): Uint8Array | undefined {
  const size = der[at + 1];
  if (der[at] !== 0x02 || size === undefined || size === 0 || size > longest + 1) return undefined;
  const content = der.subarray(at + 2, at + 2 + size);
  const [first = 0, second = 0] = content;
  const padded = first === 0;
  if (content.length !== size || first >= 0x80 || (padded && second < 0x80)) return undefined;
  return withoutSign(content).length > longest ? undefined : content;
}

const withoutSign = (content: Uint8Array): Uint8Array => (content[0] === 0 ? content.subarray(1) : content);

function derInteger(magnitude: Uint8Array): number[] {
  const first = magnitude.findIndex((octet) => octet !== 0);
  const significant = first < 0 ? Uint8Array.of(0) : magnitude.subarray(first);
  const sign = (significant[0] ?? 0) >= 0x80 ? [0] : [];
  return [0x02, sign.length + significant.length, ...sign, ...significant];
}
