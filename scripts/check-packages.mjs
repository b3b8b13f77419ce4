// The packages as they would be published: packed, examined, installed in an empty project, type-checked under
// NodeNext, run; core and dds-security also bundled for a browser and run there in spirit.

import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import vm from "node:vm";
import { buildSync } from "esbuild";
import { nodeDirectory, PNPM, root } from "./setup.mjs";

const SOFTHSM = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"];
const folder = mkdtempSync(join(tmpdir(), "ddscred-packages-"));
try {
  const tarballs = packAll();
  for (const file of Object.values(tarballs)) examine(file);
  installWithoutCompiler(tarballs);
  installEverything(tarballs);
  for (const name of ["core", "dds-security"]) runInBrowser(name);
} catch (error) {
  process.stdout.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function packAll() {
  const names = readdirSync(join(root, "packages")).filter((name) =>
    existsSync(join(root, "packages", name, "package.json")),
  );
  return Object.fromEntries(
    names.map((name) => {
      run("npx", ["-y", PNPM, "pack", "--pack-destination", folder], join(root, "packages", name));
      const { name: published, version } = JSON.parse(
        readFileSync(join(root, "packages", name, "package.json"), "utf8"),
      );
      return [name, join(folder, `${published.replace("@", "").replace("/", "-")}-${version}.tgz`)];
    }),
  );
}

function examine(tarball) {
  run(join(root, "node_modules/.bin/publint"), ["run", "--strict", tarball], root);
  // The program has no entry point of its own to import.
  if (/\/ddscred-\d/.test(tarball)) return;
  run(join(root, "node_modules/.bin/attw"), [tarball, "--profile", "esm-only", "--format", "ascii"], root);
}

/** What reads files only must bring nothing native and no build script. */
function installWithoutCompiler(tarballs) {
  const project = emptyProject("files-only");
  run(
    "npm",
    [
      "install",
      "--no-audit",
      "--no-fund",
      ...["core", "crypto-node", "backend-file"].map((name) => tarballs[name]),
    ],
    project,
    {
      CC: "false",
      CXX: "false",
    },
  );
  const native = readdirSync(join(project, "node_modules"), { recursive: true }).filter((file) =>
    /binding\.gyp$|\.node$/.test(file),
  );
  if (native.length > 0) throw new Error(`core and backend-file bring native code: ${native.join(", ")}`);
  writeFileSync(
    join(project, "index.ts"),
    `import { fileBackend, type FileBackend } from "@ddscred/backend-file";
import { createResolver, CredentialError, type Resolver } from "@ddscred/core";
const backend: FileBackend = fileBackend();
const resolver: Resolver = createResolver([backend]);
try {
  await resolver.certificates("file:nowhere.pem");
} catch (error) {
  if (!(error instanceof CredentialError) || error.code !== "FILE_NOT_FOUND") throw error;
}
await resolver.close();
`,
  );
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const types = ["--types", "node", "--typeRoots", join(root, "node_modules/@types")];
  run(
    process.execPath,
    [
      tsc,
      "--module",
      "nodenext",
      "--target",
      "es2023",
      "--lib",
      "es2023,esnext.disposable",
      "--strict",
      ...types,
      "index.ts",
    ],
    project,
  );
  run(process.execPath, ["index.js"], project);
}

function installEverything(tarballs) {
  const project = emptyProject("everything");
  const env = nodeDirectory() === undefined ? {} : { npm_config_nodedir: nodeDirectory() };
  run("npm", ["install", "--no-audit", "--no-fund", ...Object.values(tarballs)], project, env);
  run(join(project, "node_modules/.bin/ddscred"), ["--version"], project);
  run(join(project, "node_modules/.bin/ddscred"), ["demo"], project);
  // A library as one file must still find the program of the process that owns a module.
  writeFileSync(
    join(project, "library.js"),
    `import { pkcs11Backend } from "@ddscred/backend-pkcs11";
import { CredentialError } from "@ddscred/core";
const [module] = process.argv.slice(2);
const tokens = pkcs11Backend({ module });
const error = await tokens.signer("pkcs11:token=nowhere").catch((error) => error);
await tokens.close();
if (!(error instanceof CredentialError)) throw error;
if (error.code !== "TOKEN_NOT_FOUND") throw new Error(error.code + ": " + error.message);
`,
  );
  const softHsm = SOFTHSM.find((file) => existsSync(file));
  if (softHsm !== undefined) run(process.execPath, ["library.js", softHsm], project);
}

/** Bundled for a browser, and evaluated where there is neither Buffer nor process nor require. */
function runInBrowser(name) {
  const { outputFiles } = buildSync({
    entryPoints: [join(root, "packages", name, "bundle/index.js")],
    bundle: true,
    platform: "browser",
    format: "iife",
    globalName: "bundled",
    write: false,
    logLevel: "silent",
  });
  const { TextDecoder, TextEncoder, crypto, AbortController } = globalThis;
  const context = vm.createContext({
    TextDecoder,
    TextEncoder,
    crypto,
    AbortController,
    globalThis: undefined,
  });
  vm.runInContext(
    `${outputFiles[0].text}; if (Object.keys(bundled).length < 5) throw new Error("empty")`,
    context,
  );
}

function emptyProject(name) {
  const project = join(folder, name);
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }');
  return project;
}

function run(command, args, cwd, extra = {}) {
  const env = { ...process.env, ...extra };
  delete env.NODE_OPTIONS;
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: "utf8" });
  if (status !== 0)
    throw new Error(`${command} ${args.join(" ")} in ${cwd}\n${stdout}${stderr}${error ?? ""}`);
}
