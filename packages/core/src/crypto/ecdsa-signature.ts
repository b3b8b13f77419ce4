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

function derInteger(magnitude: Uint8Array): number[] {
  const first = magnitude.findIndex((octet) => octet !== 0);
  const significant = first < 0 ? Uint8Array.of(0) : magnitude.subarray(first);
  const sign = (significant[0] ?? 0) >= 0x80 ? [0] : [];
  return [0x02, sign.length + significant.length, ...sign, ...significant];
}
