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

function headOf(text: string | Uint8Array): string {
  const head =
    typeof text === "string" ? text.slice(0, HEAD) : String.fromCharCode(...text.subarray(0, HEAD));
  return head.replace(/^(?:\uFEFF|\u00EF\u00BB\u00BF)/, "").trimStart();
}

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
