import { type ChildProcessByStdio, spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import { isAbsolute } from "node:path";
import type { Readable } from "node:stream";
import { CredentialError, type Secret } from "@ddscred/core";
import { foreignAccess } from "../foreign-access.ts";
import { MAX_PIN, NEWLINE, pinOfFirstLine, reasonOf, unreadable } from "./pin-text.ts";

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

/**
 * What the program wrote when it ended, or its first line: another one that it left behind may hold its output open,
 * and is not waited for. Of what failed nothing is kept that has the command, or what was written.
 */
function run(program: string, args: readonly string[], deadline: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = started(program, args);
    const pieces: Buffer[] = [];
    let end = (): void => undefined;
    const fail = (reason: string): void => {
      end();
      reject(unreadable(`${program} gave no PIN: ${reason}`));
    };
    const succeed = (): void => {
      end();
      resolve(Buffer.concat(pieces));
    };
    const timer = setTimeout(() => fail("it did not end in time"), deadline);
    let grace: NodeJS.Timeout | undefined;
    end = () => {
      clearTimeout(timer);
      clearTimeout(grace);
      child.kill("SIGKILL");
      child.stdout.destroy();
      end = () => undefined;
    };
    const hasLine = (): boolean => pieces.some((piece) => piece.includes(NEWLINE));
    child.stdout.on("data", (piece: Buffer) => {
      pieces.push(piece);
      if (pieces.reduce((sum, { length }) => sum + length, 0) > MAX_PIN) fail("it wrote too much");
      else if (grace !== undefined && hasLine()) succeed();
    });
    child.stdout.on("error", () => undefined);
    child.once("error", (error) => fail(`it cannot be run (${reasonOf(error)})`));
    child.once("close", (code, signal) => (code === 0 ? succeed() : fail(failureOf(code, signal))));
    child.once("exit", (code, signal) => {
      if (code !== 0) fail(failureOf(code, signal));
      else if (hasLine()) succeed();
      else grace = setTimeout(succeed, GRACE); // what it wrote may be on its way
    });
  });
}

function started(program: string, args: readonly string[]): ChildProcessByStdio<null, Readable, null> {
  const { HOME } = process.env;
  const env = { PATH: "/usr/bin:/bin", ...(HOME === undefined ? {} : { HOME }) };
  try {
    return spawn(program, args, { env, stdio: ["ignore", "pipe", "ignore"], windowsHide: true });
  } catch (error) {
    throw unreadable(`${program} gave no PIN: it cannot be run (${reasonOf(error)})`);
  }
}

function failureOf(code: number | null, signal: NodeJS.Signals | null): string {
  return code === null ? `it was ended by ${signal ?? "a signal"}` : `it ended with status ${code}`;
}

/** Milliseconds. */
const GRACE = 200;
const DEADLINE = 10_000;
