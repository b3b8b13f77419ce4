import { type ChildProcess, fork } from "node:child_process";
import { pinVariables } from "../token/pin-variables.ts";
import { childFile } from "./child-file.ts";

/** Starts the process that owns the module at a path. It waits to be told how to start the module. */
export function forkChild(path: string): ChildProcess {
  const { NODE_OPTIONS: _, ...env } = process.env;
  for (const name of pinVariables) delete env[name]; // the module has no use for them, and others may see what it has
  return fork(childFile(), [path], {
    env: { ...quiet, ...env },
    execArgv: [],
    serialization: "advanced",
    // What a module writes belongs to no program, and may hold a PIN, as p11-spy's does. The last one is the lifeline.
    stdio: [
      "ignore",
      "ignore",
      process.env["DDSCRED_MODULE_STDERR"] === "1" ? "inherit" : "ignore",
      "ipc",
      "pipe",
    ],
  });
}

/** tpm2-tss writes a dozen lines where there is no TPM, which its module answers as well. Whoever wants them sets it. */
const quiet = { TSS2_LOG: "all+NONE" };
