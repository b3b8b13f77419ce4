/** A line as OpenSSL's reader of configurations sees it: continued lines joined, comments gone. */
export interface ConfigLine {
  readonly text: string;
  /** Of its first part in the file, from 1. */
  readonly line: number;
}

/** The lines that say something (config(5)). A backslash at the end continues a line, two of them do not. */
export function* configLines(text: string): Generator<ConfigLine> {
  let parts: string[] = [];
  let first = 1;
  let number = 0;
  for (const raw of text.replace(/^\uFEFF/, "").split("\n")) {
    number++;
    if (parts.length === 0) first = number;
    const end = raw.indexOf("\0");
    const part = (end < 0 ? raw : raw.slice(0, end)).replace(/\r{1,64}$/, "");
    const isContinued = part.endsWith("\\") && !part.endsWith("\\\\");
    parts.push(isContinued ? part.slice(0, -1) : part);
    if (isContinued) continue;
    yield* cleared(parts.join(""), first);
    parts = [];
  }
  yield* cleared(parts.join(""), first);
}

function* cleared(joined: string, line: number): Generator<ConfigLine> {
  const text = withoutComment(joined).replace(/^[ \t\r\n]+/, "");
  if (text !== "") yield { text, line };
}

/** A # begins a comment unless it is quoted or escaped. */
function withoutComment(text: string): string {
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "\\") at++;
    else if (quote !== "") quote = character === quote ? "" : quote;
    else if (isQuote(character)) quote = character;
    else if (character === "#") return text.slice(0, at);
  }
  return text;
}

export const isQuote = (character: string): boolean =>
  character === '"' || character === "'" || character === "`";
