// docs/deployment.md and the beginning of docs/hsm.md are pasted into a shell, and the programs of the packages' READMEs run as they stand.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { missing, root, temporaryFolder } from "./support/program.ts";
import { softHsm } from "./support/tokens.ts";

t.setTimeout(600_000);

const blocksOf = (file: string, language: string): string[] => {
  const text = readFileSync(join(root, file), "utf8");
  return Array.from(text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)).flatMap(([, of, code]) =>
    of === language && code !== undefined ? [code] : [],
  );
};

const skip =
  missing("softhsm2-util", "bash") ?? (softHsm === "" ? "SoftHSM's module is not installed" : false);

const onThisMachine = (code: string) => code.replaceAll("/usr/lib/softhsm/libsofthsm2.so", softHsm);

t.test("docs/deployment.md, pasted, ends in a deployment that works", { skip }, (t) => {
  const home = temporaryFolder(t);
  const { status, stdout, stderr } = paste(blocksOf("docs/deployment.md", "sh"), home);
  t.equal(status, 0, stderr);
  for (const line of [
    /^good {2}permissions\.p7s$/m,
    /^good {2}alice\.xml$/m,
    /^good {2}bob\.xml$/m,
    /^allowed {2}publish Square/m,
    /^allowed {2}subscribe Square/m,
    /^authenticate$/m,
    /^denied {2}publish Square/m,
    /^\{"authenticated":true,"peer":"CN=alice,O=Example"/m,
    /^\{"authenticated":true,"peer":"CN=bob,O=Example"/m,
  ]) {
    t.match(stdout, line);
  }
  t.notMatch(stdout, /^(?:warning|info|error)\b/m, "nothing to complain about");

  // What README.md and that of backend-pkcs11 show goes on from there.
  const programs = [...blocksOf("README.md", "ts"), ...blocksOf("packages/backend-pkcs11/README.md", "js")];
  t.equal(programs.length, 3);
  const options = {
    cwd: join(home, "dds"),
    env: { ...process.env, SOFTHSM2_CONF: join(home, "dds/softhsm2.conf") },
  };
  runPrograms(t, programs.map(onThisMachine), options);
  runPrograms(t, programs.map(onThisMachine), options); // they leave nothing behind that a second run meets
  t.end();
});

t.test("docs/hsm.md, pasted from the top, ends with a certificate beside its key", { skip }, (t) => {
  const home = temporaryFolder(t);
  const [token = "", steps = ""] = blocksOf("docs/hsm.md", "sh");
  const { status, stdout, stderr } = paste([token.replace(/^sudo apt-get .*$/m, ""), steps], home);
  t.equal(status, 0, stderr);
  t.match(stdout, /^alice {2}private-key\n(?: .*\n)+ {2}pkcs11:\S+type=cert/m);
  t.end();
});

/** Runs a page as a reader does; it names the module where Debian has it. */
function paste(blocks: readonly string[], home: string) {
  const program = `ddscred() { "${process.execPath}" "${join(root, "packages/cli/bin/ddscred.js")}" "$@"; }`;
  const script = ["set -e", program, onThisMachine(blocks.join(""))].join("\n");
  return spawnSync("bash", ["-c", script], { encoding: "utf8", env: { ...process.env, HOME: home } });
}

// These packages cannot import those that their examples need beside them; the program's package has them all.
for (const name of ["core", "dds-security", "crypto-node", "backend-file"]) {
  t.test(`the programs of the README of ${name} print what they say`, (t) => {
    const programs = blocksOf(`packages/${name}/README.md`, "js");
    t.not(programs.length, 0);
    runPrograms(t, programs, { cwd: temporaryFolder(t) });
    t.end();
  });
}

/** Runs them inside the package, so that their imports mean what they mean to a reader. */
function runPrograms(
  t: Test,
  programs: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
) {
  mkdirSync(join(root, "packages/cli/.tmp"), { recursive: true });
  const folder = mkdtempSync(join(root, "packages/cli/.tmp/readme-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const [number, code] of programs.entries()) {
    const file = join(folder, `program-${number}.mjs`);
    writeFileSync(file, code);
    const output = execFileSync(process.execPath, [file], { encoding: "utf8", ...options });
    for (const [, printed = ""] of code.matchAll(/^.*console\.log\(.*\)+; \/\/ (.+)$/gm))
      t.match(output, printed);
  }
}
