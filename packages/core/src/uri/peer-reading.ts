/** How another implementation reads a text; stated only where it differs from the standard's reading. */
export interface PeerReading {
  readonly peer: "cyclonedds" | "fastdds";
  /** Whether the peer takes the text at all. */
  readonly accepted: boolean;
  /** What the peer makes of it, as the end of the sentence "the peer reads it as ...". Never holds content of data:. */
  readonly reads: string;
}

/** Cyclone DDS skips blanks and tabs, and only those, before the prefix. */
export function skipBlanks(text: string): number {
  let start = 0;
  while (text[start] === " " || text[start] === "\t") start++;
  return start;
}
