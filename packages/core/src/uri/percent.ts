import { utf8Bytes } from "../host.ts";

/** Offset of the first "%" that two hexadecimal digits do not follow (RFC 3986 2.1), or -1. */
export function brokenEscape(text: string): number {
  return text.search(/%(?![0-9a-f]{2})/i);
}

/** The bytes of a text whose escapes are sound; what is not escaped counts as UTF-8. */
export function percentDecode(text: string): Uint8Array {
  const bytes = utf8Bytes(text);
  let length = 0;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] ?? 0;
    if (byte === PERCENT) {
      bytes[length++] = hexDigit(bytes[index + 1]) * 16 + hexDigit(bytes[index + 2]);
      index += 2;
    } else bytes[length++] = byte;
  }
  return bytes.slice(0, length);
}

/** Text for a URI: bytes that `keep` matches as ASCII characters stay, all others become %XX in upper case. */
export function percentEncode(bytes: Uint8Array, keep: RegExp): string {
  return Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte);
    return keep.test(character) ? character : percentByte(byte);
  }).join("");
}

/** One byte as %XX. */
export function percentByte(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

const PERCENT = 0x25;

function hexDigit(code: number | undefined): number {
  return Number.parseInt(String.fromCharCode(code ?? 0), 16);
}
