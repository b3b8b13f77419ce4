import { CredentialError, looksLikePin, redactUri, Secret } from "@ddscred/core";

/** No PIN has more bytes. */
export const MAX_PIN = 4096;

/** The name of a source in a message; nothing of it where it may be the PIN, in the wrong place. */
export const shownName = (name: string): string => (looksLikePin(name) ? "[redacted]" : redactUri(name));

/**
 * The PIN in the bytes of a source. One newline at the end is not part of it. `PIN_SOURCE_UNREADABLE`.
 *
 * @param place the source, as it is called in errors
 */
export function pinOfBytes(bytes: Uint8Array, place: string): Secret {
  if (bytes.length > MAX_PIN) {
    throw unreadable(`${place} holds more than a PIN can be (${MAX_PIN} bytes)`);
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return new Secret(text.replace(/\r?\n$/, ""));
  } catch {
    throw unreadable(`${place} holds no UTF-8 text`);
  }
}

/** The PIN in the first line of what a source wrote. */
export function pinOfFirstLine(bytes: Uint8Array, place: string): Secret {
  const newline = bytes.indexOf(NEWLINE);
  return pinOfBytes(newline < 0 ? bytes : bytes.subarray(0, newline + 1), place);
}

export function unreadable(message: string, hint?: string): CredentialError {
  return new CredentialError("PIN_SOURCE_UNREADABLE", message, hint === undefined ? {} : { hint });
}

/** In the words of an error of Node.js: its code alone, because its message may hold what was read. */
export function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === "string" ? code : "unknown";
}

export const NEWLINE = 0x0a;
