import { hexOf } from "../hex.ts";
import type { CurveName } from "../schemes.ts";
import type { PublicKeyInfo } from "./certificate.ts";

/**
 * Whether the point of an EC key lies on its curve (SEC 1 3.2.2.1): y² = x³ - 3x + b, both coordinates below p. A key that is
 * not on its curve verifies nothing, and no library reads it. Other keys, and curves of no name, are not looked at.
 */
export function isOnItsCurve({ spki, curve }: Pick<PublicKeyInfo, "spki" | "curve">): boolean {
  if (curve === undefined) return true;
  const { bits, p, b } = CURVES[curve];
  const field = Math.ceil(bits / 8);
  // An uncompressed point is the end of the key's BIT STRING, which is the end of the whole.
  const x = numberOf(spki.subarray(-2 * field, -field));
  const y = numberOf(spki.subarray(-field));
  return x < p && y < p && (y * y - (x * x * x - 3n * x + b)) % p === 0n;
}

const numberOf = (octets: Uint8Array) => BigInt(`0x${hexOf(octets)}`);

/** NIST SP 800-186 3.2.1. */
const CURVES: Readonly<Record<CurveName, { readonly bits: number; readonly p: bigint; readonly b: bigint }>> =
  {
    "P-256": {
      bits: 256,
      p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
      b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    },
    "P-384": {
      bits: 384,
      p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
      b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
    },
    "P-521": {
      bits: 521,
      p: 2n ** 521n - 1n,
      b: 0x051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
    },
  };
