import { CredentialError, type SourceLocation, utf8Text } from "@ddscred/core";

/**
 * The text of an XML entity (XML 1.0 4.3.3): UTF-8, or ISO-8859-1 and US-ASCII where the declaration says so.
 * A byte order mark is removed. UTF-16 is refused: no DDS implementation reads it, and S/MIME text does not
 * carry it.
 *
 * @throws CredentialError XML_INVALID
 */
export function decodeXml(bytes: Uint8Array, start: SourceLocation): string {
  const utf16 = (bytes[0] === 0xfe && bytes[1] === 0xff) || (bytes[0] === 0xff && bytes[1] === 0xfe);
  if (utf16 || bytes[0] === 0 || (bytes[0] === LESS_THAN && bytes[1] === 0)) {
    throw refused("the XML is written in UTF-16 or UTF-32", start);
  }
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return utf8(bytes.subarray(3), start);
  const encoding = declaredEncoding(bytes);
  switch (encoding) {
    case "utf-8":
    case "utf8":
      return utf8(bytes, start);
    case "us-ascii":
    case "ascii":
      if (bytes.some((byte) => byte > 0x7f)) {
        throw refused("the XML declares US-ASCII and has bytes beyond it", start);
      }
      return latin1(bytes);
    case "iso-8859-1":
    case "latin1":
      return latin1(bytes);
    default:
      throw refused(`the XML declares the encoding ${encoding}, which is not read here`, start);
  }
}

function utf8(bytes: Uint8Array, start: SourceLocation): string {
  const text = utf8Text(bytes);
  if (text === undefined) throw refused("the XML is not valid UTF-8", start);
  return text;
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  return text;
}

function declaredEncoding(bytes: Uint8Array): string {
  const head = latin1(bytes.subarray(0, DECLARATION_LIMIT));
  return ENCODING.exec(head)?.[1]?.toLowerCase() ?? "utf-8";
}

const refused = (message: string, location: SourceLocation): CredentialError =>
  new CredentialError("XML_INVALID", message, { hint: "Save the XML as UTF-8.", location });

const LESS_THAN = 0x3c;
const CHUNK = 8192;
const DECLARATION_LIMIT = 256;
const ENCODING = /^<\?xml\s[^>]{0,120}?encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]{0,40})["']/;
