import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { CredentialError } from "@ddscred/core";

/**
 * The real path of a module that may be handed to the dynamic linker: a regular file with the magic of the
 * platform's shared libraries. Everything else would be refused by the linker in other words, or would be
 * something that it opens without being asked to (an empty path is the program itself).
 *
 * `MODULE_NOT_FOUND`, `MODULE_NOT_LOADABLE` where it may not be read, `MODULE_NOT_PKCS11`.
 */
export function moduleFile(path: string): string {
  if (path === "") throw new CredentialError("MODULE_NOT_FOUND", "the path of the PKCS#11 module is empty");
  if (path.includes("\0"))
    throw new CredentialError("MODULE_NOT_FOUND", "the path of the PKCS#11 module holds NUL");
  const real = attempt(path, () => realpathSync(path));
  const magic = attempt(path, () => firstBytes(path, real));
  if (isLibrary(magic)) return real;
  throw new CredentialError("MODULE_NOT_PKCS11", `${path} is no shared library of this platform`);
}

function firstBytes(path: string, real: string): Buffer {
  const file = openSync(real, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    if (!fstatSync(file).isFile()) {
      throw new CredentialError("MODULE_NOT_PKCS11", `${path} is no regular file`, {
        hint: "Name the file of the module, such as /usr/lib/softhsm/libsofthsm2.so.",
      });
    }
    const magic = Buffer.alloc(4);
    return magic.subarray(0, readSync(file, magic, 0, 4, 0));
  } finally {
    closeSync(file);
  }
}

function attempt<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof CredentialError) throw error;
    const { code = "" } = error as NodeJS.ErrnoException;
    const missing = ["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG"].includes(code);
    if (missing) throw new CredentialError("MODULE_NOT_FOUND", `there is no PKCS#11 module at ${path}`);
    throw new CredentialError("MODULE_NOT_LOADABLE", `the PKCS#11 module ${path} cannot be read (${code})`, {
      hint: "Give the user who runs this read permission on the module.",
    });
  }
}

function isLibrary(magic: Buffer): boolean {
  const hex = magic.toString("hex");
  if (process.platform === "win32") return hex.startsWith("4d5a");
  if (process.platform === "darwin") return machMagics.includes(hex);
  return hex === "7f454c46";
}

/** Mach-O of 64 bits, and of several architectures. */
const machMagics = ["cffaedfe", "cafebabe", "cafebabf"];
