import type { CurveName } from "@ddscred/core";

/** Octets of a coordinate of a point, and of each half of a signature. */
export const coordinateLengths: Readonly<Record<CurveName, number>> = {
  "P-256": 32,
  "P-384": 48,
  "P-521": 66,
};

/** CKA_EC_PARAMS: DER of the curve's OID (RFC 5480 2.1.1.1). */
export const curveParameters: Readonly<Record<CurveName, Buffer>> = {
  "P-256": Buffer.from("06082a8648ce3d030107", "hex"),
  "P-384": Buffer.from("06052b81040022", "hex"),
  "P-521": Buffer.from("06052b81040023", "hex"),
};

/** The curve that CKA_EC_PARAMS names: by its OID, or by its name (PKCS#11 3.0 mechanisms 2.3.3). */
export function curveOf(params: Uint8Array): CurveName | undefined {
  const known = Object.keys(curveParameters) as CurveName[];
  return known.find((curve) => curveParameters[curve].equals(params)) ?? curveNamed(params);
}

function curveNamed(params: Uint8Array): CurveName | undefined {
  if (params[0] !== PRINTABLE_STRING || params[1] !== params.length - 2) return undefined;
  const name = Buffer.from(params.subarray(2)).toString("latin1");
  return Object.hasOwn(curveNames, name) ? curveNames[name] : undefined;
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

const PRINTABLE_STRING = 0x13;
const curveNames: Readonly<Record<string, CurveName>> = {
  prime256v1: "P-256",
  secp256r1: "P-256",
  secp384r1: "P-384",
  secp521r1: "P-521",
};
