/** Colours and width of an output stream; plain text where it is no terminal or NO_COLOR is set. */
export interface Style {
  readonly width: number;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly bold: (text: string) => string;
}

export function styleOf(stream: NodeJS.WriteStream): Style {
  const colours = stream.isTTY && (process.env["NO_COLOR"] ?? "") === "" && process.env["TERM"] !== "dumb";
  const paint = (code: number) => (text: string) => (colours ? `\u001B[${code}m${text}\u001B[0m` : text);
  return {
    width: Math.min(Math.max((stream.columns ?? Number(process.env["COLUMNS"])) || 80, 40), 120),
    good: paint(32),
    bad: paint(31),
    warn: paint(33),
    faint: paint(2),
    bold: paint(1),
  };
}

/**
 * Breaks a text at blanks so that no line is wider, and indents every line. A long word stays whole, and so does what
 * stands in backticks: a command that is pasted is one line.
 */
export function wrap(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of printable(text).match(/(?:`[^`]*`|[^ ])+/g) ?? []) {
    if (line !== "" && line.length + 1 + word.length > width - indent.length) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((part) => indent + part).join("\n");
}

/** Labels and names come from tokens and files: what a terminal would obey must not reach it. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => (character === "\n" ? " " : escaped(character)));
}

/** Control characters, line separators and bidirectional marks. */
export const UNSAFE = /[\p{Cc}\u061C\u200E\u200F\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu;

/** A character as JavaScript and JSON write it. */
export function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** The same, cut: a token may hold a label of any length. */
export function brief(text: string, length: number): string {
  return printable(text.length > length ? `${text.slice(0, length)}\u2026` : text);
}

/** Characters of a label or name that are shown, and of a URI; JSON output has all of them. */
export const LABEL = 200;
export const URI = 1_000;
