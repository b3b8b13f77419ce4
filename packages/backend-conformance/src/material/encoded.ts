/** One object in both encodings. */
export interface Encoded {
  readonly pem: string;
  readonly der: Uint8Array;
}

/** The encodings of a text that holds exactly one PEM block. */
export function encoded(pem: string): Encoded {
  return { pem, der: base64Bytes(pem.replace(/-----[^-]+-----|\s/g, "")) };
}

/** Bytes of a text whose characters are all below U+0100. */
export function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function base64Bytes(text: string): Uint8Array {
  const digits = text.replace(/=+$/, "");
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let length = 0;
  for (const digit of digits) {
    held = ((held << 6) | ALPHABET.indexOf(digit)) & 0xfff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[length++] = (held >> bits) & 0xff;
  }
  return bytes;
}
