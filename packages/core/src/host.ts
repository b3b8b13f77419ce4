/**
 * The few things that core uses of its host and that the language itself does not have. Browsers, Node.js,
 * Deno and Bun all have them; core sees no other part of a host, and no types package.
 */

interface HostTextDecoder {
  decode(bytes: Uint8Array): string;
}

declare const TextEncoder: new () => { encode(text: string): Uint8Array };
declare const TextDecoder: new (
  label: string,
  options: { fatal: boolean; ignoreBOM: boolean },
) => HostTextDecoder;

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LONE_SURROGATE = /[\ud800-\udfff]/u;
const lossyDecoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/** UTF-8 bytes of a text. */
export function utf8Bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The text of UTF-8 bytes, or undefined where they are not UTF-8. A byte order mark stays. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The text of bytes for showing it: what is not UTF-8 becomes U+FFFD. */
export function displayText(bytes: Uint8Array): string {
  return lossyDecoder.decode(bytes);
}

/** Whether UTF-8 can write the text: no half of a surrogate pair is in it. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

/** What any AbortSignal offers, structurally; the host's own fits. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}
