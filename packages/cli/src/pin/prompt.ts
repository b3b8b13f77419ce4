import { StringDecoder } from "node:string_decoder";
import { CredentialError, Secret } from "@ddscred/core";

/** Whether somebody can be asked, and sees the question. */
export function hasTerminal(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/**
 * Asks on the terminal, and shows nothing of the answer. Backspace and Ctrl-U correct it; Ctrl-C ends the program
 * as it always does; nothing, or Ctrl-D, is no PIN. The terminal is as it was when this ends, however it ends.
 */
export async function askForPin(question: string): Promise<Secret | undefined> {
  const { stdin, stderr } = process;
  const wasRaw = stdin.isRaw;
  const restore = (): void => {
    stdin.setRawMode(wasRaw);
  };
  // After Ctrl-C and its kin Node.js restores the terminal, after this one it does not.
  const ended = (signal: NodeJS.Signals): void => {
    restore();
    process.kill(process.pid, signal);
  };
  process.once("exit", restore).once("SIGHUP", ended).once("SIGQUIT", ended);
  // Before the question is seen, nothing that answers it is echoed any more.
  stdin.setRawMode(true);
  stderr.write(question);
  let line: string | undefined;
  try {
    line = await readLine(stdin);
  } finally {
    restore();
    process.removeListener("exit", restore).removeListener("SIGHUP", ended).removeListener("SIGQUIT", ended);
    stdin.pause();
    stderr.write("\n");
  }
  if (line !== undefined) return line === "" ? undefined : new Secret(line);
  process.kill(process.pid, "SIGINT");
  throw new CredentialError("ABORTED", "the question for the PIN was interrupted");
}

/** What is typed up to Enter; undefined after Ctrl-C. */
function readLine(input: NodeJS.ReadStream): Promise<string | undefined> {
  return new Promise((resolve) => {
    const decoder = new StringDecoder("utf8");
    const line: string[] = [];
    const end = (result: string | undefined): void => {
      input.removeListener("data", read).removeListener("end", hangUp).removeListener("error", hangUp);
      resolve(result);
    };
    const hangUp = (): void => end("");
    const read = (bytes: Buffer): void => {
      for (const key of withoutSequences(decoder.write(bytes))) {
        if (key === CTRL_C) return end(undefined);
        if (ENTER.has(key)) return end(line.join(""));
        if (key === CTRL_U) line.length = 0;
        else if (key === "\b" || key === DELETE) line.pop();
        else if (key >= " " && line.length < MAX_LINE) line.push(key);
      }
    };
    input.on("data", read).on("end", hangUp).on("error", hangUp);
    input.resume();
  });
}

/** Without what arrow keys and their like send, and the marks around what is pasted. */
function withoutSequences(keys: string): string {
  const [first = "", ...rest] = keys.split("\u001b");
  return first + rest.map((text) => text.replace(/^(?:\[[0-?]*[ -/]*[@-~]|O.|.)/s, "")).join("");
}

const CTRL_C = "\u0003";
/** And Ctrl-D. */
const ENTER = new Set(["\r", "\n", "\u0004"]);
const CTRL_U = "\u0015";
const DELETE = "\u007f";
/** Characters: more than any token takes. */
const MAX_LINE = 1024;
