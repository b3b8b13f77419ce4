// docs/adding-a-backend.md: each of its code blocks runs, or stands in the sources as it is.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";

const here = fileURLToPath(new URL(".", import.meta.url));
const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
const document = read("../../docs/adding-a-backend.md");
const port = read("../../packages/core/src/ports/credential-source.ts");
const example = read("kms-backend.mjs");
const blocks = [...document.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language, code]) => ({
  language,
  code,
}));

t.equal(blocks.length, 5, "code blocks of the document");

for (const [number, { language, code }] of blocks.entries()) {
  const first = code.trim().split("\n")[0];
  if (language === "ts") {
    t.test(`block ${number} is the port as it is: ${first}`, async (t) => {
      for (const line of code.split("\n").filter((line) => line.trim() !== ""))
        t.ok(port.includes(line), line);
    });
  } else if (code.startsWith("import ")) {
    t.test(`block ${number} runs: ${first}`, async (t) => {
      // Beside the example, so that its imports mean what they mean to a reader.
      mkdirSync(join(here, ".tmp"), { recursive: true });
      const folder = mkdtempSync(join(here, ".tmp/block-"));
      t.teardown(() => rmSync(folder, { recursive: true }));
      const file = join(folder, "block.mjs");
      writeFileSync(file, code.replaceAll('"./', '"../../'));
      const { NODE_TEST_CONTEXT: _, ...env } = process.env;
      const output = execFileSync(process.execPath, ["--test-reporter=tap", file], { encoding: "utf8", env });
      if (code.includes("node:test")) t.match(output, /^# tests \d\d[^]*^# fail 0$/m);
      else t.match(output, "[ 'kms' ]");
    });
  } else {
    t.test(`block ${number} is part of the example: ${first}`, async (t) => {
      t.ok(unindented(example).includes(unindented(code)), "kms-backend.mjs holds it");
    });
  }
}

function unindented(code) {
  return code.replace(/^ +/gm, "");
}
