import { redactUri } from "@ddscred/core";

/**
 * A path as it may stand in a message: what was pasted in place of a path, a key or a URI with a PIN, is
 * redacted; control characters, which a terminal would obey, are escaped; the middle of a long one is left out.
 */
export function shown(path: string): string {
  const redacted = redactUri(`${SCHEME}${path}`);
  const text = redacted.startsWith(SCHEME) ? redacted.slice(SCHEME.length) : redacted;
  const short = text.length > 300 ? `${text.slice(0, 140)}\u2026${text.slice(-140)}` : text;
  return short.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}

/** The file: URI of an absolute path, as `parseFileUri` reads it back. */
export function fileUri(path: string): string {
  return `${SCHEME}${path.replace(/[%\p{Cc}]/gu, encodeURIComponent)}`;
}

const SCHEME = "file:";
