// docs/errors.md from the table of codes: `node scripts/errors-doc.mjs` writes it, `--check` compares.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorCodes } from "../packages/core/dist/index.js";
import { root } from "./setup.mjs";

const file = join(root, "docs/errors.md");
const text = `# Codes

Every \`CredentialError\` and every finding of \`ddscred check\` carries one of these codes. A code is stable: its
meaning does not change. The message of an error names the place and the values; the hint says what to do, and is
this one where the place knows nothing better. Made from \`packages/core/src/errors/codes.ts\`.

| code | what happened | what to do |
|---|---|---|
${Object.entries(errorCodes)
  .map(([code, { summary, hint }]) => `| \`${code}\` | ${cell(summary)} | ${cell(hint)} |`)
  .join("\n")}
`;

function cell(value) {
  return value.replaceAll("|", "\\|");
}

if (process.argv.includes("--check")) {
  if (readFileSync(file, "utf8") !== text) {
    process.stdout.write(
      "docs/errors.md is not what the table of codes says: run node scripts/errors-doc.mjs\n",
    );
    process.exit(1);
  }
} else {
  writeFileSync(file, text);
}
