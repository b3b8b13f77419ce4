import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder with the reference data, beside the repository. */
const shared = fileURLToPath(new URL("../../../../../shared/", import.meta.url));

/** The reason to skip a test that needs a file of the reference data, or false where it is there. */
export const lacks = (path: string): string | false =>
  existsSync(join(shared, path)) ? false : `../shared/${path} is missing`;

export const sharedText = (path: string): string => readFileSync(join(shared, path), "utf8");

export const sharedRows = (path: string): readonly unknown[] =>
  (JSON.parse(sharedText(path)) as { rows: readonly unknown[] }).rows;

/** One of the deployments whose verdicts are known. */
export interface DeploymentCase {
  readonly id: string;
  readonly why: string;
  readonly specVerdict: Readonly<Record<string, boolean>> | null;
  readonly properties: Readonly<Record<string, string>>;
}

/** The deployments, unpacked into a folder of their own; `remove` when done. */
export function unpackDeployments() {
  const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
  execFileSync("tar", ["-xzf", join(shared, "vectors/deployments.tar.gz"), "-C", folder]);
  const read = (path: string) => new Uint8Array(readFileSync(join(folder, "deployments", path)));
  const cases = JSON.parse(Buffer.from(read("cases.json")).toString()) as readonly DeploymentCase[];
  return { cases, read, remove: () => rmSync(folder, { recursive: true }) };
}
