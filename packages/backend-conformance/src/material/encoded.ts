import { readPem } from "@ddscred/core";

/** One object in both encodings. */
export interface Encoded {
  readonly pem: string;
  readonly der: Uint8Array;
}

/** The encodings of a text that holds exactly one PEM block. */
export function encoded(pem: string): Encoded {
  return { pem, der: readPem(pem)[0]?.der ?? new Uint8Array() };
}

/** Bytes of a text whose characters are all below U+0100. */
export function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
