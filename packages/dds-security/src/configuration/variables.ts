import { redactUri, type SourceLocation, uriScheme } from "@ddscred/core";
import { type Finding, finding } from "../finding.ts";
import { type ExpansionFailure, expandVariables, type VariableLookup, type VariableUse } from "./expand.ts";
import { literalText, VARIABLE } from "./literal.ts";
import { elementOf } from "./properties.ts";
import { LIKE_KEY, shownVariable } from "./shown.ts";

/** Where variables get their values. */
export interface VariableContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly domain?: number | undefined;
  readonly processId?: number | undefined;
}

/** One text of a configuration that is to be expanded, and what to call it. */
export interface WrittenText {
  readonly written: string;
  readonly location: SourceLocation;
  /** Property or setting that it is the value of. */
  readonly property: string;
  /** Whether nothing of it may be shown. */
  readonly secret: boolean;
}

/** The environment goes before what Cyclone DDS defines by itself. */
export function variableLookup(context: VariableContext): VariableLookup {
  return (name) => {
    const set = Object.hasOwn(context.environment, name) ? context.environment[name] : undefined;
    if (set !== undefined) return set;
    if (name === "CYCLONEDDS_DOMAIN_ID") return context.domain?.toString();
    return name === "CYCLONEDDS_PID" || name === "$" ? context.processId?.toString() : undefined;
  };
}

/** The text with its variables expanded, and a finding for each that cannot be. */
export function expandText(
  text: WrittenText,
  lookup: VariableLookup,
): { value: string | undefined; findings: readonly Finding[] } {
  const { value, unset, failure } = expandVariables(text.written, lookup);
  if (unset.length === 0 && failure === undefined) return { value, findings: [] };
  const secret = text.secret || mayHoldPin(text.written);
  const cursor = new ValueCursor(text);
  const findings = distinct(unset).map((use) => {
    const name = secret ? undefined : shownVariable(use.name);
    const message = `${called(name, text.property)} is not set`;
    return finding("VARIABLE_UNDEFINED", "error", message, {
      property: text.property,
      location: cursor.at(use.position),
      // A default of a PIN would stand in the file.
      hint: /pin-?value/i.test(text.written)
        ? `Set ${name ?? "it"} for the participant, and for ddscred.`
        : `Set ${name ?? "it"}, or give a default: \${${name ?? "NAME"}:-value}.`,
    });
  });
  if (failure !== undefined) findings.push(failed(text, failure, secret, cursor.at(failure.position)));
  return { value, findings };
}

/**
 * Whether a PIN, or what may belong to one, stands in a value: then not even the names of its variables are shown,
 * for a PIN may look like one. A PIN that is a variable altogether does not stand there. What is in data: is no PIN.
 */
function mayHoldPin(written: string): boolean {
  const literal = literalText(written).replaceAll(WHOLE_PIN, "pin-source=env:PIN");
  return uriScheme(literal) !== "data" && redactUri(literal) !== literal;
}

const called = (name: string | undefined, property: string): string =>
  name === undefined ? `a variable in ${elementOf(property)}` : `the variable ${name}`;

function failed(
  { property }: WrittenText,
  failure: ExpansionFailure,
  secret: boolean,
  location: SourceLocation,
): Finding {
  if (failure.kind === "required") {
    const name = secret ? undefined : shownVariable(failure.name);
    const said = secret ? "" : shownMessage(failure.message ?? "");
    const message = `${called(name, property)} must be set${said}`;
    return finding("VARIABLE_UNDEFINED", "error", message, {
      property,
      location,
      hint: `Set ${name ?? "it"}.`,
    });
  }
  return finding("CONFIG_INVALID", "error", UNEXPANDABLE[failure.kind], {
    property,
    location,
    hint: "Write ${NAME}, ${NAME:-value}, ${NAME:+value} or ${NAME:?message}.",
  });
}

/** The message of `${NAME:?message}`, unless it looks like a secret. */
function shownMessage(message: string): string {
  const shown = redactUri(message.slice(0, MAX_MESSAGE));
  return shown === "" || LIKE_KEY.test(shown) ? "" : `: ${shown}`;
}

const UNEXPANDABLE = {
  syntax: "a ${ is no variable that can be expanded",
  depth: "variables are nested deeper than 20 levels",
  size: "the text is larger than 10 MiB when expanded",
} as const;

/**
 * Places within a value: what must be written as a reference in XML counts as that. Offsets are asked for in
 * rising order, so that the value is walked once.
 */
class ValueCursor {
  readonly #text: WrittenText;
  #offset = 0;
  #line: number;
  #column: number;

  constructor(text: WrittenText) {
    this.#text = text;
    this.#line = text.location.line;
    this.#column = text.location.column;
  }

  at(offset: number): SourceLocation {
    const { written, location } = this.#text;
    if (offset < this.#offset) {
      this.#offset = 0;
      this.#line = location.line;
      this.#column = location.column;
    }
    for (; this.#offset < offset; this.#offset++) {
      const unit = written.charCodeAt(this.#offset);
      if (unit === LINE_FEED) {
        this.#line++;
        this.#column = 1;
      } else if (unit < 0xdc00 || unit > 0xdfff) {
        // The second half of a surrogate pair is no character of its own.
        this.#column += unit === AMPERSAND ? "&amp;".length : unit === LESS_THAN ? "&lt;".length : 1;
      }
    }
    return { ...location, line: this.#line, column: this.#column };
  }
}

const LINE_FEED = 0x0a;
const AMPERSAND = 0x26;
const LESS_THAN = 0x3c;

function distinct(uses: readonly VariableUse[]): VariableUse[] {
  return uses.filter((use, index) => uses.findIndex((other) => other.name === use.name) === index);
}

const WHOLE_PIN = new RegExp(`pin-value=${VARIABLE}(?=[&;]|$)`, "g");
const MAX_MESSAGE = 100;
