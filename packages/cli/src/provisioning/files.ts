import { randomBytes } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import { fileBackend } from "@ddscred/backend-file";
import { CredentialError, encodePem, readPem } from "@ddscred/core";
import { readStdin, STDIN, uriOf } from "../input.ts";

/** The bytes of a path, a file: or a data: URI, or of standard input (`-`). */
export async function readInput(value: string): Promise<Uint8Array> {
  if (value === STDIN) return await readStdin();
  return await fileBackend().document(uriOf(value));
}

/** The DER of the first PEM block with this label, or of what is DER already. `PEM_NOT_FOUND`, `PEM_INVALID` */
export async function readDerInput(value: string, label: string): Promise<Uint8Array> {
  const bytes = await readInput(value);
  if (bytes[0] === SEQUENCE) return bytes;
  const block = readPem(bytes).find((one) => one.label === label || one.label === `NEW ${label}`);
  if (block !== undefined) return block.der;
  throw new CredentialError("PEM_NOT_FOUND", `there is no PEM block ${label}`, { uri: uriOf(value) });
}

/**
 * Writes PEM into a new file, or gives the text where no file is named. `FILE_WRITE_FAILED`, also where the file
 * is there already.
 */
export async function writePem(file: string | undefined, label: string, der: Uint8Array): Promise<string> {
  const pem = encodePem(label, der);
  if (file !== undefined && file !== "-") await writeNew(file, pem);
  return pem;
}

/** Writes a new file that all may read. `FILE_WRITE_FAILED`, also where it is there already. */
export async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: "wx", mode: 0o644 });
  } catch (cause) {
    throw writeFailed(file, cause);
  }
}

/** Writes a file that all may read, in place of one that is there; nobody ever sees half of it. `FILE_WRITE_FAILED` */
export async function writeAtOnce(file: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    await writeFile(temporary, bytes, { flag: "wx", mode: 0o644 });
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined); // its name may be what was wrong
    throw writeFailed(file, cause);
  }
}

function writeFailed(file: string, cause: unknown): CredentialError {
  const { code = "" } = cause as NodeJS.ErrnoException;
  const { problem, hint } = WRITE_PROBLEMS[code] ?? { problem: `cannot be written (${code})` };
  const details = hint === undefined ? { cause } : { cause, hint };
  return new CredentialError("FILE_WRITE_FAILED", `${file} ${problem}`, details);
}

const WRITE_PROBLEMS: Readonly<Record<string, { problem: string; hint?: string }>> = {
  EEXIST: {
    problem: "is there already, and is not overwritten",
    hint: "Choose another name (--out), or move the old file away.",
  },
  ENOENT: {
    problem: "cannot be written: there is no such folder (ENOENT)",
    hint: "Make the folder, or choose another one (--out).",
  },
  EISDIR: { problem: "cannot be written: it is a folder (EISDIR)", hint: "Name a file (--out)." },
};

const SEQUENCE = 0x30;
