import { execFile } from "node:child_process";
import { devNull } from "node:os";

/** What `openssl version -a` says. */
export interface OpensslProgram {
  /** Such as 3.0.19. */
  readonly version: string;
  readonly major: number;
  /** OPENSSLDIR: its openssl.cnf is read. */
  readonly folder?: string;
  /** MODULESDIR, of 3.x: where providers are. */
  readonly providerFolder?: string;
  /** ENGINESDIR. */
  readonly engineFolder?: string;
}

/** The `openssl` on the PATH; undefined where there is none that answers. */
export async function opensslProgram(): Promise<OpensslProgram | undefined> {
  // No configuration: an answer must not depend on it, and providers must not be loaded for this.
  const said = await openssl(["version", "-a"], { OPENSSL_CONF: devNull });
  const [, version = "", major = ""] = /^OpenSSL ((\d+)\.\S+)/.exec(said ?? "") ?? [];
  if (said === undefined || version === "") return undefined;
  const folder = (name: string) => new RegExp(`^${name}: "(.+)"$`, "m").exec(said)?.[1];
  return {
    version,
    major: Number(major),
    ...named("folder", folder("OPENSSLDIR")),
    ...named("providerFolder", folder("MODULESDIR")),
    ...named("engineFolder", folder("ENGINESDIR")),
  };
}

/**
 * Runs the program with the user's own configuration, as Cyclone DDS would use the library; this loads what
 * is configured.
 *
 * @returns what it printed; undefined where it failed or took too long
 */
export async function openssl(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const options = {
      timeout: LONGEST,
      killSignal: "SIGKILL",
      maxBuffer: 1 << 20,
      env: { ...process.env, ...environment },
    } as const;
    const child = execFile("openssl", [...args], options, (error, stdout) => {
      resolve(error === null ? stdout : undefined);
    });
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(); // it may ask for a PIN, and must not wait for one
  });
}

const named = <N extends string>(name: N, value: string | undefined) =>
  (value === undefined ? {} : { [name]: value }) as { readonly [K in N]?: string };

/** Milliseconds. */
const LONGEST = 10_000;
