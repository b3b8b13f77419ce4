export interface FnmatchOptions {
  /** No wildcard matches a slash (FNM_PATHNAME). Default false. */
  readonly pathname?: boolean;
  /** A backslash stands for itself (FNM_NOESCAPE). Default false. */
  readonly noEscape?: boolean;
  /** `[^set]` is `[!set]`, as in most C libraries; POSIX leaves it open. Default false. */
  readonly caret?: boolean;
}

/**
 * Whether a pattern matches a whole text, as fnmatch of POSIX does (IEEE 1003.1 2.13): `*`, `?`, `[set]` with
 * ranges, `!` and classes, `\` before a character that stands for itself. A set that is not closed is a plain
 * `[`. Case counts; characters are Unicode code points.
 *
 * At most length of pattern times length of text steps: no pattern makes it exponential.
 */
export function fnmatch(pattern: string, text: string, options: FnmatchOptions = {}): boolean {
  return compileFnmatch(pattern, options)(text);
}

/** {@link fnmatch} for many texts: the pattern is read once. */
export function compileFnmatch(pattern: string, options: FnmatchOptions = {}): (text: string) => boolean {
  if (options.pathname !== true) {
    const whole = tokens(pattern, options);
    return (text) => matchTokens(whole, Array.from(text));
  }
  // Slashes match only each other, so the parts between them match one by one.
  const parts = pattern.split("/").map((part) => tokens(part, options));
  return (text) => {
    const texts = text.split("/");
    return (
      parts.length === texts.length &&
      parts.every((part, index) => matchTokens(part, Array.from(texts[index] ?? "")))
    );
  };
}

/** What one place of a pattern takes: any run of characters, or one character. */
export type Token = "*" | ((character: string) => boolean);

export function matchTokens(pattern: readonly Token[], text: readonly string[]): boolean {
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
      const set = character === "[" ? readSet(characters, at, options.caret === true) : undefined;
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
  caret: boolean,
): { matches: (character: string) => boolean; end: number } | undefined {
  const mark = pattern[start + 1];
  const negated = mark === "!" || (caret && mark === "^");
  const first = start + (negated ? 2 : 1);
  const members: ((character: string) => boolean)[] = [];
  // A ] that comes first is a member.
  for (let at = first; at < pattern.length; at++) {
    if (pattern[at] === "]" && at > first) {
      return { matches: (character) => members.some((has) => has(character)) !== negated, end: at };
    }
    const named = readClass(pattern, at);
    const isRange = pattern[at + 1] === "-" && at + 2 < pattern.length && pattern[at + 2] !== "]";
    members.push(named?.matches ?? range(pattern[at], pattern[isRange ? at + 2 : at]));
    if (named !== undefined) at = named.last;
    else if (isRange) at += 2;
  }
  return undefined;
}

function range(from: string | undefined, to: string | undefined): (character: string) => boolean {
  const [low, high] = [codePoint(from), codePoint(to)];
  return (character) => low <= codePoint(character) && codePoint(character) <= high;
}

/** A class `[:name:]` within a set; `last` is the place of its own `]`. */
function readClass(pattern: readonly string[], at: number) {
  if (pattern[at] !== "[" || pattern[at + 1] !== ":") return undefined;
  const name = /^\[:([a-z]{5,6}):\]/.exec(pattern.slice(at, at + 12).join(""))?.[1];
  const matcher = name === undefined ? undefined : CLASSES[name];
  if (name === undefined || matcher === undefined) return undefined;
  return { matches: (character: string) => matcher.test(character), last: at + name.length + 3 };
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
