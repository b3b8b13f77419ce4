import { utf8Bytes } from "../host.ts";
import { attributeKeyword } from "./attribute-types.ts";
import type { DistinguishedName, NameAttribute } from "./name.ts";

export interface FormatNameOptions {
  /** Writes what is not ASCII as `\C3\A9`, as OpenSSL's RFC2253 form and with it Cyclone DDS do. Default false. */
  readonly ascii?: boolean;
}

/**
 * The text of a name by RFC 4514: the last RDN first, `CN=alice,O=DDS Test,C=NL`. The attributes of one RDN are
 * written last first too, as OpenSSL does. An attribute type without keyword is written as its OID with the
 * hex of its value. Control characters, and those that turn the direction of text, are escaped: the result
 * can be shown anywhere. The empty name is the empty text.
 */
export function formatName(name: DistinguishedName, options: FormatNameOptions = {}): string {
  if (options.ascii === true) return format(name, true);
  // A certificate may have a name of a mebibyte, and many errors that are about it.
  let text = texts.get(name);
  if (text === undefined) texts.set(name, (text = format(name, false)));
  return text;
}

const texts = new WeakMap<DistinguishedName, string>();

function format(name: DistinguishedName, ascii: boolean): string {
  return name.rdns
    .map((rdn) =>
      rdn
        .map((attribute) => formatAttribute(attribute, ascii))
        .toReversed()
        .join("+"),
    )
    .toReversed()
    .join(",");
}

/** The name for a message: quoted, and shortened where it is very long. */
export function displayName(name: DistinguishedName): string {
  const text = formatName(name);
  if (text === "") return "(empty name)";
  return text.length > MAX_SHOWN ? `"${text.slice(0, MAX_SHOWN)}..."` : `"${text}"`;
}

const MAX_SHOWN = 200;

function formatAttribute(attribute: NameAttribute, ascii: boolean): string {
  const keyword = attributeKeyword(attribute.type);
  const isString = STRING_TAGS.has(attribute.der[0] ?? 0);
  if (keyword === undefined || !isString) return `${keyword ?? attribute.type}=#${hex(attribute.der)}`;
  return `${keyword}=${escapeValue(attribute.value, ascii)}`;
}

// UTF8String, NumericString, PrintableString, TeletexString, IA5String, VisibleString, UniversalString, BMPString
const STRING_TAGS = new Set([0x0c, 0x12, 0x13, 0x14, 0x16, 0x1a, 0x1c, 0x1e]);

/** RFC 4514 2.4. */
function escapeValue(value: string, ascii: boolean): string {
  const escaped = value
    .replace(/["+,;<>\\]/g, "\\$&")
    .replace(/^[ #]/, "\\$&")
    .replace(/(?<!^\\?) $/, "\\ ")
    .replace(UNSHOWABLE, escapeBytes);
  return ascii ? escaped.replace(/[^\0-\x7f]/gu, escapeBytes) : escaped;
}

// Controls, line separators, direction marks.
const UNSHOWABLE = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

function escapeBytes(character: string): string {
  return Array.from(utf8Bytes(character), (octet) => `\\${hex([octet])}`).join("");
}

function hex(octets: Iterable<number>): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0").toUpperCase()).join("");
}
