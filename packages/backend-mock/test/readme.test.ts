import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";

// Inside the package, so that the README's imports mean what they mean to a reader.
const home = fileURLToPath(new URL("../", import.meta.url));
const readme = readFileSync(join(home, "README.md"), "utf8");
const programs = Array.from(readme.matchAll(/^```js\n([^]*?)^```$/gm), ([, code = ""]) => code);

t.test("each program of the README runs as it stands", async (t) => {
  mkdirSync(join(home, ".tmp"), { recursive: true });
  const folder = mkdtempSync(join(home, ".tmp/readme-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  t.equal(programs.length, 2);
  for (const [number, code] of programs.entries()) {
    const file = join(folder, `program-${number}.mjs`);
    writeFileSync(file, code);
    const output = execFileSync(process.execPath, ["--test-reporter=tap", file], { encoding: "utf8", env });
    if (code.includes("node:test")) t.match(output, /^# pass 1$/m);
    t.pass(`program ${number} ended well`);
  }
});
