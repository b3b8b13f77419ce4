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
  checkNode();
  // Where the native binding was not built, what could build it is part of the fingerprint: it is tried again.
  const installed = () => installFingerprint() + (bindingBuilt() ? "" : buildTools());
  step("install", installed, "Installing dependencies (only this once; a minute or less) ...", install);
  step("build", buildFingerprint, "Compiling ...", build);
}

function checkNode() {
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const [major, minor] = /(\d+)\.(\d+)/.exec(engines.node).slice(1).map(Number);
  const [ownMajor, ownMinor] = process.versions.node.split(".").map(Number);
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return;
  const own = `${process.versions.node} (${process.execPath})`;
  throw new Error(`ddscred needs Node.js ${major}.${minor} or later; this is ${own}.`);
}

/** Runs a piece of work unless it succeeded before and the fingerprint is still the same. */
export function step(name, fingerprint, notice, work) {
  const file = stampFile(name);
  if (existsSync(file) && readFileSync(file, "utf8") === fingerprint()) return;
  process.stderr.write(`${notice}\n`);
  work();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, fingerprint());
}

function install() {
  const env = { ...process.env };
  const headers = nodeDirectory();
  if (headers !== undefined) env.npm_config_nodedir = headers;
  env.npm_config_update_notifier = "false";
  const args = ["-y", PNPM, "install", "--frozen-lockfile", "--reporter=append-only"];
  run("npx", args, { env, name: "install" });
  noteBinding();
}

/** Says where pkcs11: URIs are not available. */
export function noteBinding() {
  if (bindingBuilt()) return;
  process.stderr.write(
    "Note: pkcs11js could not be built, so pkcs11: URIs are not available; all else works.\n" +
      "      It needs python3, make and a C++ compiler; once they are there, run npm start again.\n",
  );
}

/** Whether pkcs11js could be built; where it could not, it is absent, and everything but token access works. */
function bindingBuilt() {
  return existsSync(join(root, "packages/backend-pkcs11/node_modules/pkcs11js/build/Release/pkcs11.node"));
}

/** Which of the programs that build native code are there. */
function buildTools() {
  const folders = (process.env.PATH ?? "").split(":");
  const found = ["python3", "make", "c++", "g++", "clang++"].filter((program) =>
    folders.some((folder) => existsSync(join(folder, program))),
  );
  return ` built with: ${found.join(" ")}`;
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
