import { alternate, program, report, runProgram } from "./measure.mjs";

/** `ddscred --version` against an empty Node.js. */
export function run() {
  const [empty, version] = alternate(
    [
      () => runProgram(process.execPath, ["-e", "0"]),
      () => runProgram(process.execPath, [program, "--version"]),
    ],
    41,
  );
  report(
    `ddscred --version ${version.toFixed(0)} ms / node -e 0 ${empty.toFixed(0)} ms`,
    version / empty,
    "at most 1.5",
  );
}
