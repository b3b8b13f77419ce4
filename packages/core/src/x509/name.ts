import { type DerContext, DerFields, malformed } from "../der/fields.ts";
import { type DerNode, DerTag, derContent, derElement } from "../der/node.ts";
import { readDer } from "../der/read.ts";
import { derOid } from "../der/values.ts";
import { hexOf } from "../hex.ts";
import { isWellFormed, utf8Text } from "../host.ts";

/** A distinguished name (RFC 5280 4.1.2.4): RDNs in encoded order, most significant first. */
export interface DistinguishedName {
  /** DER of the Name, as received. */
  readonly der: Uint8Array;
  readonly rdns: readonly (readonly NameAttribute[])[];
}

export interface NameAttribute {
  /** Dotted OID, such as 2.5.4.3. */
  readonly type: string;
  /** Text of a string value; for other types `#` and the hex of its DER (RFC 4514 2.4). */
  readonly value: string;
  /** DER of the value. */
  readonly der: Uint8Array;
}

/**
 * Decodes a Name.
 *
 * @param der DER of the Name
 * @throws CredentialError `DER_INVALID`, or `CERTIFICATE_INVALID` for DER that is no Name
 */
export function parseName(der: Uint8Array): DistinguishedName {
  const bytes = new Uint8Array(der);
  return decodeName(bytes, readDer(bytes), { code: "CERTIFICATE_INVALID", what: "the distinguished name" });
}

/** A Name inside a larger structure; `bytes` must not change any more. */
export function decodeName(bytes: Uint8Array, node: DerNode, context: DerContext): DistinguishedName {
  if (node.identifier !== DerTag.SEQUENCE) throw malformed(context, node, "a Name is a SEQUENCE");
  const rdns = node.children.map((rdn) => {
    if (rdn.identifier !== DerTag.SET) {
      throw malformed(context, rdn, "a RelativeDistinguishedName is a SET with elements");
    }
    return decodeRdn(bytes, rdn, context);
  });
  return { der: derElement(bytes, node), rdns };
}

/** The attributes of an RDN, whatever its tag. */
export function decodeRdn(bytes: Uint8Array, rdn: DerNode, context: DerContext): readonly NameAttribute[] {
  if (rdn.children.length === 0) {
    throw malformed(context, rdn, "a RelativeDistinguishedName is a SET with elements");
  }
  return rdn.children.map((attribute) => decodeAttribute(bytes, attribute, context));
}

/** The text of a string type of X.680, or undefined for other types. Code points that a type lacks are errors. */
export function decodeString(bytes: Uint8Array, node: DerNode, context: DerContext): string | undefined {
  const decode = STRINGS.get(node.identifier);
  if (decode === undefined) return undefined;
  const text = decode(derContent(bytes, node));
  if (text === undefined) throw malformed(context, node, "the characters of a string are not valid");
  return text;
}

/** Whether the value of an attribute is of a string type, so that its text can be compared. */
export function isString({ der }: NameAttribute): boolean {
  return STRINGS.has(der[0] ?? 0);
}

function decodeAttribute(bytes: Uint8Array, node: DerNode, context: DerContext): NameAttribute {
  const fields = new DerFields(node, context);
  const type = derOid(bytes, fields.required("the type of an attribute", DerTag.OBJECT_IDENTIFIER));
  const value = fields.required("the value of an attribute");
  fields.end();
  const der = derElement(bytes, value);
  return { type, value: decodeString(bytes, value, context) ?? hexValue(der), der };
}

/** The form of a value that is no string: RFC 4514 2.4. */
function hexValue(der: Uint8Array): string {
  return `#${hexOf(der).toUpperCase()}`;
}

/** Octets as they stand. TeletexString is read so too, as all software does; PrintableString is not policed. */
function latin1(content: Uint8Array): string {
  return Array.from(content, (octet) => String.fromCharCode(octet)).join("");
}

function ascii(content: Uint8Array): string | undefined {
  return content.every((octet) => octet < 0x80) ? latin1(content) : undefined;
}

function bmp(content: Uint8Array): string | undefined {
  if (content.length % 2 !== 0) return undefined;
  const text = Array.from({ length: content.length / 2 }, (_, i) =>
    String.fromCharCode(((content[2 * i] ?? 0) << 8) | (content[2 * i + 1] ?? 0)),
  ).join("");
  return isWellFormed(text) ? text : undefined;
}

function universal(content: Uint8Array): string | undefined {
  if (content.length % 4 !== 0) return undefined;
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const points = Array.from({ length: content.length / 4 }, (_, i) => view.getUint32(4 * i));
  if (points.some((point) => point > 0x10ffff || (point >= 0xd800 && point < 0xe000))) return undefined;
  return points.map((point) => String.fromCodePoint(point)).join("");
}

const STRINGS: ReadonlyMap<number, (content: Uint8Array) => string | undefined> = new Map([
  [DerTag.UTF8_STRING, utf8Text],
  [DerTag.PRINTABLE_STRING, ascii],
  [DerTag.NUMERIC_STRING, ascii],
  [DerTag.VISIBLE_STRING, ascii],
  [DerTag.IA5_STRING, ascii],
  [DerTag.TELETEX_STRING, latin1],
  [DerTag.BMP_STRING, bmp],
  [DerTag.UNIVERSAL_STRING, universal],
]);
