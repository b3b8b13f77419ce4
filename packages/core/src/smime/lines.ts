/**
 * Lines of a text as S/MIME canonicalises it (RFC 8551 3.1.1): a line ends with LF, and the CRs before it
 * belong to its end. All positions are offsets into the bytes.
 */
export interface Line {
  readonly start: number;
  /** Behind the last octet of the line, without its CRs and LF. */
  readonly end: number;
  /** Start of the line after it; the end of the text where there is none. */
  readonly next: number;
}

/** The line that starts at a position; its next line may lie behind the text's end. */
export function lineAt(bytes: Uint8Array, start: number): Line {
  const lineFeed = bytes.indexOf(0x0a, start);
  let end = lineFeed < 0 ? bytes.length : lineFeed;
  while (end > start && bytes[end - 1] === 0x0d) end -= 1;
  return { start, end, next: lineFeed < 0 ? bytes.length : lineFeed + 1 };
}

/**
 * The canonical form that is signed: each line without its trailing CRs and LF, CRLF between them. Blanks at
 * the ends of lines stay. The end of the last line is not content: it belongs to the boundary behind it.
 */
export function canonicalLines(part: Uint8Array): Uint8Array {
  const canonical = new Uint8Array(part.length + part.reduce((n, octet) => (octet === 0x0a ? n + 1 : n), 0));
  let length = 0;
  for (let at = 0; at < part.length; ) {
    const line = lineAt(part, at);
    if (at > 0) {
      canonical.set([0x0d, 0x0a], length);
      length += 2;
    }
    canonical.set(part.subarray(line.start, line.end), length);
    length += line.end - line.start;
    at = line.next;
  }
  return canonical.subarray(0, length);
}
