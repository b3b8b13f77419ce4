import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** A shared library in the folders of the distributions, its path; empty where there is none. */
export function library(name: string): string {
  const folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
  return (
    folders
      .flatMap((folder) => [join(folder, name), join(folder, "pkcs11", name), join(folder, "softhsm", name)])
      .find((path) => existsSync(path)) ?? ""
  );
}

/**
 * Why a test cannot run here: what of these is missing, by its name for people. A path is looked at, a name is
 * a program, `pkcs11js` the package. Undefined where all is there.
 */
export function missing(needed: Readonly<Record<string, string>>): string | undefined {
  const lacking = Object.entries(needed).find(([, what]) => !isThere(what));
  return lacking === undefined ? undefined : `${lacking[0]} is not installed`;
}

function isThere(what: string): boolean {
  if (what === "") return false;
  if (what.startsWith("/")) return existsSync(what);
  try {
    if (what === "pkcs11js") createRequire(import.meta.url)(what);
    else execFileSync("/bin/sh", ["-c", 'command -v "$0"', what], { stdio: "pipe", env: withSbin() });
    return true;
  } catch {
    return false;
  }
}

/** Daemons are where a user's PATH may not lead. */
export function withSbin(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };
}
