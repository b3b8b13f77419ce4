import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CredentialError } from "@ddscred/core";

/**
 * The program of the process that owns a module: beside this file, as it was installed or where a bundle has it
 * as an entry of its own, else in the installed package. `MODULE_FAILED` where a bundle left it behind.
 */
export function childFile(): string {
  // A bundle in the form of CommonJS has no import.meta.
  const here: string | undefined = import.meta.url;
  const beside = here === undefined ? undefined : fileURLToPath(new URL("./child.js", here));
  if (beside !== undefined && existsSync(beside)) return beside;
  try {
    return createRequire(here ?? join(process.cwd(), "main.js")).resolve("@ddscred/backend-pkcs11/child");
  } catch {
    const message = "the program for the process of a PKCS#11 module is not there";
    throw new CredentialError("MODULE_FAILED", message, {
      hint: 'Make "@ddscred/backend-pkcs11/child" an entry of the bundle, written beside it as child.js, or use isolation "inline".',
    });
  }
}
