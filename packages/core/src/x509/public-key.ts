import { type DerContext, DerFields, malformed } from "../der/fields.ts";
import { type DerNode, DerTag, derContent, derElement } from "../der/node.ts";
import { readDer } from "../der/read.ts";
import { derBitLength, derBitStringOctets, derOid } from "../der/values.ts";
import type { CurveName } from "../schemes.ts";
import { decodeAlgorithm } from "./algorithm-id.ts";
import type { PublicKeyInfo } from "./certificate.ts";

/**
 * Decodes a SubjectPublicKeyInfo (RFC 5280 4.1.2.7). Kinds of keys that are not supported are decoded as far
 * as needed to name them. An EC point that is not uncompressed, or whose curve is not one of the scheme
 * table, leaves `curve` undefined.
 *
 * @param spki DER
 * @throws CredentialError `DER_INVALID`, or `KEY_INVALID` for DER that is no public key
 */
export function parsePublicKeyInfo(spki: Uint8Array): PublicKeyInfo {
  const bytes = new Uint8Array(spki);
  return decodePublicKeyInfo(bytes, readDer(bytes), { code: "KEY_INVALID", what: "the public key" });
}

/** A SubjectPublicKeyInfo inside a larger structure; `bytes` must not change any more. */
export function decodePublicKeyInfo(bytes: Uint8Array, node: DerNode, context: DerContext): PublicKeyInfo {
  const fields = new DerFields(node, context);
  const algorithm = decodeAlgorithm(bytes, fields.required("the algorithm", DerTag.SEQUENCE), context);
  const bitString = fields.required("the key", DerTag.BIT_STRING);
  fields.end();
  const key = derBitStringOctets(bytes, bitString);
  if (key === undefined) throw malformed(context, bitString, "the key is not whole octets");
  const spki = derElement(bytes, node);
  const fail = (problem: string) => malformed(context, bitString, problem);
  switch (algorithm.oid) {
    case "1.2.840.113549.1.1.1": {
      const sizes = rsaSizes(key, fail);
      return { spki, keyType: "rsa", ...sizes, label: `RSA ${sizes.bits}` };
    }
    case "1.2.840.113549.1.1.10": {
      const sizes = rsaSizes(key, fail);
      return { spki, keyType: "rsa-pss", ...sizes, label: `RSASSA-PSS ${sizes.bits}` };
    }
    case "1.2.840.10045.2.1":
      return { spki, keyType: "ec", ...ecDetails(algorithm.parameters, key, fail) };
    case "1.3.101.112":
      if (key.length !== 32) throw fail("an Ed25519 key has 32 bytes (RFC 8410 4)");
      return { spki, keyType: "ed25519", label: "Ed25519" };
    default:
      return { spki, keyType: "other", label: OTHER_KEYS[algorithm.oid] ?? algorithm.oid };
  }
}

type Fail = (problem: string) => Error;

/** Bits of modulus and exponent of an RSAPublicKey (RFC 8017 A.1.1). */
function rsaSizes(key: Uint8Array, fail: Fail): { bits: number; exponentBits: number } {
  const context: DerContext = { code: "KEY_INVALID", what: "the RSA key" };
  let numbers: readonly DerNode[];
  try {
    const fields = new DerFields(readDer(key), context);
    numbers = [fields.required("the modulus", 0x02), fields.required("the exponent", 0x02)];
    fields.end();
  } catch {
    throw fail("the key is no RSAPublicKey (RFC 8017 A.1.1)");
  }
  const [modulus, exponent] = numbers.map((number) => ({
    bits: derBitLength(key, number),
    odd: ((derContent(key, number).at(-1) ?? 0) & 1) === 1,
  }));
  if (modulus?.bits === undefined || !modulus.odd || modulus.bits > MAX_RSA_BITS) {
    throw fail("the modulus of the RSA key is no odd positive number of at most 16,384 bits");
  }
  if (exponent?.bits === undefined || !exponent.odd || exponent.bits < 2) {
    throw fail("the public exponent of the RSA key is no odd number of 3 or more");
  }
  return { bits: modulus.bits, exponentBits: exponent.bits };
}

const MAX_RSA_BITS = 16_384;

/** ECParameters and ECPoint of RFC 5480 2.1.1 and 2.2. */
function ecDetails(parameters: Uint8Array | undefined, key: Uint8Array, fail: Fail) {
  if (parameters === undefined) throw fail("an EC key names its curve (RFC 5480 2.1.1)");
  if (parameters[0] !== DerTag.OBJECT_IDENTIFIER) return { label: "EC with explicit curve parameters" };
  const oid = derOid(parameters, readDer(parameters));
  const curve = CURVES[oid];
  if (curve === undefined) return { label: `EC on curve ${oid}` };
  const { name, bits, scheme } = curve;
  const field = Math.ceil(bits / 8);
  const [form, ...point] = key;
  if ((form === 0x02 || form === 0x03) && point.length === field) {
    return { bits, label: `EC ${name} (compressed point)` };
  }
  if (form !== 0x04 || point.length !== 2 * field) {
    throw fail(`the point of an EC key on ${name} has ${2 * field + 1} bytes, the first of them 04`);
  }
  return scheme === undefined ? { bits, label: `EC ${name}` } : { bits, curve: scheme, label: `EC ${name}` };
}

interface Curve {
  readonly name: string;
  readonly bits: number;
  readonly scheme?: CurveName;
}

const CURVES: Readonly<Record<string, Curve>> = {
  "1.2.840.10045.3.1.7": { name: "P-256", bits: 256, scheme: "P-256" },
  "1.3.132.0.34": { name: "P-384", bits: 384, scheme: "P-384" },
  "1.3.132.0.35": { name: "P-521", bits: 521, scheme: "P-521" },
  "1.2.840.10045.3.1.1": { name: "P-192", bits: 192 },
  "1.3.132.0.33": { name: "P-224", bits: 224 },
  "1.3.132.0.10": { name: "secp256k1", bits: 256 },
  "1.3.36.3.3.2.8.1.1.7": { name: "brainpoolP256r1", bits: 256 },
  "1.3.36.3.3.2.8.1.1.11": { name: "brainpoolP384r1", bits: 384 },
  "1.3.36.3.3.2.8.1.1.13": { name: "brainpoolP512r1", bits: 512 },
  "1.2.156.10197.1.301": { name: "SM2", bits: 256 },
};

const OTHER_KEYS: Readonly<Record<string, string>> = {
  "1.2.840.10040.4.1": "DSA",
  "1.2.840.10046.2.1": "Diffie-Hellman",
  "1.3.101.110": "X25519",
  "1.3.101.111": "X448",
  "1.3.101.113": "Ed448",
};
