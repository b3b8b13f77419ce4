import type { SourceLocation } from "@ddscred/core";

/** One element of a document that was read by {@link readXml}. */
export interface XmlElement {
  /** As written: a prefix is part of it. */
  readonly name: string;
  /** Of its `<`. */
  readonly location: SourceLocation;
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlElement[];
  /** Its own character data without that of its children, references resolved, blanks at both ends removed. */
  readonly text: string;
  /** The same with the blanks: not every reader removes them. */
  readonly untrimmed: string;
  /** Of the text's first character; where there is no text, the place right after the start tag. */
  readonly textLocation: SourceLocation;
}

export interface XmlAttribute {
  readonly name: string;
  /** References resolved, blanks at both ends removed. */
  readonly value: string;
  /** Of the value's first character. */
  readonly location: SourceLocation;
}

/** Blanks of XML (XML 1.0 2.3) at both ends removed: no other character counts. */
export const trimXml = (text: string): string => text.slice(firstInk(text, 0), lastInk(text));

/** Offset of the first character from `start` on that is no blank. */
export function firstInk(text: string, start: number): number {
  let at = start;
  while (at < text.length && isBlank(text.charCodeAt(at))) at++;
  return at;
}

function lastInk(text: string): number {
  let end = text.length;
  while (end > 0 && isBlank(text.charCodeAt(end - 1))) end--;
  return end;
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
