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

export function report(what, value, bar) {
  process.stdout.write(`  ${what.padEnd(58)} ${value.toFixed(2)}  (bar: ${bar})\n`);
}
