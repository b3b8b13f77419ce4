import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TokenObjectSpec } from "./objects.ts";
import { type Provisioning, provision } from "./provision.ts";

export const module =
  [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
  ].find((path) => existsSync(path)) ?? "";

/** Why tests on a token cannot run here; false where they can. */
export const skip: string | false = reasonToSkip();

/** The PIN of every test token: no other text of a test holds it, so it is found wherever it leaks. */
export const PIN = "canary-pin-4711";

/**
 * A folder of SoftHSM tokens for this process. Fill it before the module is first used: SoftHSM reads its
 * configuration, and the list of its tokens, when it is initialised.
 */
export class TokenFolder {
  readonly path = mkdtempSync(join(tmpdir(), "ddscred-"));

  readonly #tokens: string;

  /** @param isLarge for thousands of objects, which take minutes to write on a disk: in memory, where that can be had */
  constructor(isLarge = false) {
    const isInMemory = isLarge && existsSync(MEMORY);
    this.#tokens = isInMemory ? mkdtempSync(join(MEMORY, "ddscred-")) : join(this.path, "tokens");
    const tokens = this.#tokens;
    const configuration = join(this.path, "softhsm2.conf");
    mkdirSync(tokens, { recursive: true });
    writeFileSync(
      configuration,
      `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`,
    );
    process.env["SOFTHSM2_CONF"] = configuration;
  }

  add(label: string, objects: readonly TokenObjectSpec[] = [], pin = PIN): void {
    execFileSync(
      "softhsm2-util",
      ["--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", pin],
      { stdio: "pipe" },
    );
    if (objects.length === 0) return;
    const binding = createRequire(import.meta.url).resolve("pkcs11js");
    const program = `(${provision.toString()})(JSON.parse(require("node:fs").readFileSync(0, "utf8")), require)`;
    execFileSync(process.execPath, ["--eval", program], {
      input: JSON.stringify({ binding, module, label, pin, objects } satisfies Provisioning),
      stdio: "pipe",
    });
  }

  file(name: string, content: string | Uint8Array, mode = 0o600): string {
    const path = join(this.path, name);
    writeFileSync(path, content, { mode });
    return path;
  }

  remove(): void {
    rmSync(this.#tokens, { recursive: true, force: true });
    rmSync(this.path, { recursive: true, force: true });
  }
}

const MEMORY = "/dev/shm";

function reasonToSkip(): string | false {
  if (module === "") return "SoftHSM's module is not installed";
  try {
    execFileSync("softhsm2-util", ["--version"], { stdio: "pipe" });
  } catch {
    return "softhsm2-util is not installed";
  }
  try {
    createRequire(import.meta.url)("pkcs11js");
  } catch {
    return "pkcs11js is not installed";
  }
  return false;
}
