import { type DerNode, DerTag, derElement } from "../der/node.ts";
import { readDer } from "../der/read.ts";
import { derBitLength, derBitStringOctets, sameBytes } from "../der/values.ts";
import type { SignatureScheme } from "../schemes.ts";

/**
 * Whether a SubjectPublicKeyInfo (RFC 5280 4.1.2.7) has the one form that DDS uses for keys of the scheme:
 * rsaEncryption, a named curve with an uncompressed point, or Ed25519. Hosts differ in what else they import
 * (explicit curve parameters, compressed points, id-RSASSA-PSS keys), so every provider asks here first.
 * The numbers in the key are left to the host.
 */
export function publicKeyFits(publicKey: Uint8Array, scheme: SignatureScheme): boolean {
  if (scheme.keyType === "rsa") return isRsa(publicKey);
  const { prefix, length } = fixedForms[scheme.curve ?? "Ed25519"];
  return publicKey.length === length && sameBytes(publicKey.subarray(0, prefix.length), prefix);
}

/** The root of strict DER within a few elements; undefined where the bytes are anything else. */
export function strictDer(bytes: Uint8Array): DerNode | undefined {
  try {
    return readDer(bytes, { maxDepth: 3, maxElements: 6, maxSize: 65_536 });
  } catch {
    return undefined;
  }
}

/** SEQUENCE { AlgorithmIdentifier, BIT STRING of RSAPublicKey ::= SEQUENCE { INTEGER, INTEGER } }. */
function isRsa(spki: Uint8Array): boolean {
  const [algorithm, bits, ...rest] = strictDer(spki)?.children ?? [];
  if (!algorithm || !bits || rest.length > 0) return false;
  if (!sameBytes(derElement(spki, algorithm), rsaEncryption) || bits.identifier !== DerTag.BIT_STRING)
    return false;
  const octets = derBitStringOctets(spki, bits);
  if (octets === undefined) return false;
  const key = strictDer(octets);
  if (key?.identifier !== DerTag.SEQUENCE || key.children.length !== 2) return false;
  return key.children.every((n) => n.identifier === DerTag.INTEGER && derBitLength(octets, n) !== undefined);
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
