import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { fileBackend } from "@ddscred/backend-file";
import { CredentialError, redactUri } from "@ddscred/core";
import {
  configurationFromEnclave,
  type EnclaveFile,
  enclaveFileNames,
  type FileExposure,
  isEnclave,
} from "@ddscred/dds-security";
import type { Source } from "./source.ts";

/** Whether a path names a folder; what cannot be looked at is none, and reading it will say why. */
export async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/**
 * The enclaves of SROS 2 in a folder: the folder itself, all below the `enclaves` of a keystore, or all below a
 * folder within one. `CONFIG_INVALID` where there is none.
 */
export async function readEnclaves(folder: string): Promise<readonly Source[]> {
  const folders = await enclaveFolders(folder);
  if (folders.length === 0) {
    const files = (await namesIn(folder)).filter((name) => /^[\w.-]{1,60}\.xml$/.test(name)).toSorted();
    const named = files.slice(0, MAX_NAMED).join(", ") + (files.length > MAX_NAMED ? ", ..." : "");
    const there = files.length === 0 ? "" : `; there ${files.length === 1 ? "is" : "are"} ${named}`;
    throw new CredentialError("CONFIG_INVALID", `there is no SROS 2 enclave in this folder${there}`, {
      uri: pathToFileURL(folder).href,
      hint: "Name a keystore, one of its enclaves, or a configuration file.",
    });
  }
  return await Promise.all(folders.map(readEnclave));
}

async function readEnclave(folder: string): Promise<Source> {
  const names = (await namesIn(folder)).filter((name) => enclaveFileNames.includes(name));
  const files = await Promise.all(names.map(async (name) => await enclaveFile(folder, name)));
  const configuration = configurationFromEnclave(redactUri(folder), files);
  return { configuration, bases: [folder], others: await exposureOf(files) };
}

async function enclaveFile(folder: string, name: string): Promise<EnclaveFile> {
  const path = join(folder, name);
  const uri = pathToFileURL(path).href;
  if (!name.endsWith(".p11")) return { name, uri };
  const size = await stat(path).then(
    (found) => (found.isFile() ? found.size : undefined),
    () => undefined,
  );
  // What cannot be read, or is no URI by its size, is told as a file that does not begin with pkcs11:.
  if (size === undefined || size > MAX_URI_FILE) return { name, uri, text: "" };
  return { name, uri, text: await readFile(path, "utf8").catch(() => "") };
}

/** A file with a URI may hold a PIN: what others may do with any of them counts for the enclave. */
async function exposureOf(files: readonly EnclaveFile[]): Promise<FileExposure> {
  const backend = fileBackend();
  const each = await Promise.all(
    files.filter(({ text }) => text !== undefined).map(async ({ uri }) => await backend.exposure(uri)),
  );
  const readableByOthers = each.some((exposure) => exposure?.readableByOthers === true);
  return { readableByOthers, writableByOthers: each.some((exposure) => exposure?.writableByOthers === true) };
}

async function enclaveFolders(folder: string): Promise<readonly string[]> {
  const names = await namesIn(folder);
  if (isEnclave(names)) return [folder];
  const found: string[] = [];
  const start = names.includes("enclaves") ? join(folder, "enclaves") : folder;
  await collect(start, 0, found);
  return found;
}

/** Folders are walked in the order of their names; links are not followed, so that the walk ends. */
async function collect(folder: string, depth: number, found: string[]): Promise<void> {
  if (depth > MAX_DEPTH || found.length >= MAX_ENCLAVES) return;
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  if (isEnclave(entries.map(({ name }) => name))) found.push(folder);
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isDirectory()) await collect(join(folder, entry.name), depth + 1, found);
  }
}

const namesIn = async (folder: string): Promise<readonly string[]> =>
  await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw new CredentialError("FILE_NOT_READABLE", `the folder cannot be read (${error.code ?? "unknown"})`, {
      uri: pathToFileURL(folder).href,
    });
  });

/** Files that may be configurations. */
const MAX_NAMED = 5;
const MAX_URI_FILE = 16_384;
const MAX_DEPTH = 16;
const MAX_ENCLAVES = 10_000;
