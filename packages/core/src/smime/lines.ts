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
  let lineFeeds = 0;
  for (const octet of part) if (octet === LF) lineFeeds += 1;
  const canonical = new Uint8Array(part.length + lineFeeds);
  let length = 0;
  /** CRs that may belong to a line end; known at the octet after them. */
  let held = 0;
  for (let at = 0; at < part.length; at += 1) {
    const octet = part[at] ?? 0;
    if (octet === CR) {
      held += 1;
    } else if (octet === LF) {
      held = 0;
      if (at === part.length - 1) break;
      canonical[length] = CR;
      canonical[length + 1] = LF;
      length += 2;
    } else {
      for (; held > 0; held -= 1) {
        canonical[length] = CR;
        length += 1;
      }
      canonical[length] = octet;
      length += 1;
    }
  }
  return canonical.subarray(0, length);
}

const CR = 0x0d;
const LF = 0x0a;
