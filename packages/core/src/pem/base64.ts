/**
 * Base64 of RFC 4648 section 4: the plain alphabet, padded. Blanks and line ends between the characters are
 * skipped; anything else, a missing padding, and bits that the padding should leave zero are not accepted.
 *
 * @returns the bytes, or undefined where the text is not base64
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.ceil((text.length * 3) / 4));
  let [length, bits, count, padding] = [0, 0, 0, 0];
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d) continue;
    if (code === PAD) {
      padding += 1;
      continue;
    }
    const digit = DIGITS[code];
    if (digit === undefined || digit < 0 || padding > 0) return undefined;
    bits = ((bits << 6) | digit) & 0xffffff;
    count += 1;
    if (count % 4 === 0) {
      bytes[length] = bits >> 16;
      bytes[length + 1] = bits >> 8;
      bytes[length + 2] = bits;
      length += 3;
    }
  }
  const rest = count % 4;
  if (rest === 0) return padding === 0 ? bytes.slice(0, length) : undefined;
  if (rest === 1 || rest + padding !== 4) return undefined;
  const spare = rest === 2 ? 4 : 2;
  if ((bits & ((1 << spare) - 1)) !== 0) return undefined;
  bits >>= spare;
  if (rest === 2) bytes[length] = bits;
  else {
    bytes[length] = bits >> 8;
    bytes[length + 1] = bits;
  }
  return bytes.slice(0, length + rest - 1);
}

/** Base64 of RFC 4648 section 4, padded, in one line. */
export function encodeBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const bits = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const character = (shift: number) => ALPHABET.charAt((bits >> shift) & 0x3f);
    parts.push(
      character(18) + character(12) + (left > 1 ? character(6) : "=") + (left > 2 ? character(0) : "="),
    );
  }
  return parts.join("");
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PAD = 0x3d;
const DIGITS = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i += 1) DIGITS[ALPHABET.charCodeAt(i)] = i;
