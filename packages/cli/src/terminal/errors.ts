import type { CredentialError, SourceLocation } from "@ddscred/core";
import { concernOf, elementOf } from "@ddscred/dds-security";
import { EXIT } from "../exit.ts";
import { brief, type Style, styleOf, URI, wrap } from "./style.ts";

/** What is shown of an error. */
export interface ShownError {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  /** DDS name of the property of a configuration that it is about. */
  readonly property?: string;
  readonly uri?: string;
  /** Where; in the configuration where there is a property. */
  readonly location?: SourceLocation;
  /** Where in the file that the property names. */
  readonly target?: SourceLocation;
  readonly candidates?: readonly string[];
}

/** Codes that mean that nothing could be found out, as against an answer that is no. */
const COULD_NOT_FIND_OUT = new Set([
  "BINDING_UNAVAILABLE",
  "CLOSED",
  "DEVICE_ERROR",
  "INTERNAL",
  "PIN_LOCKED",
  "PIN_REFUSED",
  "SESSION_LOST",
  "TIMEOUT",
  "TOKEN_ERROR",
  "TOKEN_REMOVED",
  "UNSUPPORTED",
]);

/**
 * Codes that say of a question about one configuration that nothing was found out: the device that would tell is not
 * there. For `check`, a device that is not there is its answer.
 */
const NOT_OPENED = new Set([
  "MODULE_FAILED",
  "MODULE_NOT_FOUND",
  "MODULE_NOT_LOADABLE",
  "MODULE_NOT_PKCS11",
  "MODULE_REFUSED",
  "MODULE_REQUIRED",
  "TOKEN_NOT_FOUND",
]);

/** What is wrong with a PIN: the configuration's fault where it is the one that names the PIN. */
const OF_PIN = new Set(["PIN_INCORRECT", "PIN_SOURCE_REFUSED", "PIN_SOURCE_UNREADABLE"]);

/** Whether an error in opening a configuration leaves a question about it without an answer. */
export function isUnanswered({ code, uri = "" }: Pick<ShownError, "code" | "uri">): boolean {
  if (OF_PIN.has(code)) return !/[?&]pin-(?:value|source)=/i.test(uri);
  return COULD_NOT_FIND_OUT.has(code) || NOT_OPENED.has(code);
}

const INDENT = "       ";

/** Prints what stopped a verb on stderr and answers with the exit status. */
export function showError(error: unknown): number {
  const style = styleOf(process.stderr);
  const shown = asShown(error);
  const lines = [`${style.bad("error")}  ${style.bold(shown.code)}`];
  lines.push(wrap(shown.message, style.width, INDENT), ...remedyOf(shown, style, INDENT));
  process.stderr.write(`${lines.join("\n")}\n`);
  return exitOf([shown]);
}

/** What is shown of an error, as plain data. */
export function shownError(error: CredentialError): ShownError {
  const { code, message, hint, uri, location, candidates } = error;
  const concern = concernOf(error);
  // What is wrong with the configuration itself has one place.
  const isInside = location !== undefined && location !== concern?.location;
  return {
    code,
    message,
    hint,
    ...(uri !== undefined && { uri }),
    ...(concern === undefined ? location !== undefined && { location } : concern),
    ...(concern !== undefined && isInside && { target: location }),
    ...(candidates !== undefined && { candidates }),
  };
}

/** What stands below the message of an error: where it is, what could have been meant, what to do. */
export function remedyOf(error: ShownError, style: Style, indent: string): string[] {
  const { property, location, target, ...rest } = error;
  const isOfProperty = property !== undefined;
  const where = whereOf(isOfProperty ? { ...rest, ...(target && { location: target }) } : error);
  const inConfiguration = isOfProperty
    ? [elementOf(property), ...(location === undefined ? [] : [placeOf(location)])].join("  ")
    : "";
  return [
    ...(inConfiguration === "" ? [] : [style.faint(indent + inConfiguration)]),
    ...(where === "" ? [] : [style.faint(indent + where)]),
    ...unsaid(error).map((candidate) => `${indent}- ${candidate}`),
    wrap(`> ${error.hint}`, style.width, indent),
  ];
}

/** The URI, and the place in its file; or that in the configuration. */
function whereOf({ uri, location }: ShownError): string {
  // A URI that names everything says nothing.
  const shown = uri === undefined || uri === "pkcs11:" ? "" : brief(uri, URI);
  if (location === undefined) return shown;
  const { file, line, column } = location;
  if (file !== undefined) return brief(`at ${file}:${line}:${column}`, URI);
  return `at line ${line}, column ${column}${shown === "" ? "" : ` of ${shown}`}`;
}

/** A place, as `file:line:column`. */
export function placeOf({ file, line, column }: SourceLocation): string {
  return brief(`${file === undefined ? "" : `${file}:`}${line}:${column}`, URI);
}

/** Candidates that the message does not name already, as they are shown. */
function unsaid(error: Pick<ShownError, "message" | "candidates">): string[] {
  const rest = (error.candidates ?? []).filter((candidate) => !error.message.includes(candidate));
  return rest.map((candidate) => brief(candidate, URI));
}

/** The status for what is wrong: an answer that is no wins over one that could not be found. */
export function exitOf(errors: readonly { readonly code: string }[]): number {
  if (errors.length === 0) return EXIT.good;
  return errors.every(({ code }) => COULD_NOT_FIND_OUT.has(code)) ? EXIT.unknown : EXIT.no;
}

function asShown(error: unknown): ShownError {
  // By name and not by class: an error must be shown even where core itself could not be loaded.
  if (error instanceof Error && error.name === "CredentialError") return error as Error & ShownError;
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const frame = /at (.*)/.exec(stack ?? "")?.[1]?.replace(/file:\/\/\S*\/packages\//, "") ?? "";
  return {
    code: "INTERNAL",
    message: `ddscred itself failed: ${name}: ${message} (${frame})`,
    hint: "Report this with the command that caused it.",
  };
}
