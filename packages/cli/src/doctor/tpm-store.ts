import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Runs work in which modules are loaded only to be looked at. tpm2-pkcs11 makes a store where it finds none; it is
 * given a folder that goes away afterwards, so that an examination leaves nothing in anybody's home.
 */
export async function withoutNewTpmStore<T>(work: () => Promise<T>): Promise<T> {
  if (process.env[VARIABLE] !== undefined || stores().some((folder) => existsSync(folder)))
    return await work();
  const folder = await mkdtemp(join(tmpdir(), "ddscred-"));
  process.env[VARIABLE] = folder;
  try {
    return await work();
  } finally {
    delete process.env[VARIABLE];
    await rm(folder, { recursive: true, force: true });
  }
}

const VARIABLE = "TPM2_PKCS11_STORE";

/** Where it looks for one by itself. */
const stores = (): readonly string[] => ["/etc/tpm2_pkcs11", join(homedir(), ".tpm2_pkcs11")];
