import { redactUri, type SourceLocation } from "@ddscred/core";
import { type Finding, finding } from "../finding.ts";
import { type ExpansionFailure, expandVariables, type VariableLookup, type VariableUse } from "./expand.ts";

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
  const findings = distinct(unset).map((use) =>
    finding("VARIABLE_UNDEFINED", "error", `the variable ${shown(use.name)} is not set`, {
      property: text.property,
      location: placeIn(text, use.position),
      hint: `Set ${shown(use.name)}, or give a default: \${${shown(use.name)}:-value}.`,
    }),
  );
  if (failure !== undefined) findings.push(failed(text, failure));
  return { value, findings };
}

function failed(text: WrittenText, failure: ExpansionFailure): Finding {
  const extra = { property: text.property, location: placeIn(text, failure.position) };
  if (failure.kind === "required") {
    const said = text.secret || !failure.message ? "" : `: ${redactUri(failure.message).slice(0, 200)}`;
    const name = shown(failure.name);
    return finding("VARIABLE_UNDEFINED", "error", `the variable ${name} must be set${said}`, {
      ...extra,
      hint: `Set ${name}.`,
    });
  }
  return finding("CONFIG_INVALID", "error", UNEXPANDABLE[failure.kind], {
    ...extra,
    hint: "Write ${NAME}, ${NAME:-value}, ${NAME:+value} or ${NAME:?message}.",
  });
}

const UNEXPANDABLE = {
  syntax: "a ${ is no variable that can be expanded",
  depth: "variables are nested deeper than 20 levels",
  size: "the text is larger than 10 MiB when expanded",
} as const;

/** The place of an offset within a value: what must be written as a reference in XML counts as that. */
function placeIn(text: WrittenText, offset: number): SourceLocation {
  let { line, column } = text.location;
  for (const character of text.written.slice(0, offset)) {
    if (character === "\n") {
      line++;
      column = 1;
    } else {
      column += character === "&" ? "&amp;".length : character === "<" ? "&lt;".length : 1;
    }
  }
  return { ...text.location, line, column };
}

function distinct(uses: readonly VariableUse[]): VariableUse[] {
  return uses.filter((use, index) => uses.findIndex((other) => other.name === use.name) === index);
}

const shown = (name: string): string => (name.length > 64 ? `${name.slice(0, 64)}...` : name);
