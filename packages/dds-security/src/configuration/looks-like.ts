import type { XmlElement } from "../xml/element.ts";

/** What a text that is no XML seems to be, for an error that helps; undefined where it may be XML. */
export function whatText(text: string | Uint8Array): string | undefined {
  const head = headOf(text);
  if (head === "") return "an empty text";
  if (head.startsWith("<") || NOT_UTF8.test(head)) return undefined;
  return TEXTS.find(([pattern]) => pattern.test(head))?.[1] ?? "a text that does not begin with <";
}

/** What a document with this root element is. */
export function whatElement(root: XmlElement): string {
  const children = new Set(root.children.map((child) => child.name));
  if (root.name === "dds" && children.has("domain_access_rules")) return "a governance document";
  if (root.name === "dds" && children.has("permissions")) return "a permissions document";
  if (root.name === "profiles" || (root.name === "dds" && children.has("profiles"))) {
    return "a Fast DDS profile";
  }
  if (root.name === "policy") return "an SROS 2 policy";
  return `XML with the root element ${root.name.slice(0, 64)}`;
}

/** The first characters behind a byte order mark and blanks, of which there may be any number. */
function headOf(text: string | Uint8Array): string {
  const unitAt = (at: number) => (typeof text === "string" ? text.charCodeAt(at) : text[at]);
  let start = MARKS.find((mark) => mark.every((unit, index) => unit === unitAt(index)))?.length ?? 0;
  while (BLANKS.has(unitAt(start) ?? Number.NaN)) start++;
  return typeof text === "string"
    ? text.slice(start, start + HEAD)
    : String.fromCharCode(...text.subarray(start, start + HEAD));
}

const MARKS = [[0xfeff], [0xef, 0xbb, 0xbf]];
const BLANKS = new Set([0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d]);

const HEAD = 512;
/** UTF-16 and UTF-32 begin so: the XML reader says what to do. */
const NOT_UTF8 = /^(?:\u00FF\u00FE|\u00FE\u00FF|\0)/;

const TEXTS: readonly (readonly [RegExp, string])[] = [
  [/^(?:MIME-Version|Content-Type):/i, "an S/MIME document"],
  [/^-----BEGIN /, "PEM"],
  [/^0[\x80-\x84]/, "DER"],
  [/^(?:pkcs11|file|data):/i, "a URI"],
  [/^openssl_conf\b|^\[[\w ]+\]/, "a configuration of OpenSSL"],
  [/^\{/, "JSON"],
];
