import { statSync } from "node:fs";
import { type DoctorFinding, finding, shellWord, type Topic } from "./report.ts";

/** Access rights of a file: who besides root and its owner may do what. Undefined where they are not to be had. */
export interface Access {
  readonly mode: string;
  /** Nobody but the owner has any access. */
  readonly isPrivate: boolean;
  readonly othersRead: boolean;
  readonly groupReads: boolean;
  readonly othersWrite: boolean;
  readonly isForeign: boolean;
}

export function accessTo(path: string): Access | undefined {
  if (process.getuid === undefined) return undefined; // Windows has other means
  try {
    const { mode, uid } = statSync(path);
    return {
      mode: (mode & 0o7777).toString(8).padStart(4, "0"),
      isPrivate: (mode & 0o077) === 0,
      othersRead: (mode & 0o004) !== 0,
      groupReads: (mode & 0o040) !== 0,
      othersWrite: (mode & 0o022) !== 0,
      isForeign: uid !== 0 && uid !== process.getuid(),
    };
  } catch {
    return undefined;
  }
}

/** A configuration decides which code is loaded: whoever may write to it decides that. */
export function judgeWriters(topic: Topic, path: string): DoctorFinding[] {
  const access = accessTo(path);
  if (access === undefined || (!access.othersWrite && !access.isForeign)) return [];
  const who = access.isForeign ? "belongs to another user" : `may be written by others (mode ${access.mode})`;
  const message = `${path} ${who}, who can have any code loaded through it`;
  const hint = access.isForeign ? `\`chown root ${shellWord(path)}\`` : `\`chmod go-w ${shellWord(path)}\``;
  return [finding("error", topic, message, hint, { location: { file: path } })];
}
