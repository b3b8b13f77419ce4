import { CredentialError } from "@ddscred/core";
import { shellWord } from "../doctor/report.ts";
import { EXIT } from "../exit.ts";
import type { Arguments } from "../options.ts";
import { exitOf } from "../terminal/errors.ts";
import { printJson } from "../terminal/json.ts";
import { brief, LABEL, type Style, styleOf, URI } from "../terminal/style.ts";

/** What a verb did, for a person and for a program. */
export interface Answer {
  /** Such as `made`; what was done follows. */
  readonly done: string;
  readonly what: string;
  /** Name and value of what there is to know, in this order. Values are cut where they are long. */
  readonly rows: readonly (readonly [name: string, value: string | undefined])[];
  /** What to be wary of. */
  readonly risk?: string;
  /** The next commands, to be pasted. */
  readonly next?: readonly string[];
  /** The same as plain data; `next` and `risk` are added. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** An answer that is printed as it is: what others are to read. */
interface Plain {
  readonly text: string;
}

/** Prints what a verb answers, or why it could not, and gives the exit status. */
export async function answering(
  format: "text" | "json",
  work: () => Promise<Answer | Plain>,
): Promise<number> {
  try {
    const answer = await work();
    if ("text" in answer) process.stdout.write(answer.text);
    else if (format === "json") printJson(asJson(answer));
    else process.stdout.write(render(answer, styleOf(process.stdout)));
    return EXIT.good;
  } catch (error) {
    if (format === "text" || !(error instanceof CredentialError)) throw error;
    printJson(error);
    return exitOf([error]);
  }
}

/** A command that goes on with the same module and the same source of the PIN. */
export function nextCommand(args: Arguments, ...words: readonly string[]): string {
  const module = args.text("module");
  const source = args.text("pin-source");
  const options = [
    ...(module === undefined ? [] : ["--module", module]),
    // They may hold secrets: whoever pastes the command writes them anew.
    ...(args.text("library-parameters") === undefined ? [] : ["--library-parameters", "TEXT"]),
    // What a program is called with may be a secret, and a descriptor is read once.
    ...(source !== undefined && /^(?:file|env|systemd):/.test(source) ? ["--pin-source", source] : []),
  ];
  return ["ddscred", ...words, ...options].map(shellWord).join(" ");
}

function asJson({ json, next, risk }: Answer): Record<string, unknown> {
  return {
    ...json,
    ...(risk === undefined ? {} : { risk }),
    ...(next === undefined ? {} : { next }),
  };
}

function render({ done, what, rows, risk, next = [] }: Answer, style: Style): string {
  const told = rows.flatMap(([name, value]) => (value === undefined ? [] : ([[name, value]] as const)));
  const width = Math.max(0, ...told.map(([name]) => name.length));
  const lines = [
    `${style.good(done)}  ${style.bold(brief(what, LABEL))}`,
    ...told.map(([name, value]) => `  ${name.padEnd(width)}  ${brief(value, URI)}`),
    ...(risk === undefined ? [] : [`  ${style.warn("risk")}  ${risk}`]),
    ...(next.length === 0 ? [] : ["", ...next.map((command) => `> ${brief(command, 2 * URI)}`)]),
  ];
  return `${lines.join("\n")}\n`;
}
