/**
 * The scheme of any URI text, lower case and without the colon (RFC 3986 3.1); undefined for a bare path.
 * Blanks and tabs before it are skipped, as Cyclone DDS does, so that the text reaches the parser of its
 * scheme, which says what it thinks of them.
 */
export function uriScheme(text: string): string | undefined {
  return SCHEME.exec(text)?.[1]?.toLowerCase();
}

const SCHEME = /^[ \t]*([a-z][a-z0-9+.-]*):/i;
