/** What a text with `${...}` in it became. */
export interface Expansion {
  /** Undefined where the text cannot be expanded at all. */
  readonly value: string | undefined;
  /** Variables that are not set and have no alternative: they became "". The first 100 of them. */
  readonly unset: readonly VariableUse[];
  /** Why there is no value. */
  readonly failure?: ExpansionFailure;
}

export interface VariableUse {
  readonly name: string;
  /** Offset of its `$` in the text. */
  readonly position: number;
}

export interface ExpansionFailure extends VariableUse {
  /** `required` is `${NAME:?message}` of a variable that is not set, `syntax` a broken `${`. */
  readonly kind: "required" | "syntax" | "depth" | "size";
  /** The message of `${NAME:?message}`, as written. */
  readonly message?: string;
}

/** The value of a variable; undefined where it is not set. */
export type VariableLookup = (name: string) => string | undefined;

/**
 * Expands variables as Cyclone DDS does in the text of every element and attribute: `${X}`, `${X:-alternative}`
 * (where X is unset or empty), `${X:+alternative}` (where X has a value), `${X:?message}` (an error where X is
 * unset or empty). Alternatives are expanded in turn, values are not. `$X` stays as it is, and so does every
 * backslash; within an alternative a backslash keeps the next character from counting as a brace.
 *
 * Never throws. Time is linear in the text and the result; nesting is at most 20 deep.
 */
export function expandVariables(text: string, lookup: VariableLookup): Expansion {
  const expander = new Expander(text, lookup);
  try {
    return { value: expander.expand(0, text.length, 0), unset: expander.unset };
  } catch (error) {
    if (!(error instanceof Abandoned)) throw error;
    return { value: undefined, unset: expander.unset, failure: error.failure };
  }
}

class Expander {
  readonly unset: VariableUse[] = [];
  readonly #text: string;
  readonly #lookup: VariableLookup;
  #braces: Int32Array | undefined;

  constructor(text: string, lookup: VariableLookup) {
    this.#text = text;
    this.#lookup = lookup;
  }

  /** Expands the text from one offset to another. */
  expand(from: number, to: number, depth: number): string {
    if (depth >= MAX_DEPTH) throw new Abandoned({ kind: "depth", name: "", position: from });
    const text = this.#text.slice(from, to);
    let result = "";
    let at = 0;
    for (;;) {
      const start = text.indexOf("${", at);
      result += start < 0 ? text.slice(at) : text.slice(at, start);
      if (result.length > MAX_SIZE) throw new Abandoned({ kind: "size", name: "", position: from + at });
      if (start < 0) return result;
      const variable = this.#read(from + start, to);
      result += this.#value(variable, depth);
      at = variable.end - from;
    }
  }

  #value(variable: Variable, depth: number): string {
    const { name, operator, position, alternativeStart, end } = variable;
    const value = this.#lookup(name);
    const alternative = () => this.expand(alternativeStart, end - 1, depth + 1);
    if (operator === "") {
      if (value === undefined && this.unset.length < MAX_UNSET) this.unset.push({ name, position });
      return value ?? "";
    }
    if (operator === "+") return value ? alternative() : "";
    if (value) return value;
    if (operator === "-") return alternative();
    const message = this.#text.slice(alternativeStart, end - 1);
    throw new Abandoned({ kind: "required", name, position, message });
  }

  /** The variable whose `${` stands at `position`, in a text that ends at `to`. */
  #read(position: number, to: number): Variable {
    const text = this.#text;
    const broken = (name: string) => new Abandoned({ kind: "syntax", name, position });
    const nameStart = position + 2;
    let at = nameStart;
    while (at < to && text[at] !== ":" && text[at] !== "}") at++;
    if (at === to) throw broken("");
    const name = text.slice(nameStart, at);
    if (text[at] === "}") return { name, position, operator: "", alternativeStart: at, end: at + 1 };
    const operator = at + 1 < to ? text[at + 1] : undefined;
    if (operator !== "-" && operator !== "+" && operator !== "?") throw broken(name);
    const close = this.#closing(nameStart - 1, at);
    if (close >= to) throw broken(name);
    return { name, position, operator, alternativeStart: at + 2, end: close + 1 };
  }

  /** The brace that ends what the last brace opens that stands from `first` to `last`. */
  #closing(first: number, last: number): number {
    this.#braces ??= matchingBraces(this.#text);
    let at = last;
    while (at > first && this.#braces[at] === NO_BRACE) at--;
    return this.#braces[at] ?? UNCLOSED;
  }
}

interface Variable extends VariableUse {
  readonly operator: "" | "-" | "+" | "?";
  readonly alternativeStart: number;
  /** Offset after its closing brace. */
  readonly end: number;
}

/** For each opening brace of a text the offset of its closing one; a backslash hides the character after it. */
function matchingBraces(text: string): Int32Array {
  const matches = new Int32Array(text.length);
  const open: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "\\") at++;
    else if (character === "{") {
      matches[at] = UNCLOSED;
      open.push(at);
    } else if (character === "}") {
      const start = open.pop();
      if (start !== undefined) matches[start] = at;
    }
  }
  return matches;
}

class Abandoned extends Error {
  readonly failure: ExpansionFailure;

  constructor(failure: ExpansionFailure) {
    super(failure.kind);
    this.failure = failure;
  }
}

/** No closing brace stands at the very beginning. */
const NO_BRACE = 0;
const UNCLOSED = 0x7fffffff;
const MAX_DEPTH = 20;
const MAX_UNSET = 100;
const MAX_SIZE = 10 * 1024 * 1024;
