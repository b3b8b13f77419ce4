import { type Stats, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * The place where somebody besides root and the current user could exchange a file that is about to run in
 * this process: the file itself, or a folder above it. Undefined where nobody can. A sticky folder, as /tmp,
 * lets nobody exchange the files of others.
 *
 * @param real a path without symbolic links, so that it is what is checked that is opened afterwards
 */
export function foreignAccess(real: string): string | undefined {
  if (process.getuid === undefined) return undefined; // Windows has other means
  if (!isOurs(statSync(real))) return real;
  for (let folder = dirname(real); ; folder = dirname(folder)) {
    if (!isOurs(statSync(folder))) return `the folder ${folder}`;
    if (folder === dirname(folder)) return undefined;
  }
}

function isOurs(stat: Stats): boolean {
  if (stat.uid !== 0 && stat.uid !== process.getuid?.()) return false;
  return (stat.mode & OTHERS_MAY_WRITE) === 0 || (stat.isDirectory() && (stat.mode & STICKY) !== 0);
}

const OTHERS_MAY_WRITE = 0o022;
const STICKY = 0o1000;
