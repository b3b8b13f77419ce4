import {
  CredentialError,
  der,
  ecdsaRawToDer,
  encodePem,
  readDer,
  readPem,
  type SignatureScheme,
  signatureSchemes,
} from "@ddscred/core";
import { Crypto } from "@peculiar/webcrypto";
import { hex } from "./text.ts";

/** What a mock token can hold; the curves that DDS refuses are there to be refused. */
export type MockKeyKind =
  | "ec-p256"
  | "ec-p384"
  | "ec-p521"
  | "ec-secp256k1"
  | "ec-brainpoolP256r1"
  | "ec-brainpoolP384r1"
  | "ed25519"
  | `rsa-${number}`;

export type MockHash = "SHA-1" | "SHA-256" | "SHA-384" | "SHA-512";

/** A key pair in memory, for tests alone: its private half is there for the asking. */
export interface MockKey {
  readonly kind: MockKeyKind;
  /** DER of SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** DER of PKCS#8, not encrypted. */
  readonly pkcs8: Uint8Array;
  readonly pem: string;
}

/** How to sign beyond the table of schemes: certificates and documents that must be refused need it. */
export interface MockSignature {
  readonly hash: MockHash;
  /** RSA only. Default: PKCS#1 v1.5; a number is the salt length of PSS in bytes. */
  readonly pssSalt?: number;
}

/** Makes a key pair. RSA takes a moment: 0.1 s for 2048 bits. */
export async function generateMockKey(kind: MockKeyKind = "ec-p256"): Promise<MockKey> {
  const bits = rsaBits(kind);
  const form = bits === undefined ? {} : { modulusLength: bits, publicExponent: Uint8Array.of(1, 0, 1) };
  const pair = await subtle.generateKey({ ...algorithm(kind, { hash: "SHA-256" }), ...form }, true, USAGES);
  if (!("privateKey" in pair)) throw new TypeError(`${kind} makes no key pair`);
  const [publicKey, pkcs8] = await Promise.all([
    subtle.exportKey("spki", pair.publicKey),
    subtle.exportKey("pkcs8", pair.privateKey),
  ]);
  return keyOf(kind, new Uint8Array(publicKey), new Uint8Array(pkcs8));
}

/** Takes a key made elsewhere: PKCS#8, not encrypted, as DER or PEM; RSA or EC on a curve of {@link MockKeyKind}. */
export async function importMockKey(pkcs8: Uint8Array | string): Promise<MockKey> {
  const encoded = typeof pkcs8 === "string" ? readPem(pkcs8)[0]?.der : pkcs8;
  const family = encoded === undefined ? undefined : familyOf(encoded);
  if (encoded === undefined || family === undefined) {
    throw new CredentialError(
      "KEY_UNSUPPORTED",
      "the mock reads keys as PKCS#8, not encrypted: RSA, or EC on a named curve",
    );
  }
  const using = algorithm(family, { hash: "SHA-256" });
  const privateKey = await subtle.importKey("pkcs8", encoded, using, true, ["sign"]);
  const publicHalf = await subtle.exportKey("jwk", privateKey);
  for (const name of ["d", "p", "q", "dp", "dq", "qi", "key_ops"] as const) delete publicHalf[name];
  const publicKey = await subtle.importKey("jwk", publicHalf, using, true, ["verify"]);
  const { modulusLength } = privateKey.algorithm as { modulusLength?: number };
  const kind: MockKeyKind = modulusLength === undefined ? family : `rsa-${modulusLength}`;
  return keyOf(kind, new Uint8Array(await subtle.exportKey("spki", publicKey)), encoded);
}

/** Signs in a scheme of the table; the key fits it. */
export async function signScheme(
  key: MockKey,
  scheme: SignatureScheme,
  message: Uint8Array,
): Promise<Uint8Array> {
  const pss = scheme.saltLength === undefined ? {} : { pssSalt: scheme.saltLength };
  return sign(key, { hash: scheme.hash, ...pss }, message);
}

/** Signs the message: ECDSA as DER, RSA as long as the modulus, Ed25519 in 64 bytes. */
export async function sign(key: MockKey, how: MockSignature, message: Uint8Array): Promise<Uint8Array> {
  const using = algorithm(key.kind, how);
  const privateKey = await subtle.importKey("pkcs8", key.pkcs8, using, false, ["sign"]);
  const signature = new Uint8Array(await subtle.sign(using, privateKey, message));
  return key.kind.startsWith("ec-") ? ecdsaRawToDer(signature) : signature;
}

/** The kind of scheme table key that this is, for schemesForKey(). */
export function schemeKey(kind: MockKeyKind): { keyType: string; curve?: string } {
  if (kind === "ed25519") return { keyType: "ed25519" };
  if (rsaBits(kind) !== undefined) return { keyType: "rsa" };
  const curve = { "ec-p256": "P-256", "ec-p384": "P-384", "ec-p521": "P-521" }[kind as string];
  return { keyType: "ec", curve: curve ?? "none of the table" };
}

export function rsaBits(kind: MockKeyKind): number | undefined {
  const bits = /^rsa-(\d+)$/.exec(kind)?.[1];
  return bits === undefined ? undefined : Number(bits);
}

/** The hash that goes with a key, as CAs choose it. */
export function usualHash(kind: MockKeyKind): MockHash {
  return kind === "ec-p384" ? signatureSchemes.ecdsa_p384_sha384.hash : "SHA-256";
}

const { subtle } = new Crypto();
const USAGES = ["sign", "verify"] as const;
const CURVES: Readonly<Record<string, string>> = {
  "ec-p256": "P-256",
  "ec-p384": "P-384",
  "ec-p521": "P-521",
  "ec-secp256k1": "K-256",
  "ec-brainpoolP256r1": "brainpoolP256r1",
  "ec-brainpoolP384r1": "brainpoolP384r1",
};

/** The family of a PKCS#8 key by its AlgorithmIdentifier: `rsa-0` for RSA of any size. */
function familyOf(pkcs8: Uint8Array): MockKeyKind | undefined {
  const identifier = readDer(pkcs8).children[1];
  if (identifier === undefined) return undefined;
  const written = hex(pkcs8.subarray(identifier.start, identifier.end));
  return FAMILIES.find(([, dotted]) => written.includes(hex(der.oid(dotted))))?.[0];
}

const FAMILIES: readonly (readonly [MockKeyKind, string])[] = [
  ["rsa-0", "1.2.840.113549.1.1.1"],
  ["ec-p256", "1.2.840.10045.3.1.7"],
  ["ec-p384", "1.3.132.0.34"],
  ["ec-p521", "1.3.132.0.35"],
  ["ec-secp256k1", "1.3.132.0.10"],
  ["ec-brainpoolP256r1", "1.3.36.3.3.2.8.1.1.7"],
  ["ec-brainpoolP384r1", "1.3.36.3.3.2.8.1.1.11"],
];

function algorithm(kind: MockKeyKind, { hash, pssSalt }: MockSignature) {
  if (kind === "ed25519") return { name: "EdDSA", namedCurve: "Ed25519" };
  if (rsaBits(kind) === undefined) {
    const namedCurve = CURVES[kind];
    if (namedCurve === undefined) throw new TypeError(`${kind} is no kind of mock key`);
    return { name: "ECDSA", namedCurve, hash };
  }
  if (pssSalt === undefined) return { name: "RSASSA-PKCS1-v1_5", hash };
  return { name: "RSA-PSS", hash, saltLength: pssSalt };
}

function keyOf(kind: MockKeyKind, publicKey: Uint8Array, pkcs8: Uint8Array): MockKey {
  return { kind, publicKey, pkcs8, pem: encodePem("PRIVATE KEY", pkcs8) };
}
