import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Why processes cannot be looked at here; false where they can. */
export const noProcesses: string | false = existsSync("/proc/self/stat") ? false : "there is no /proc";

/** The processes that own a module for this one, by number. */
export function children(): readonly string[] {
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return processes.filter((pid) => {
    try {
      const parent = /^\d+ \(.*\) [^Z] (\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
      return parent === String(process.pid) && shownOf(pid).includes("child.js");
    } catch {
      return false; // it ended meanwhile
    }
  });
}

/** What other users of the machine see of a process: its arguments. */
export function shownOf(pid: string): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8");
}
