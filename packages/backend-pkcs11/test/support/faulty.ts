import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { module, type TokenFolder } from "./softhsm.ts";

/** A function of the module, what it does the next time, and a number: see `fixtures/faulty-module.c`. */
export type Order = readonly [
  name: (typeof functions)[number],
  fault: "hang" | "abort" | "sleep" | "fail",
  number: number,
];

const functions = [
  "C_Initialize",
  "C_GetSlotList",
  "C_OpenSession",
  "C_GetSessionInfo",
  "C_Login",
  "C_SignInit",
  "C_Sign",
] as const;

/** A module in front of SoftHSM that fails when it is told to, also in another process. */
export class FaultyModule {
  readonly path: string;
  readonly #folder: string;

  /** Compiles it: throws where there is no C compiler. */
  constructor({ path: folder }: TokenFolder) {
    this.#folder = folder;
    this.path = join(folder, "faulty.so");
    const source = fileURLToPath(new URL("../../test/fixtures/faulty-module.c", import.meta.url));
    execFileSync("cc", ["-shared", "-fPIC", "-o", this.path, source, "-ldl"], { stdio: "pipe" });
    process.env["FAULTY_REAL"] = module;
    process.env["FAULTY_FOLDER"] = folder;
  }

  /** What it does the next time; the number -1 is each time. */
  order(...[name, fault, number]: Order): void {
    writeFileSync(join(this.#folder, name), `${fault} ${number}\n`);
  }

  behave(): void {
    for (const name of functions) rmSync(join(this.#folder, name), { force: true });
  }

  /** How often a function was called in any process. */
  count(name: Order[0]): number {
    const calls = join(this.#folder, "calls");
    if (!existsSync(calls)) return 0;
    return readFileSync(calls, "utf8")
      .split("\n")
      .filter((call) => call === name).length;
  }

  /** The process that initialised it last. */
  get pid(): number {
    return Number(readFileSync(join(this.#folder, "pid"), "utf8"));
  }
}

/** Whether a process is there and has not ended: one that nobody waited for is still listed. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || !/\) [ZX] /.test(readFileSync(stat, "utf8"));
}

/** Why it cannot be built here; false where it can. */
export function noCompiler(): string | false {
  try {
    execFileSync("cc", ["--version"], { stdio: "pipe" });
    return false;
  } catch {
    return "there is no C compiler (cc)";
  }
}
