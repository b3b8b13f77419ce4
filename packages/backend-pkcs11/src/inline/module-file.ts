import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { CredentialError, nearest, redactUri } from "@ddscred/core";
import { foreignAccess } from "../foreign-access.ts";
import { isCutOff } from "./elf.ts";

/**
 * The real path of a module that may be handed to the dynamic linker: a regular file with the magic of the
 * platform's shared libraries, which nobody but root and the current user can exchange. Everything else would
 * be refused by the linker in other words, or would be something that it opens without being asked to (an
 * empty path is the program itself).
 *
 * `MODULE_NOT_FOUND`, `MODULE_NOT_LOADABLE` where it may not be read, `MODULE_NOT_PKCS11`, `MODULE_REFUSED`.
 */
export function moduleFile(path: string): string {
  if (path === "") throw new CredentialError("MODULE_NOT_FOUND", "the path of the PKCS#11 module is empty");
  if (/^\s*pkcs11:/i.test(path)) {
    throw new CredentialError("MODULE_NOT_FOUND", "a pkcs11: URI stands where the path of a module belongs", {
      hint: "Name the file of the module, such as /usr/lib/softhsm/libsofthsm2.so.",
    });
  }
  if (path.includes("\0"))
    throw new CredentialError("MODULE_NOT_FOUND", "the path of the PKCS#11 module holds NUL");
  const real = attempt(path, () => realpathSync(path));
  const { magic, cutOff } = attempt(path, () => look(path, real));
  if (!isLibrary(magic)) {
    throw new CredentialError(
      "MODULE_NOT_PKCS11",
      `${redactUri(path)} is no shared library of this platform`,
    );
  }
  // Who may exchange the link chooses the module, though not what is in it.
  const place = attempt(path, () => foreignAccess(real) ?? foreignAccess(resolve(path)));
  if (place === undefined && cutOff) {
    throw new CredentialError("MODULE_NOT_LOADABLE", `${redactUri(path)} is cut off: its end is missing`, {
      hint: "Install the package of the module again.",
    });
  }
  if (place === undefined) return real;
  throw new CredentialError(
    "MODULE_REFUSED",
    `the PKCS#11 module ${redactUri(path)} is not loaded: other users may write to ${place}`,
  );
}

function look(path: string, real: string): { magic: Buffer; cutOff: boolean } {
  const file = openSync(real, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    if (!fstatSync(file).isFile()) {
      throw new CredentialError("MODULE_NOT_PKCS11", `${redactUri(path)} is no regular file`, {
        hint: "Name the file of the module, such as /usr/lib/softhsm/libsofthsm2.so.",
      });
    }
    const magic = Buffer.alloc(4);
    const read = magic.subarray(0, readSync(file, magic, 0, 4, 0));
    return { magic: read, cutOff: read.toString("hex") === ELF && isCutOff(file) };
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
    const shown = redactUri(path);
    const missing = ["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG"].includes(code);
    if (missing) {
      const message = `there is no PKCS#11 module at ${shown}`;
      throw new CredentialError("MODULE_NOT_FOUND", message, { candidates: near(path) });
    }
    throw new CredentialError("MODULE_NOT_LOADABLE", `the PKCS#11 module ${shown} cannot be read (${code})`, {
      hint: "Give the user who runs this read permission on the module.",
    });
  }
}

/** Libraries beside it, and those of its name in the folder of modules below, that could be meant. */
function near(path: string): readonly string[] {
  const folder = dirname(resolve(path));
  const name = basename(path);
  const below = join(folder, "pkcs11", name);
  const libraries = listed(folder).filter((file) => /\.(?:so|dylib|dll)$/.test(file));
  return [
    ...(existsSync(below) ? [below] : []),
    ...nearest(name, libraries).map((file) => join(folder, file)),
  ];
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isLibrary(magic: Buffer): boolean {
  const hex = magic.toString("hex");
  if (process.platform === "win32") return hex.startsWith("4d5a");
  if (process.platform === "darwin") return machMagics.includes(hex);
  return hex === ELF;
}

const ELF = "7f454c46";

/** Mach-O of 64 bits, and of several architectures. */
const machMagics = ["cffaedfe", "cafebabe", "cafebabf"];
