import { execFile } from "node:child_process";
import { realpathSync } from "node:fs";
import { isAbsolute } from "node:path";
import { CredentialError, type Secret } from "@ddscred/core";
import { foreignAccess } from "../foreign-access.ts";
import { MAX_PIN, pinOfFirstLine, unreadable } from "./pin-text.ts";

/**
 * The PIN that a program writes in its first line. No shell is involved: the command is the program's path and
 * its arguments, separated by blanks. The program gets no input, and of the environment HOME alone and a PATH.
 *
 * Of the command, nothing but a program that is allowed is shown: the rest may hold secrets.
 *
 * @param allowed absolute paths of the programs that may be run
 * @param deadline milliseconds in which the program must end
 */
export async function pinOfCommand(
  command: string,
  allowed: readonly string[],
  deadline = DEADLINE,
): Promise<Secret> {
  const [program = "", ...args] = command.split(/[ \t]+/).filter((part) => part !== "");
  if (!isAbsolute(program) || !allowed.includes(program)) {
    throw new CredentialError("PIN_SOURCE_REFUSED", "the pin-source is a command, and it is not allowed", {
      hint: "Use pin-source=file:/path, or allow the program by its absolute path (pinCommands).",
    });
  }
  const place = foreignPlace(program);
  if (place !== undefined) {
    const message = `${program} is not run for a PIN: other users may write to ${place}`;
    throw new CredentialError("PIN_SOURCE_REFUSED", message, {
      hint: "Take that right from them: chmod go-w.",
    });
  }
  return pinOfFirstLine(await run(program, args, deadline), `what ${program} writes`);
}

/** Both ends of a symbolic link matter. */
function foreignPlace(program: string): string | undefined {
  try {
    return foreignAccess(program) ?? foreignAccess(realpathSync(program));
  } catch {
    throw unreadable(`there is no program ${program}`);
  }
}

function run(program: string, args: readonly string[], deadline: number): Promise<Buffer> {
  const { HOME } = process.env;
  const options = {
    encoding: "buffer",
    env: { PATH: "/usr/bin:/bin", ...(HOME === undefined ? {} : { HOME }) },
    killSignal: "SIGKILL",
    maxBuffer: MAX_PIN,
    timeout: deadline,
    windowsHide: true,
  } as const;
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, options, (error, output) => {
      // The error is not kept as a cause: it has the whole command, and what the program wrote.
      if (error === null) resolve(output);
      else reject(unreadable(`${program} gave no PIN: ${failureOf(error)}`));
    });
    child.stdin?.on("error", () => undefined); // it may end without reading
    child.stdin?.end();
  });
}

function failureOf({ code, killed, signal }: Error & Pick<ExecError, "code" | "killed" | "signal">): string {
  if (code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") return "it wrote too much";
  if (typeof code === "string") return `it cannot be run (${code})`;
  if (killed === true) return "it did not end in time";
  return typeof code === "number"
    ? `it ended with status ${code}`
    : `it was ended by ${signal ?? "a signal"}`;
}

interface ExecError {
  readonly code?: string | number | null;
  readonly killed?: boolean;
  readonly signal?: NodeJS.Signals | null;
}

const DEADLINE = 10_000;
