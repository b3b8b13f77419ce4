import { lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { alternate, inTemporaryFolder, report, root, runProgram } from "./measure.mjs";

/**
 * What `npm install @ddscred/core @ddscred/backend-file` puts on a disk, beside a known small package set; and how long
 * the library for tokens takes to load as it is published, beside the modules that it is made of.
 */
export function run() {
  inTemporaryFolder((folder) => {
    const packs = ["core", "crypto-node", "backend-file"].map((name) => pack(name, folder));
    const ours = installedSize(join(folder, "ours"), packs);
    loadingTimes(folder, [...packs, pack("backend-pkcs11", folder)]);
    const baseline = installedSize(join(folder, "baseline"), ["typescript@5.9.3"]);
    process.stdout.write(`  installed core + backend-file: ${kib(ours.bytes)} KiB in ${ours.files} files\n`);
    process.stdout.write(
      `  ${(ours.bytes / baseline.bytes).toFixed(4)} of one installed typescript@5.9.3 (${kib(baseline.bytes)} KiB)\n`,
    );
  });
}

function loadingTimes(folder, packs) {
  const project = join(folder, "loading");
  installedSize(project, packs);
  const load = (what, cwd) => runProgram(process.execPath, ["-e", what && `import("${what}")`], { cwd });
  const modules = join(root, "packages/backend-pkcs11/dist/index.js");
  const works = [
    () => load("", project),
    () => load("@ddscred/backend-pkcs11", project),
    () => load(modules),
  ];
  const [empty, published, single] = alternate(works);
  const [took, alone] = [published - empty, single - empty];
  report(
    `loading backend-pkcs11 ${took.toFixed(0)} ms / its single modules ${alone.toFixed(0)} ms`,
    took / alone,
    "none",
  );
}

function pack(name, folder) {
  const out = runProgram("npx", ["-y", "pnpm@12.21.0", "pack", "--pack-destination", folder, "--json"], {
    cwd: join(root, "packages", name),
  });
  return JSON.parse(out.slice(out.indexOf("{"))).filename;
}

function installedSize(folder, packages) {
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), '{"private":true}');
  runProgram("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...packages], { cwd: folder });
  let bytes = 0;
  let files = 0;
  for (const entry of readdirSync(join(folder, "node_modules"), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    bytes += lstatSync(join(entry.parentPath, entry.name)).size;
    files++;
  }
  return { bytes, files };
}

const kib = (bytes) => Math.round(bytes / 1024);
