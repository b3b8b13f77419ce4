// The program and the libraries as few files: loading the two hundred small modules behind a `pkcs11:` URI takes four
// times as long. In a clone the packages are used as compiled, so that tests reach what is inside; what is published is
// this. What a package depends on stays a dependency of its own; the program holds the libraries itself.

import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { root } from "./setup.mjs";

const common = {
  bundle: true,
  splitting: true,
  platform: "node",
  format: "esm",
  target: "node20",
  logLevel: "error",
};

for (const name of readdirSync(join(root, "packages"))) {
  const manifest = join(root, "packages", name, "package.json");
  if (!existsSync(manifest)) continue;
  const { exports, publishConfig } = JSON.parse(readFileSync(manifest, "utf8"));
  const published = Object.entries(publishConfig?.exports ?? {});
  if (published.length === 0) continue;
  const entryPoints = published.map(([key, { default: file }]) => ({
    in: join(root, "packages", name, exports[key].default),
    out: file.replace("./bundle/", "").replace(/\.js$/, ""),
  }));
  write(name, { ...common, entryPoints, packages: "external", sourcemap: true, sourcesContent: false });
}
write("cli", {
  ...common,
  entryPoints: {
    main: join(root, "packages/cli/dist/main.js"),
    // The process that owns a PKCS#11 module is found beside the file that starts it.
    child: join(root, "packages/backend-pkcs11/dist/process/child.js"),
  },
  external: ["pkcs11js", "@peculiar/webcrypto"],
});

/** Beside it first: a bundle that cannot be built leaves the one that was. */
function write(name, options) {
  const bundle = join(root, "packages", name, "bundle");
  const outdir = `${bundle}.new`;
  rmSync(outdir, { recursive: true, force: true });
  buildSync({ ...options, outdir });
  rmSync(bundle, { recursive: true, force: true });
  renameSync(outdir, bundle);
}
