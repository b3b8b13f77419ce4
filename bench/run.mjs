// Benchmarks: each prints a ratio against a baseline measured in the same run. None is a test.
//   npx pnpm bench [NAME...]     names: startup check fleet documents peers cold-start decisions handshake scale size

import { setUp } from "../scripts/setup.mjs";

const names = process.argv.slice(2);
const all = [
  "startup",
  "check",
  "fleet",
  "documents",
  "peers",
  "cold-start",
  "decisions",
  "handshake",
  "scale",
  "size",
];
setUp();
for (const name of names.length > 0 ? names : all) {
  if (!all.includes(name)) throw new Error(`no benchmark "${name}"; there are ${all.join(", ")}`);
  const { run } = await import(`./${name}.mjs`);
  process.stdout.write(`${name}\n`);
  await run();
}
