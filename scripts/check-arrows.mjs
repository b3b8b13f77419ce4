// Which package may use which, said in words when it is broken.
// package.json dependencies, tsconfig references and import statements must all agree with this table.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./setup.mjs";

const ALLOWED = {
  core: [],
  "crypto-node": ["core"],
  "backend-file": ["core", "crypto-node"],
  "backend-pkcs11": ["core", "crypto-node"],
  "backend-mock": ["core"],
  "backend-conformance": ["core"],
  "dds-security": ["core"],
  cli: ["core", "crypto-node", "backend-file", "backend-pkcs11", "backend-mock", "dds-security"],
};
/** Packages that know no host: the compiler sees no Node.js types there, and no node: module is imported. */
const PURE = ["core", "dds-security", "backend-conformance"];

const problems = [];
const folderOf = (name) => (name === "ddscred" ? "cli" : name.replace(/^@ddscred\//, ""));
const isOurs = (name) => name === "ddscred" || name.startsWith("@ddscred/");

for (const [folder, allowed] of Object.entries(ALLOWED)) {
  const home = join(root, "packages", folder);
  const manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  const tsconfig = JSON.parse(readFileSync(join(home, "tsconfig.json"), "utf8"));
  // The program is published as a bundle: what it is made of is there when it is built.
  const declared = Object.keys({
    ...manifest.dependencies,
    ...(folder === "cli" ? manifest.devDependencies : {}),
  });
  const check = (target, where) => {
    if (!allowed.includes(target)) problems.push(`${folder} must not use ${target} (${where})`);
  };
  for (const name of declared.filter(isOurs)) check(folderOf(name), "package.json");
  const references = (tsconfig.references ?? []).map((r) => r.path.replace("../", ""));
  for (const target of references) check(target, "tsconfig.json");
  for (const name of declared.filter(isOurs)) {
    if (!references.includes(folderOf(name)))
      problems.push(`${folder}: tsconfig.json lacks a reference to ${name}`);
  }
  if (PURE.includes(folder) && (tsconfig.compilerOptions.types ?? []).length > 0) {
    problems.push(`${folder} is pure and must keep "types": []`);
  }
  for (const { file, specifier } of imports(join(home, "src"))) {
    if (specifier.startsWith(".")) continue;
    if (specifier.startsWith("node:")) {
      if (PURE.includes(folder))
        problems.push(`${folder} is pure and must not import ${specifier} (${file})`);
      continue;
    }
    const name = specifier
      .split("/")
      .slice(0, specifier.startsWith("@") ? 2 : 1)
      .join("/");
    if (isOurs(name)) check(folderOf(name), file);
    const known = [...declared, ...Object.keys(manifest.optionalDependencies ?? {})];
    if (!known.includes(name)) {
      problems.push(`${folder} imports ${name}, which its package.json does not name (${file})`);
    }
  }
}

function* imports(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
    const file = join(entry.parentPath, entry.name);
    const pattern =
      /(?:^|\n)\s*(?:import|export)\s[^;]*?from\s+"([^"]+)"|import\("([^"]+)"\)|(?:^|\n)import\s+"([^"]+)"/g;
    for (const match of readFileSync(file, "utf8").matchAll(pattern)) {
      yield { file: file.slice(root.length + 1), specifier: match[1] ?? match[2] ?? match[3] };
    }
  }
}

for (const problem of problems) process.stdout.write(`arrow: ${problem}\n`);
if (problems.length > 0) process.exit(1);
