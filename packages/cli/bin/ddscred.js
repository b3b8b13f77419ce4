#!/usr/bin/env node
// Start-up is a feature: the version is answered before anything else is loaded.
import { readFileSync } from "node:fs";

const args = process.argv.slice(2);
if (args.length === 1 && (args[0] === "--version" || args[0] === "-V")) {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  process.stdout.write(`${/"version": "([^"]+)"/.exec(manifest)[1]}\n`);
} else {
  const { main } = await import("../bundle/main.js");
  process.exitCode = await main(args);
}
