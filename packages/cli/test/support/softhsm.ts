import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ddscred, type Outcome, root, run } from "./program.ts";

/** A copy of the manual's example on a SoftHSM token, made by examples/softhsm. */
export interface Example {
  readonly folder: string;
  readonly module: string;
  readonly env: Record<string, string>;
  /** The text of cyclonedds.xml. */
  readonly configuration: string;
  /** Writes another configuration beside it, mode 0600, and answers with its name. */
  readonly write: (name: string, text: string | Uint8Array, mode?: number) => string;
  readonly openssl: (...args: readonly string[]) => string;
  readonly pkcs11Tool: (...args: readonly string[]) => string;
  check(file: string, ...options: readonly string[]): Outcome & { report: Report };
}

/** The part of a JSON report that tests look at. */
interface Report {
  readonly ok: boolean;
  readonly findings: readonly {
    readonly code: string;
    readonly severity: string;
    readonly property?: string;
    readonly message: string;
    readonly hint: string;
    readonly uri?: string;
    readonly location?: { readonly file: string; readonly line: number; readonly column: number };
    readonly candidates?: readonly string[];
  }[];
  readonly credentials: readonly { readonly property: string; readonly possessionProved?: boolean }[];
  readonly documents: readonly { readonly property: string; readonly signer: string }[];
  readonly expiry: readonly { readonly property: string; readonly notAfter: string }[];
}

export const PIN = "1234";

export function makeExample(folder: string, keyType: "ec" | "rsa"): Example {
  const printed = run(process.execPath, [join(root, "examples/softhsm/make.mjs"), folder, "--key", keyType], {
    cwd: folder,
  });
  const module = /--module (\S+)/.exec(printed)?.[1] ?? "";
  const env = { SOFTHSM2_CONF: join(folder, "softhsm2.conf") };
  return {
    folder,
    module,
    env,
    configuration: readFileSync(join(folder, "cyclonedds.xml"), "utf8"),
    write(name, text, mode = 0o600) {
      writeFileSync(join(folder, name), text, { mode });
      return name;
    },
    openssl: (...args) => run("openssl", args, { cwd: folder }),
    pkcs11Tool: (...args) =>
      run(
        "pkcs11-tool",
        ["--module", module, "--token-label", "DDSTestToken", "--login", "--pin", PIN, ...args],
        { cwd: folder, env },
      ),
    check(file, ...options) {
      const withModule = options.includes("--module") ? options : [...options, "--module", module];
      const outcome = ddscred(["check", file, "--format", "json", ...withModule], { cwd: folder, env });
      return { ...outcome, report: JSON.parse(outcome.stdout === "" ? "{}" : outcome.stdout) };
    },
  };
}
