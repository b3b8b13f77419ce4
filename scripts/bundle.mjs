// The program as few files: loading a hundred and seventy small modules takes longer than checking a configuration.
// What is native, or only the demonstration needs, stays a dependency.

import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { root } from "./setup.mjs";

const bundle = join(root, "packages/cli/bundle");
// Beside it first: a bundle that cannot be built leaves the one that was.
const outdir = `${bundle}.new`;
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
rmSync(bundle, { recursive: true, force: true });
renameSync(outdir, bundle);
