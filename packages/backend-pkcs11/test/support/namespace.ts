import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Test } from "tap";
import { withSbin } from "./installed.ts";

/**
 * Runs a test file once more, in namespaces of its own: mounts, network, processes. There it may hide folders
 * of the machine behind empty ones, and start daemons that know no other paths or listen to everybody. All of it
 * ends with the process that runs the file, however that ends.
 *
 * @param url of the file
 * @param body what the file tests, called inside
 */
export async function inNamespaces(t: Test, url: string, body: () => Promise<void>): Promise<void> {
  if (process.env[INSIDE] !== undefined) return await body();
  const { TAP_CHILD_ID: _, ...env } = withSbin();
  const args = [...NAMESPACES, process.execPath, fileURLToPath(url)];
  await t.spawn("unshare", args, { env: { ...env, [INSIDE]: "yes" } }, "in namespaces of their own");
}

/** Why namespaces cannot be made here; undefined where they can. */
export function noNamespaces(): string | undefined {
  if (process.env[INSIDE] !== undefined) return undefined;
  try {
    execFileSync("unshare", [...NAMESPACES, "/bin/sh", "-c", "mount -t tmpfs tmpfs /mnt"], {
      stdio: "pipe",
      env: withSbin(),
    });
    return undefined;
  } catch {
    return "no namespaces can be made here (unshare as root)";
  }
}

/** Hides a folder of the machine behind an empty one, inside namespaces. */
export function hide(folder: string): void {
  if (process.env[INSIDE] === undefined) throw new Error("folders are hidden inside namespaces alone");
  execFileSync("mount", ["-t", "tmpfs", "-o", "mode=755", "tmpfs", folder], { stdio: "pipe" });
}

const INSIDE = "DDSCRED_TEST_IN_NAMESPACES";
/** The last process of them takes all others with it. */
const NAMESPACES = ["--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"] as const;
