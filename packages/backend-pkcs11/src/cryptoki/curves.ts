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

/** Whether CKA_EC_PARAMS names Ed25519: by its OID (RFC 8410 3), by one that was used before, or by its name. */
export function isEd25519(params: Uint8Array): boolean {
  return ed25519.has(Buffer.from(params).toString("hex"));
}

/** Octets of an Ed25519 public key, and of a signature (RFC 8032 5.1). */
export const ed25519Lengths = { key: 32, signature: 64 } as const;

const ed25519: ReadonlySet<string> = new Set([
  "06032b6570",
  "06092b06010401da470f01",
  `130c${Buffer.from("edwards25519").toString("hex")}`,
]);

const curves: Readonly<Record<string, CurveName>> = {
  "06082a8648ce3d030107": "P-256",
  "06052b81040022": "P-384",
  "06052b81040023": "P-521",
};
