import { inTemporaryFolder, median, report, runProgram, tokenIn } from "./measure.mjs";
import { ours } from "./ours.mjs";
import { signOnce, signOnceProven } from "./raw.mjs";

const ROUNDS = 15;
const self = new URL(import.meta.url).pathname;

/** The time from module to first signature, beside pkcs11js called directly. */
export function run() {
  for (const key of ["ec", "rsa"]) {
    process.stdout.write(`  ${key === "ec" ? "P-256" : "RSA 2048 PSS"}\n`);
    inTemporaryFolder((folder) => measure(key, { ...process.env, ...tokenIn(folder, key) }));
  }
}

/**
 * From the module's path to the first signature, with the native binding loaded on the way. V8 compiles a function when
 * it is first called, which a first signature does for some hundreds: what that takes shows where all are compiled as
 * they are imported, which is before.
 */
function measure(key, env) {
  const kinds = ["raw", "same", "inline", "process", "same --no-lazy", "inline --no-lazy"];
  const times = Object.fromEntries(kinds.map((kind) => [kind, []]));
  const whole = Object.fromEntries(kinds.map((kind) => [kind, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of kinds) {
      const [way, ...flags] = kind.split(" ");
      const began = performance.now();
      times[kind].push(Number(runProgram(process.execPath, [...flags, self, key, way], { env })));
      whole[kind].push(performance.now() - began);
    }
  }
  const [bare, same, inline, apart, compiledSame, compiledInline] = kinds.map((kind) => median(times[kind]));
  const what = (ms, baseline, name) => `${ms.toFixed(1)} ms / ${name} ${baseline.toFixed(1)} ms`;
  report(`cold start inline ${what(inline, same, "raw, doing the same")}`, inline / same, "at most 1.3");
  report(`cold start inline ${what(inline, bare, "raw, signing alone")}`, inline / bare, "none");
  report(
    `cold start inline, compiled before ${what(compiledInline, compiledSame, "raw, doing the same")}`,
    compiledInline / compiledSame,
    "none",
  );
  report(`cold start process ${what(apart, same, "raw, doing the same")}`, apart / same, "none");
  const [all, , allInline] = kinds.map((kind) => median(whole[kind]));
  report(`whole program, inline ${what(allInline, all, "raw, signing alone")}`, allInline / all, "none");
}

// A module reads its configuration once, so each start has a process of its own.
if (process.argv[1] === self) {
  const [, , key, way] = process.argv;
  await startCold(key, way);
}

async function startCold(key, way) {
  if (way === "raw") return time(() => signOnce(key));
  if (way === "same") return time(() => signOnceProven(key));
  await import("../packages/backend-pkcs11/dist/index.js");
  await time(async () => await (await ours(key, way))()());
}

async function time(work) {
  const began = performance.now();
  await work();
  process.stdout.write(`${performance.now() - began}\n`);
  process.exit();
}
