// `npm start -- ARGS`: sets the clone up the first time, then runs the program in the caller's folder.
// `npm start` alone makes a throw-away deployment, checks it, breaks it, and checks it again.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { noteBinding, root, setUp } from "./setup.mjs";

try {
  setUp();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(3);
}

const args = process.argv.slice(2);
const runArgs = args.length === 0 ? ["demo"] : args;
const result = spawnSync(process.execPath, [join(root, "packages/cli/bin/ddscred.js"), ...runArgs], {
  cwd: process.env.INIT_CWD ?? process.cwd(),
  stdio: "inherit",
});
if (args.length === 0) noteBinding(); // a first run has scrolled it away
process.exit(result.status ?? 3);
