import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository, seen from the compiled tests in packages/cli/dist-test/support. */
export const root: string = fileURLToPath(new URL("../../../../", import.meta.url));

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program as a user would. NODE_OPTIONS is dropped: the test runner's loaders are not the user's. */
export function ddscred(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Outcome {
  const env = { ...process.env, ...options.env };
  delete env["NODE_OPTIONS"];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, "packages/cli/bin/ddscred.js"), ...args],
    {
      encoding: "utf8",
      timeout: 300_000,
      env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    },
  );
  return { status, stdout, stderr };
}

/** Runs any program that must succeed; answers with what it printed. */
export function run(
  program: string,
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string> },
): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: "utf8",
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
  });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stdout}${stderr}${error ?? ""}`);
  return stdout;
}

export function temporaryFolder(t: { teardown(work: () => void): unknown }): string {
  const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Which of the programs are missing, as a reason to skip; undefined where all are there. */
export function missing(...programs: readonly string[]): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(":");
  const absent = programs.filter((program) => !folders.some((folder) => existsSync(join(folder, program))));
  return absent.length > 0 ? `${absent.join(" and ")} not installed` : undefined;
}
