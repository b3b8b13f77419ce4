// Brings a clone to the point where the program runs: dependencies installed, sources compiled.
// Each step is skipped when what it depends on has not changed since it last succeeded.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

export const PNPM = "pnpm@12.21.0";
const stampFile = (step) => join(root, ".setup", step);

/** Installs dependencies and compiles; throws an Error whose message says what to do. */
export function setUp() {
  step(
    "install",
    installFingerprint(),
    "Installing dependencies (only this once; a minute or less) ...",
    install,
  );
  step("build", buildFingerprint(), "Compiling ...", build);
}

/** Runs a piece of work unless it succeeded before with the same fingerprint. */
export function step(name, fingerprint, notice, work) {
  const file = stampFile(name);
  if (existsSync(file) && readFileSync(file, "utf8") === fingerprint) return;
  process.stderr.write(`${notice}\n`);
  work();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, fingerprint);
}

function install() {
  const env = { ...process.env };
  const headers = nodeDirectory();
  if (headers !== undefined) env.npm_config_nodedir = headers;
  run("npx", ["-y", PNPM, "install", "--frozen-lockfile", "--reporter=append-only"], {
    env,
    name: "install",
  });
}

/** Where this Node.js has its own headers: native add-ons build against them, so nothing is downloaded. */
export function nodeDirectory() {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  return existsSync(join(prefix, "include", "node", "node_api.h")) ? prefix : undefined;
}

function build() {
  run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-b"], { name: "build" });
  run(process.execPath, [join(root, "scripts/bundle.mjs")], { name: "bundle" });
}

/** Runs a program quietly; on failure shows all that it printed. */
function run(command, args, { env = process.env, name }) {
  const result = spawnSync(command, args, { cwd: root, env, encoding: "utf8", maxBuffer: 1 << 26 });
  if (result.error) throw new Error(`${name}: cannot run ${command}: ${result.error.message}`);
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout}${result.stderr}`);
    throw new Error(`${name} failed (${command} ${args.join(" ")})`);
  }
}

/** All that decides what is installed. */
export function installFingerprint() {
  const hash = createHash("sha256").update(process.version).update(process.arch);
  for (const file of ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", ...manifests()]) {
    hash.update(file).update(readFileSync(join(root, file)));
  }
  return hash.digest("hex");
}

function manifests() {
  return ["packages", "examples"].flatMap((folder) =>
    children(folder)
      .map((name) => join(folder, name, "package.json"))
      .filter((file) => existsSync(join(root, file))),
  );
}

/** Names, sizes and times of all that the compiler reads. */
function buildFingerprint() {
  const hash = createHash("sha256").update(installFingerprint());
  const walk = (folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!["node_modules", "dist", "dist-test", "fixtures"].includes(entry.name)) walk(path);
      } else if (/\.ts$|tsconfig.*\.json$/.test(entry.name)) {
        const { size, mtimeMs } = statSync(join(root, path));
        hash.update(`${path}:${size}:${mtimeMs};`);
      }
    }
  };
  hash
    .update(readFileSync(join(root, "tsconfig.base.json")))
    .update(readFileSync(join(root, "tsconfig.json")));
  walk("packages");
  return hash.digest("hex");
}

function children(folder) {
  return existsSync(join(root, folder)) ? readdirSync(join(root, folder)).sort() : [];
}
