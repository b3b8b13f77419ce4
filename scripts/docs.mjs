// What documents quote from the sources: `node scripts/docs.mjs` writes it, `--check` compares.
//   docs/errors.md is made from the table of codes; README.md shows a test of examples/mock.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorCodes } from "../packages/core/dist/index.js";
import { root } from "./setup.mjs";

const read = (file) => readFileSync(join(root, file), "utf8");
const checking = process.argv.includes("--check");

update("docs/errors.md", () => errorsPage());
update("README.md", (text) =>
  text.replace(
    /(<!-- examples\/mock\/participant\.test\.mjs -->\n```js\n)[^]*?(```)/,
    (_, open, close) => `${open}${read("examples/mock/participant.test.mjs")}${close}`,
  ),
);

function update(file, make) {
  const before = read(file);
  const after = make(before);
  if (before === after) return;
  if (checking) {
    process.stdout.write(`${file} is not what the sources say: run node scripts/docs.mjs\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(join(root, file), after);
  }
}

function errorsPage() {
  const cell = (value) => value.replaceAll("|", "\\|");
  const rows = Object.entries(errorCodes).map(
    ([code, { summary, hint }]) => `| \`${code}\` | ${cell(summary)} | ${cell(hint)} |`,
  );
  return `# Codes

Every \`CredentialError\` and every finding of \`ddscred check\` carries one of these codes. A code is stable: its
meaning does not change. The message of an error names the place and the values; the hint says what to do, and is
this one where the place knows nothing better. Made from \`packages/core/src/errors/codes.ts\`.

| code | what happened | what to do |
|---|---|---|
${rows.join("\n")}
`;
}
