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
 * Never throws. Time is linear in the text and the result, times the nesting (at most 20).
 */
export function expandVariables(text: string, lookup: VariableLookup): Expansion {
  const expander = new Expander(lookup);
  try {
    return { value: expander.expand(text, 0, 0), unset: expander.unset };
  } catch (error) {
    if (!(error instanceof Abandoned)) throw error;
    return { value: undefined, unset: expander.unset, failure: error.failure };
  }
}

class Expander {
  readonly unset: VariableUse[] = [];
  readonly #lookup: VariableLookup;

  constructor(lookup: VariableLookup) {
    this.#lookup = lookup;
  }

  /** @param base offset of `text` in the whole text */
  expand(text: string, base: number, depth: number): string {
    if (depth >= MAX_DEPTH) throw new Abandoned({ kind: "depth", name: "", position: base });
    let result = "";
    let at = 0;
    for (;;) {
      const start = text.indexOf("${", at);
      result += start < 0 ? text.slice(at) : text.slice(at, start);
      if (result.length > MAX_SIZE) throw new Abandoned({ kind: "size", name: "", position: base + at });
      if (start < 0) return result;
      const variable = readVariable(text, start, base);
      result += this.#value(variable, base, depth);
      at = variable.end;
    }
  }

  #value(variable: Variable, base: number, depth: number): string {
    const { name, operator, position } = variable;
    const value = this.#lookup(name);
    const alternative = () => this.expand(variable.alternative, base + variable.alternativeStart, depth + 1);
    if (operator === "") {
      if (value === undefined && this.unset.length < MAX_UNSET) this.unset.push({ name, position });
      return value ?? "";
    }
    if (operator === "+") return value ? alternative() : "";
    if (value) return value;
    if (operator === "-") return alternative();
    throw new Abandoned({ kind: "required", name, position, message: variable.alternative });
  }
}

interface Variable extends VariableUse {
  readonly operator: "" | "-" | "+" | "?";
  readonly alternative: string;
  readonly alternativeStart: number;
  /** Offset after its closing brace. */
  readonly end: number;
}

function readVariable(text: string, start: number, base: number): Variable {
  const position = base + start;
  const broken = (name: string) => new Abandoned({ kind: "syntax", name, position });
  const nameStart = start + 2;
  let at = nameStart;
  while (at < text.length && text[at] !== ":" && text[at] !== "}") at++;
  if (at === text.length) throw broken("");
  const name = text.slice(nameStart, at);
  if (text[at] === "}") {
    return { name, position, operator: "", alternative: "", alternativeStart: at, end: at + 1 };
  }
  const operator = text.charAt(at + 1);
  if (operator !== "-" && operator !== "+" && operator !== "?") throw broken(name);
  const alternativeStart = at + 2;
  const close = closingBrace(text, alternativeStart);
  if (close === undefined) throw broken(name);
  const alternative = text.slice(alternativeStart, close);
  return { name, position, operator, alternative, alternativeStart, end: close + 1 };
}

function closingBrace(text: string, start: number): number | undefined {
  let nested = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === "}" && nested === 0) return at;
    if (character === "{") nested++;
    else if (character === "}") nested--;
    else if (character === "\\") at++;
  }
  return undefined;
}

class Abandoned extends Error {
  readonly failure: ExpansionFailure;

  constructor(failure: ExpansionFailure) {
    super(failure.kind);
    this.failure = failure;
  }
}

const MAX_DEPTH = 20;
const MAX_UNSET = 100;
const MAX_SIZE = 10 * 1024 * 1024;
