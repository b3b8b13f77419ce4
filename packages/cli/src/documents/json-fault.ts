/**
 * Where a text ceases to be JSON (RFC 8259), for the messages of Node.js quote the text, secrets and all, and do not
 * always tell the place.
 *
 * @returns line and column, counted from one
 */
export function jsonFault(text: string): { readonly line: number; readonly column: number } {
  const before = text.slice(0, faultIn(text));
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: Array.from(before.slice(lineStart)).length + 1 };
}

/** What may come next. */
type Expected = "value" | "value or ]" | "name" | "name or }" | ":" | ", or end" | "nothing";

function faultIn(text: string): number {
  const open: string[] = [];
  let expected: Expected = "value";
  let end = 0;
  for (;;) {
    BLANK.lastIndex = end;
    BLANK.exec(text);
    const start = BLANK.lastIndex;
    TOKEN.lastIndex = start;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) return start;
    const next = after(token, expected, open);
    if (next === undefined) return start;
    expected = next;
    end = TOKEN.lastIndex;
  }
}

/** What may follow a token; undefined where it may not stand. */
function after(token: string, expected: Expected, open: string[]): Expected | undefined {
  const isName = expected === "name" || expected === "name or }";
  const isValue = expected === "value" || expected === "value or ]";
  if (token === ":") return expected === ":" ? "value" : undefined;
  if (token === ",") {
    if (expected !== ", or end") return undefined;
    return open.at(-1) === "{" ? "name" : "value";
  }
  if (token === "}" || token === "]") {
    const mayEnd = expected === ", or end" || expected.endsWith(token);
    if (!mayEnd || open.pop() !== (token === "}" ? "{" : "[")) return undefined;
  } else if (isName) {
    return token.startsWith('"') ? ":" : undefined;
  } else if (!isValue) {
    return undefined;
  } else if (token === "{" || token === "[") {
    open.push(token);
    return token === "{" ? "name or }" : "value or ]";
  }
  return open.length === 0 ? "nothing" : ", or end";
}

const BLANK = /[ \t\r\n]*/y;
const TOKEN =
  /[[\]{},:]|"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
