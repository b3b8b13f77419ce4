import { constants, type FileHandle, open, stat } from "node:fs/promises";
import { CredentialError } from "@ddscred/core";
import { fileFault } from "./file-fault.ts";
import { shown } from "./shown.ts";

/** What a file may hold at most, in bytes. */
export const MAX_CREDENTIAL = 1024 * 1024;
export const MAX_DOCUMENT = 16 * 1024 * 1024;

/** A file that was asked for: where, how large at most, and the URI for errors. */
export interface WantedFile {
  readonly path: string;
  readonly limit: number;
  readonly uri: string;
}

/**
 * The bytes of a regular file. The one place where this package reads: it ends quickly whatever the path names,
 * opens no device, waits for no pipe, and takes in no more than the limit even from a file that grows.
 *
 * @throws CredentialError `FILE_NOT_FOUND`, `FILE_NOT_READABLE`, `FILE_NOT_REGULAR`, `FILE_EMPTY`,
 *   `FILE_TOO_LARGE`, `FILE_READ_FAILED`; the message names the path
 */
export async function readFile(wanted: WantedFile): Promise<Uint8Array> {
  const { path, uri } = wanted;
  try {
    // Opening a device may already do something, so what it is comes first; the handle is asked again.
    accept(await stat(path), wanted);
    // Without O_NONBLOCK, opening a pipe waits for its writer.
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    accept(await handle.stat(), wanted);
    const bytes = await readAll(handle, wanted);
    if (bytes.length === 0)
      throw new CredentialError("FILE_EMPTY", `the file is empty: ${shown(path)}`, { uri });
    return bytes;
  } catch (error) {
    throw error instanceof CredentialError ? error : await fileFault(error, path, uri);
  }
}

type Stats = Awaited<ReturnType<typeof stat>>;

function accept(stats: Stats, { path, limit, uri }: WantedFile): void {
  if (!stats.isFile()) {
    throw new CredentialError("FILE_NOT_REGULAR", `${shown(path)} is ${kindOf(stats)}, not a regular file`, {
      uri,
    });
  }
  if (stats.size > limit) throw tooLarge(`${stats.size} bytes`, path, limit, uri);
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return "a directory";
  if (stats.isFIFO()) return "a named pipe (FIFO)";
  if (stats.isSocket()) return "a socket";
  return stats.isBlockDevice() || stats.isCharacterDevice() ? "a device" : "something else";
}

/** Reads to the end, which need not be where the size says: files grow, and those in /proc have size 0. */
async function readAll(handle: FileHandle, { path, limit, uri }: WantedFile): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const { bytesRead, buffer } = await handle.read(new Uint8Array(CHUNK), 0, CHUNK, null);
    if (bytesRead === 0) return joined(chunks, total);
    total += bytesRead;
    if (total > limit) throw tooLarge(`more than ${limit} bytes`, path, limit, uri);
    chunks.push(buffer.subarray(0, bytesRead));
  }
}

const CHUNK = 64 * 1024;

function joined(chunks: readonly Uint8Array[], total: number): Uint8Array {
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function tooLarge(size: string, path: string, limit: number, uri: string): CredentialError {
  return new CredentialError("FILE_TOO_LARGE", `${shown(path)} has ${size}; at most ${limit} are read`, {
    uri,
  });
}
