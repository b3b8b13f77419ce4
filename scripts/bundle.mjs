// The program as few files: loading a hundred and seventy small modules takes longer than checking a configuration.
// What is native, or only the demonstration needs, stays a dependency.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { root } from "./setup.mjs";

const outdir = join(root, "packages/cli/bundle");
rmSync(outdir, { recursive: true, force: true });
buildSync({
  entryPoints: {
    main: join(root, "packages/cli/dist/main.js"),
    // The process that owns a PKCS#11 module is found beside the file that starts it.
    child: join(root, "packages/backend-pkcs11/dist/process/child.js"),
  },
  outdir,
  bundle: true,
  splitting: true,
  platform: "node",
  format: "esm",
  target: "node20",
  external: ["pkcs11js", "@peculiar/webcrypto"],
  logLevel: "error",
});
