import { EXIT } from "../exit.ts";
import { brief, styleOf, URI, wrap } from "./style.ts";

interface ShownError {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly uri?: string;
  readonly candidates?: readonly string[];
}

/** Codes that mean that nothing could be found out, as against an answer that is no. */
const COULD_NOT_FIND_OUT = new Set([
  "BINDING_UNAVAILABLE",
  "CLOSED",
  "DEVICE_ERROR",
  "INTERNAL",
  "SESSION_LOST",
  "TIMEOUT",
  "TOKEN_ERROR",
  "UNSUPPORTED",
]);

const INDENT = "       ";

/** Prints what stopped a verb on stderr and answers with the exit status. */
export function showError(error: unknown): number {
  const style = styleOf(process.stderr);
  const shown = asShown(error);
  const lines = [`${style.bad("error")}  ${style.bold(shown.code)}`];
  lines.push(wrap(shown.message, style.width, INDENT));
  if (shown.uri !== undefined) lines.push(INDENT + brief(shown.uri, URI));
  for (const candidate of unsaid(shown)) lines.push(`${INDENT}- ${candidate}`);
  lines.push(wrap(`> ${shown.hint}`, style.width, INDENT));
  process.stderr.write(`${lines.join("\n")}\n`);
  return exitOf([shown]);
}

/** Candidates that the message does not name already, as they are shown. */
export function unsaid(error: Pick<ShownError, "message" | "candidates">): string[] {
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
