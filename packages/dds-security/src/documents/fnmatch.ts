export interface FnmatchOptions {
  /** No wildcard matches a slash (FNM_PATHNAME). Default false. */
  readonly pathname?: boolean;
  /** A backslash stands for itself (FNM_NOESCAPE). Default false. */
  readonly noEscape?: boolean;
}

/**
 * Whether a pattern matches a whole text, as fnmatch of POSIX does (IEEE 1003.1 2.13): `*`, `?`, `[set]` with
 * ranges, `!` and classes, `\` before a character that stands for itself. A set that is not closed is a plain
 * `[`. Case counts; characters are Unicode code points.
 *
 * At most length of pattern times length of text steps: no pattern makes it exponential.
 */
export function fnmatch(pattern: string, text: string, options: FnmatchOptions = {}): boolean {
  if (options.pathname !== true) return matchTokens(tokens(pattern, options), Array.from(text));
  // Slashes match only each other, so the parts between them match one by one.
  const patterns = pattern.split("/");
  const parts = text.split("/");
  return (
    patterns.length === parts.length &&
    patterns.every((each, index) => matchTokens(tokens(each, options), Array.from(parts[index] ?? "")))
  );
}

/** What one place of a pattern takes: any run of characters, or one character. */
type Token = "*" | ((character: string) => boolean);

function matchTokens(pattern: readonly Token[], text: readonly string[]): boolean {
  let at = 0;
  let position = 0;
  /** Where the last star stood, and how far it reaches now: it alone is ever widened. */
  let star = -1;
  let reach = 0;
  while (position < text.length) {
    const token = pattern[at];
    if (token === "*") {
      star = at++;
      reach = position;
    } else if (token?.(text[position] ?? "")) {
      at++;
      position++;
    } else if (star >= 0) {
      at = star + 1;
      position = ++reach;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}

function tokens(pattern: string, options: FnmatchOptions): Token[] {
  const characters = Array.from(pattern);
  const result: Token[] = [];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? "";
    if (character === "*") {
      // One star after another adds nothing.
      if (result.at(-1) !== "*") result.push("*");
    } else if (character === "?") {
      result.push(() => true);
    } else if (character === "\\" && options.noEscape !== true && at + 1 < characters.length) {
      result.push(literal(characters[++at] ?? ""));
    } else {
      const set = character === "[" ? readSet(characters, at) : undefined;
      result.push(set?.matches ?? literal(character));
      at = set?.end ?? at;
    }
  }
  return result;
}

const literal = (wanted: string) => (character: string) => character === wanted;

/** The set that begins at `start`, or undefined where it is not closed. `end` is the place of its `]`. */
function readSet(
  pattern: readonly string[],
  start: number,
): { matches: (character: string) => boolean; end: number } | undefined {
  const negated = pattern[start + 1] === "!";
  const first = start + (negated ? 2 : 1);
  // A ] that comes first is a member.
  const end = pattern.indexOf("]", first + 1);
  if (end < 0) return undefined;
  const named = readClass(pattern, first);
  if (named !== undefined) {
    const { matches, next } = named;
    if (pattern[next] === "]") return { matches: (character) => matches(character) !== negated, end: next };
  }
  const ranges: (readonly [number, number])[] = [];
  for (let at = first; at < end; at++) {
    const low = codePoint(pattern[at]);
    const isRange = pattern[at + 1] === "-" && at + 2 < end;
    ranges.push([low, isRange ? codePoint(pattern[at + 2]) : low]);
    if (isRange) at += 2;
  }
  const has = (code: number) => ranges.some(([low, high]) => low <= code && code <= high);
  return { matches: (character) => has(codePoint(character)) !== negated, end };
}

/** `[:name:]`, alone in its set: what DDS expressions use of classes. */
function readClass(pattern: readonly string[], at: number) {
  const name = /^\[:([a-z]{5,6}):\]/.exec(pattern.slice(at, at + 12).join(""))?.[1];
  const matcher = name === undefined ? undefined : CLASSES[name];
  if (name === undefined || matcher === undefined) return undefined;
  return { matches: (character: string) => matcher.test(character), next: at + name.length + 4 };
}

const codePoint = (character: string | undefined): number => character?.codePointAt(0) ?? 0;

const CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /^[\p{L}\p{Nd}]$/u,
  alpha: /^\p{L}$/u,
  digit: /^[0-9]$/,
  lower: /^\p{Ll}$/u,
  upper: /^\p{Lu}$/u,
  space: /^\s$/u,
  punct: /^[\p{P}\p{S}]$/u,
  xdigit: /^[0-9A-Fa-f]$/,
};
