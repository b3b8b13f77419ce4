import type { CurveName } from "@ddscred/core";

/** Octets of a coordinate of a point, and of each half of a signature. */
export const coordinateLengths: Readonly<Record<CurveName, number>> = {
  "P-256": 32,
  "P-384": 48,
  "P-521": 66,
};

/** The curve that CKA_EC_PARAMS names: the DER of its OID (RFC 5480 2.1.1.1). */
export function curveOf(params: Uint8Array): CurveName | undefined {
  return curves[Buffer.from(params).toString("hex")];
}

const curves: Readonly<Record<string, CurveName>> = {
  "06082a8648ce3d030107": "P-256",
  "06052b81040022": "P-384",
  "06052b81040023": "P-521",
};
