import { type DerNode, DerTag } from "../der/node.ts";
import { readDer } from "../der/read.ts";
import { derOid, derSmallInteger } from "../der/values.ts";

export type DerShape = "certificate" | "crl" | "request" | "pkcs12" | "pkcs7" | "privateKey" | "publicKey";

/** What kind of file DER bytes look like, by their outer structure alone; undefined if like none. */
export function derShape(bytes: Uint8Array): DerShape | undefined {
  if (bytes[0] !== DerTag.SEQUENCE) return undefined;
  const node = readLeniently(bytes);
  if (node === undefined) return looksLikeBerPkcs12(bytes) ? "pkcs12" : undefined;
  const [first, second, third] = node.children;
  if (first === undefined) return undefined;
  if (first.identifier === DerTag.OBJECT_IDENTIFIER) {
    return derOid(bytes, first).startsWith("1.2.840.113549.1.7.") ? "pkcs7" : undefined;
  }
  if (first.identifier === DerTag.INTEGER) return numbered(bytes, first, second, third);
  if (first.identifier !== DerTag.SEQUENCE) return undefined;
  if (second?.identifier === DerTag.BIT_STRING) return "publicKey";
  if (second?.identifier === DerTag.OCTET_STRING) return "privateKey";
  return third?.identifier === DerTag.BIT_STRING ? signed(bytes, first) : undefined;
}

/** SEQUENCE { to be signed, algorithm, signature }. */
function signed(bytes: Uint8Array, tbs: DerNode): DerShape | undefined {
  const kinds = tbs.children.map((child) => child.identifier);
  const start = kinds.findIndex((kind) => kind !== 0xa0 && kind !== DerTag.INTEGER);
  const [a, b, c] = tbs.children.slice(start);
  const isTime = (node: DerNode | undefined) =>
    node?.identifier === DerTag.UTC_TIME || node?.identifier === DerTag.GENERALIZED_TIME;
  if (isTime(c)) return "crl";
  const version = tbs.children[0];
  if (version?.identifier === DerTag.INTEGER && derSmallInteger(bytes, version) === 0) {
    // CertificationRequestInfo: version, subject, subjectPKInfo
    if (b?.children[1]?.identifier === DerTag.BIT_STRING) return "request";
  }
  return a !== undefined && b !== undefined && isTime(c?.children[0]) ? "certificate" : undefined;
}

/** SEQUENCE { version, ... }: PKCS#12, PKCS#8, PKCS#1, SEC 1. */
function numbered(
  bytes: Uint8Array,
  first: DerNode,
  second: DerNode | undefined,
  third: DerNode | undefined,
): DerShape | undefined {
  const version = derSmallInteger(bytes, first);
  if (version === 3 && second?.children[0]?.identifier === DerTag.OBJECT_IDENTIFIER) return "pkcs12";
  if (version !== 0 && version !== 1) return undefined;
  const key =
    second?.identifier === DerTag.OCTET_STRING ||
    third?.identifier === DerTag.OCTET_STRING ||
    (second?.identifier === DerTag.INTEGER && third?.identifier === DerTag.INTEGER);
  return key ? "privateKey" : undefined;
}

function readLeniently(bytes: Uint8Array): DerNode | undefined {
  try {
    return readDer(bytes, { maxSize: 16 * 1024 * 1024, maxElements: 200_000 });
  } catch {
    return undefined;
  }
}

/** PKCS#12 is BER in many files: SEQUENCE of any length form, INTEGER 3. */
function looksLikeBerPkcs12(bytes: Uint8Array): boolean {
  const length = bytes[1] ?? 0;
  const at = 2 + (length > 0x80 ? length & 0x7f : 0);
  return bytes[at] === 0x02 && bytes[at + 1] === 1 && bytes[at + 2] === 3;
}
