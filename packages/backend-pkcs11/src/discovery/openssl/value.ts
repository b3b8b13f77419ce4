import { isQuote } from "./lines.ts";

/** Looks a variable up; undefined where it has no value. */
export type Lookup = (section: string | undefined, name: string) => string | undefined;

/** What a configuration breaks. It names no value: a configuration may hold PINs. */
export class ConfigSyntaxError extends Error {}

/**
 * A value as OpenSSL reads it (config(5)): quotes and escapes taken out, `$name`, `${name}`, `$(name)` and
 * `${section::name}` replaced. {@link ConfigSyntaxError}
 *
 * @param section where names without a section are looked up
 */
export function expandValue(text: string, section: string | undefined, lookup: Lookup): string {
  const parts: string[] = [];
  let length = 0;
  let at = 0;
  while (at < text.length) {
    const [part, next] = nextPart(text, at, section, lookup);
    length += part.length;
    if (length > MAX_VALUE) throw new ConfigSyntaxError(`a value is longer than ${MAX_VALUE} characters`);
    parts.push(part);
    at = next;
  }
  return parts.join("");
}

function nextPart(
  text: string,
  at: number,
  section: string | undefined,
  lookup: Lookup,
): readonly [part: string, next: number] {
  const character = text.charAt(at);
  if (isQuote(character)) return quoted(text, at + 1, character);
  if (character === "\\") return [escapes[text.charAt(at + 1)] ?? text.charAt(at + 1), at + 2];
  if (character === "$") return variable(text, at, section, lookup);
  plain.lastIndex = at;
  const [run = character] = plain.exec(text) ?? [];
  return [run, at + run.length];
}

/** To the quote that ends it, or to the end. */
function quoted(text: string, from: number, quote: string): readonly [string, number] {
  const parts: string[] = [];
  let at = from;
  for (; at < text.length && text.charAt(at) !== quote; at++) {
    if (text.charAt(at) === "\\") at++;
    parts.push(text.charAt(at));
  }
  return [parts.join(""), at + 1];
}

function variable(
  text: string,
  at: number,
  section: string | undefined,
  lookup: Lookup,
): readonly [string, number] {
  reference.lastIndex = at;
  const [whole = "", open = "", before = "", after] = reference.exec(text) ?? [];
  const close = open === "" ? "" : { "{": "}", "(": ")" }[open];
  const end = at + whole.length;
  if (close !== "" && text.charAt(end) !== close) throw new ConfigSyntaxError("a $ has no closing brace");
  const value = after === undefined ? lookup(section, before) : lookup(before, after);
  if (value === undefined) throw new ConfigSyntaxError("a variable has no value here");
  return [value, close === "" ? end : end + 1];
}

const plain = /[^"'`\\$]+/y;
const reference = /\$([{(]?)(\w*)(?:::(\w*))?/y;
const escapes: Readonly<Record<string, string>> = { r: "\r", n: "\n", b: "\b", t: "\t" };

/** OpenSSL's own limit (MAX_CONF_VALUE_LENGTH). */
const MAX_VALUE = 65_536;
