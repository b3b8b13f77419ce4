import { schemeLength } from "./scan.ts";

/** A URI found in running text. */
export interface ExtractedUri {
  /** Without the white space that wrapping put into it. It may still break the grammar: parse it. */
  readonly uri: string;
  /** Offset of its first character in the text. */
  readonly position: number;
}

/**
 * The PKCS#11 URIs of running text, by RFC 3986 appendix C: each between "<" and ">" or between double quotes, and
 * perhaps wrapped over several lines. What is not delimited so is not found, since nothing says where it ends.
 */
export function extractPkcs11Uris(text: string): readonly ExtractedUri[] {
  if (typeof text !== "string") throw new TypeError("the text is a string");
  return Array.from(text.matchAll(DELIMITED), (match) => {
    const inside = match[1] ?? match[2] ?? "";
    const blanks = inside.length - inside.trimStart().length;
    return { uri: inside.replace(/\s+/g, ""), position: match.index + 1 + blanks };
  }).filter(({ uri }) => schemeLength(uri) !== undefined);
}

const DELIMITED = /<([^<>"]*)>|"([^<>"]*)"/g;
