import type { SignatureScheme } from "../schemes.ts";

/**
 * Whether a SubjectPublicKeyInfo (RFC 5280 4.1.2.7) has the one form that DDS uses for keys of the scheme:
 * rsaEncryption, a named curve with an uncompressed point, or Ed25519. Hosts differ in what else they import
 * (explicit curve parameters, compressed points, id-RSASSA-PSS keys), so every provider asks here first.
 * The numbers in the key are left to the host.
 */
export function publicKeyFits(publicKey: Uint8Array, scheme: SignatureScheme): boolean {
  if (scheme.keyType === "rsa") return isRsa(publicKey);
  const form = fixedForms[scheme.curve ?? "Ed25519"];
  return publicKey.length === form.length && startsWith(publicKey, 0, form.prefix);
}

/** SEQUENCE { rsaEncryption with NULL, BIT STRING }, all lengths minimal; RSAPublicKey is left to the host. */
function isRsa(spki: Uint8Array): boolean {
  const outer = header(spki, 0, 0x30);
  if (outer === undefined || outer.end !== spki.length) return false;
  if (!startsWith(spki, outer.start, rsaEncryption)) return false;
  const bits = header(spki, outer.start + rsaEncryption.length, 0x03);
  if (bits === undefined || bits.end !== spki.length || spki[bits.start] !== 0) return false;
  const key = header(spki, bits.start + 1, 0x30);
  if (key === undefined || key.end !== spki.length) return false;
  const modulus = header(spki, key.start, 0x02);
  const exponent = modulus && header(spki, modulus.end, 0x02);
  return exponent !== undefined && exponent.end === spki.length;
}

/** The strict DER header of the element of this tag at a position. */
function header(der: Uint8Array, at: number, tag: number): { start: number; end: number } | undefined {
  const first = der[at + 1];
  if (der[at] !== tag || first === undefined) return undefined;
  const octets = first < 0x80 ? 0 : first & 0x7f;
  if (octets > 2 || first === 0x80) return undefined;
  const length =
    octets === 0 ? first : der.subarray(at + 2, at + 2 + octets).reduce((n, o) => n * 256 + o, 0);
  const minimal = octets === 0 || length >= (octets === 1 ? 0x80 : 0x100);
  const start = at + 2 + octets;
  return minimal && start + length <= der.length ? { start, end: start + length } : undefined;
}

function startsWith(bytes: Uint8Array, at: number, prefix: Uint8Array): boolean {
  return prefix.every((octet, i) => bytes[at + i] === octet);
}

const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** AlgorithmIdentifier { rsaEncryption, NULL } (RFC 3279 2.3.1). */
const rsaEncryption = hex("300d06092a864886f70d0101010500");

/** All but the key bytes of the forms that have a fixed length (RFC 5480 2.1.1, RFC 8410 4). */
const fixedForms = {
  "P-256": { prefix: hex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"), length: 91 },
  "P-384": { prefix: hex("3076301006072a8648ce3d020106052b8104002203620004"), length: 120 },
  "P-521": { prefix: hex("30819b301006072a8648ce3d020106052b810400230381860004"), length: 158 },
  Ed25519: { prefix: hex("302a300506032b6570032100"), length: 44 },
} as const;
