import { lstat, opendir, readlink, stat } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { CredentialError, type CredentialErrorDetails, nearest } from "@ddscred/core";
import { fileUri, shown } from "./shown.ts";

/** The CredentialError of what the file system answered, with what a person needs to know to mend it. */
export async function fileFault(error: unknown, path: string, uri: string): Promise<CredentialError> {
  const { code = "" } = error as NodeJS.ErrnoException;
  const name = shown(path);
  // The error of Node.js quotes the path; where that must not be shown, it goes.
  const details = name === path ? { uri, cause: error } : { uri };
  switch (code) {
    case "ENOENT":
      return await notFound(path, details);
    case "ENOTDIR":
      return notFoundBecause(name, "a part of the path before its end is no directory", details);
    case "ELOOP":
      return notFoundBecause(name, "its symbolic links lead in a circle", details);
    case "ENAMETOOLONG":
      return notFoundBecause(name, "the path is longer than the file system allows", details);
    case "EACCES":
    case "EPERM":
      return new CredentialError("FILE_NOT_READABLE", await whoMayRead(path), details);
    case "EISDIR":
      return new CredentialError("FILE_NOT_REGULAR", `${name} is a directory, not a regular file`, details);
    default: {
      const retryable = ["EMFILE", "ENFILE", "EAGAIN", "EINTR", "EBUSY"].includes(code);
      const text = `reading ${name} failed (${code === "" ? "no reason given" : code})`;
      return new CredentialError("FILE_READ_FAILED", text, { ...details, retryable });
    }
  }
}

function notFoundBecause(name: string, reason: string, details: CredentialErrorDetails): CredentialError {
  return new CredentialError("FILE_NOT_FOUND", `there is no file ${name}: ${reason}`, details);
}

async function notFound(path: string, details: CredentialErrorDetails): Promise<CredentialError> {
  const name = shown(path);
  const target = await readlink(path).catch(() => undefined);
  if (target !== undefined) {
    const reason = `it is a symbolic link to ${shown(target)}, which does not exist`;
    return notFoundBecause(name, reason, details);
  }
  const folder = dirname(path);
  const names = await namesIn(folder);
  if (names === undefined) return notFoundBecause(name, `there is no directory ${shown(folder)}`, details);
  const near = nearest(basename(path), names);
  if (near.length === 0) return new CredentialError("FILE_NOT_FOUND", `there is no file ${name}`, details);
  const listed = near.map(shown).join(", ");
  return new CredentialError("FILE_NOT_FOUND", `there is no file ${name}; nearest names there: ${listed}`, {
    ...details,
    candidates: near.map((found) => fileUri(join(folder, found))),
  });
}

/** Names of files in a folder, the first thousand; none where it may not be listed, undefined where it is not. */
async function namesIn(folder: string): Promise<string[] | undefined> {
  const names: string[] = [];
  try {
    for await (const entry of await opendir(folder)) {
      if (!entry.isDirectory()) names.push(entry.name);
      if (names.length === MAX_NAMES) break;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
  }
  return names;
}

const MAX_NAMES = 1000;

/** Mode and owner of the file, or of the first folder on the way that cannot be passed. */
async function whoMayRead(path: string): Promise<string> {
  const closed = await firstClosedFolder(path);
  const what =
    closed === undefined
      ? `${shown(path)} may not be read`
      : `${shown(path)} cannot be reached, for ${shown(closed)} may not be passed`;
  const reader = `this process runs as uid ${process.geteuid?.() ?? "unknown"}`;
  const stats = await stat(closed ?? path).catch(() => undefined);
  if (stats === undefined) return `${what} (${reader})`;
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, "0");
  return `${what} (mode ${mode}, owner uid ${stats.uid}; ${reader})`;
}

async function firstClosedFolder(path: string): Promise<string | undefined> {
  const parts = path.split(sep);
  for (let length = 2; length <= parts.length; length += 1) {
    const seen = await lstat(parts.slice(0, length).join(sep)).catch(() => undefined);
    if (seen === undefined) return parts.slice(0, length - 1).join(sep) || sep;
  }
  return undefined;
}
