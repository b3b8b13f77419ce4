import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Before modules are loaded only to be looked at: tpm2-pkcs11 makes a store where it finds none, and who only asks what
 * is there wants none, neither in his home nor where he happens to be. It is given a folder of its own.
 *
 * @returns takes the folder away; undefined where none was lent
 */
export function lendTpmStore(): (() => void) | undefined {
  if (process.env[VARIABLE] !== undefined || stores().some((store) => existsSync(store))) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
  process.env[VARIABLE] = folder;
  return () => {
    delete process.env[VARIABLE];
    rmSync(folder, { recursive: true, force: true });
  };
}

const VARIABLE = "TPM2_PKCS11_STORE";

/** Where it looks for one by itself. */
const stores = (): readonly string[] => [
  "/etc/tpm2_pkcs11",
  join(homedir(), ".tpm2_pkcs11"),
  "tpm2_pkcs11.sqlite3",
];
