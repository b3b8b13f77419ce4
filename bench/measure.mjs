import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const root = new URL("../", import.meta.url).pathname;
export const program = join(root, "packages/cli/bin/ddscred.js");

/** Runs the works in turn, `rounds` times, so that noise falls on all alike; the median milliseconds of each. */
export function alternate(works, rounds = 15) {
  const times = works.map(() => []);
  for (let round = 0; round < rounds; round++) {
    works.forEach((work, index) => {
      const start = performance.now();
      work();
      times[index].push(performance.now() - start);
    });
  }
  return times.map(median);
}

export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** Runs a program to its end; throws with its output where its status is not the one expected. */
export function runProgram(command, args, { status = 0, ...options } = {}) {
  const result = spawnSync(command, args, { encoding: "utf8", ...options });
  if (result.status !== status)
    throw new Error(`${command} ${args[0] ?? ""}: ${result.stdout}${result.stderr}`);
  return result.stdout;
}

export function inTemporaryFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), "ddscred-bench-"));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Makes the example token in a folder, with keys of a type (`ec`, `rsa`).
 *
 * @returns the environment in which SoftHSM finds it, and BENCH_MODULE, the path of the module
 */
export function tokenIn(folder, keyType) {
  const make = join(root, "examples/softhsm/make.mjs");
  const commands = runProgram(process.execPath, [make, folder, "--key", keyType]);
  const module = /--module (\S+)/.exec(commands)[1];
  return { SOFTHSM2_CONF: join(folder, "softhsm2.conf"), BENCH_MODULE: module };
}

export function report(what, value, bar) {
  process.stdout.write(`  ${what.padEnd(58)} ${value.toFixed(2)}  (bar: ${bar})\n`);
}
