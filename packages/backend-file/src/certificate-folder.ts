import { opendir } from "node:fs/promises";
import { join } from "node:path";
import { type Certificate, CredentialError, certificatesFromPem } from "@ddscred/core";
import { fileFault } from "./file-fault.ts";
import { MAX_CREDENTIAL, readFile } from "./read-file.ts";
import { fileUri, shown } from "./shown.ts";

/** One entry of a folder of certificates: the first certificate of its PEM text, or why there is none. */
export interface FolderEntry {
  readonly name: string;
  readonly certificate?: Certificate;
  readonly problem?: CredentialError;
}

/**
 * The certificates of a folder, as Cyclone DDS reads its trusted CAs: every entry but folders, whatever its name, the first
 * PEM certificate of each. Entries that hold none are told with their problem. Sorted by name.
 *
 * @throws CredentialError as for files; `FILE_NOT_REGULAR` where the path is no folder, `FILE_TOO_LARGE` beyond 1,000
 * entries or 16 MiB of them
 */
export async function readCertificateFolder(path: string, uri: string): Promise<readonly FolderEntry[]> {
  const names = await namesOf(path, uri);
  const entries: FolderEntry[] = [];
  let total = 0;
  for (const name of names.toSorted((a, b) => (a < b ? -1 : 1))) {
    const file = join(path, name);
    const place = { uri: fileUri(file), file };
    try {
      const bytes = await readFile({ path: file, limit: MAX_CREDENTIAL, uri: place.uri });
      total += bytes.length;
      if (total > MAX_TOTAL) throw tooLarge(path, uri, `more than ${MAX_TOTAL} bytes in its files`);
      const [certificate] = certificatesFromPem(bytes, place);
      entries.push({ name, ...(certificate && { certificate }) });
    } catch (error) {
      if (!(error instanceof CredentialError) || error.rule === "folder") throw error;
      entries.push({ name, problem: error });
    }
  }
  return entries;
}

async function namesOf(path: string, uri: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of await opendir(path)) {
      if (!entry.isDirectory()) names.push(entry.name);
      if (names.length > MAX_ENTRIES) throw tooLarge(path, uri, `more than ${MAX_ENTRIES} entries`);
    }
  } catch (error) {
    if (error instanceof CredentialError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") {
      throw new CredentialError("FILE_NOT_REGULAR", `${shown(path)} is not a directory`, {
        uri,
        hint: "Name the folder that holds the certificates of the trusted CAs.",
      });
    }
    throw await fileFault(error, path, uri);
  }
  return names;
}

function tooLarge(path: string, uri: string, what: string): CredentialError {
  return new CredentialError("FILE_TOO_LARGE", `the folder ${shown(path)} has ${what}`, {
    uri,
    rule: "folder",
  });
}

const MAX_ENTRIES = 1000;
const MAX_TOTAL = 16 * 1024 * 1024;
