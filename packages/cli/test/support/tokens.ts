import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ddscred, type Outcome, root, run, temporaryFolder } from "./program.ts";

/** No other text of a test holds it, so it is found wherever it leaks. */
export const PIN = "canary-pin-0815";

export const softHsm =
  [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
  ].find((path) => existsSync(path)) ?? "";

/** Empty SoftHSM tokens, and the program on them. */
export interface Tokens {
  readonly folder: string;
  /** All that the program printed so far. */
  readonly printed: string[];
  /** Runs the program on the module, with the PIN from a file. */
  ddscred(...args: readonly string[]): Outcome;
  /** The same without a source of the PIN. */
  withoutPin(args: readonly string[], env?: Record<string, string>): Outcome;
  openssl(...args: readonly string[]): string;
  /** Runs the program on a terminal of its own, without a source of the PIN. */
  atTerminal(args: readonly string[], steps: readonly (readonly [text: string, keys: string])[]): Terminal;
}

interface Terminal {
  readonly shown: string;
  /** Whether the terminal echoed at each step, and at the end. */
  readonly echo: readonly boolean[];
  readonly status: number;
}

export function makeTokens(t: { teardown(work: () => void): unknown }, ...labels: readonly string[]): Tokens {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "tokens"));
  writeFileSync(join(folder, "softhsm2.conf"), `directories.tokendir = ${join(folder, "tokens")}\n`);
  writeFileSync(join(folder, "pin"), `${PIN}\n`, { mode: 0o600 });
  const softHsmEnv = { SOFTHSM2_CONF: join(folder, "softhsm2.conf") };
  for (const label of labels) {
    const options = ["--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", PIN];
    run("softhsm2-util", options, { cwd: folder, env: softHsmEnv });
  }
  const printed: string[] = [];
  const onModule = (args: readonly string[], env: Record<string, string> = {}): Outcome => {
    const outcome = ddscred([...args, "--module", softHsm], { cwd: folder, env: { ...softHsmEnv, ...env } });
    printed.push(outcome.stdout, outcome.stderr);
    return outcome;
  };
  return {
    folder,
    printed,
    ddscred: (...args) => onModule([...args, "--pin-source", `file:${join(folder, "pin")}`]),
    withoutPin: onModule,
    openssl: (...args) => run("openssl", args, { cwd: folder }),
    atTerminal(args, steps) {
      const program = [
        process.execPath,
        join(root, "packages/cli/bin/ddscred.js"),
        ...args,
        "--module",
        softHsm,
      ];
      const env: NodeJS.ProcessEnv = { ...process.env, ...softHsmEnv };
      delete env["NODE_OPTIONS"];
      const script = fileURLToPath(new URL("../../test/support/terminal.py", import.meta.url));
      const spec = JSON.stringify({ args: program, steps });
      const { stdout, stderr } = spawnSync("python3", [script, spec], {
        cwd: folder,
        env,
        encoding: "utf8",
        timeout: 300_000,
      });
      if (stdout === "") throw new Error(stderr);
      const terminal = JSON.parse(stdout) as Terminal;
      printed.push(terminal.shown);
      return terminal;
    },
  };
}
