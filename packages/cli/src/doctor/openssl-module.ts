import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { redactUri } from "@ddscred/core";
import { realPath } from "./modules.ts";
import { type DoctorFinding, finding, good, shellWord } from "./report.ts";

interface ModuleOfOpenssl {
  readonly path: string | undefined;
  readonly where: string;
  readonly place: { readonly file: string; readonly line: number };
  readonly used: string | undefined;
}

/** The module that Cyclone DDS would use, beside the one that ddscred uses. */
export function judgeModule({ path, where, place, used }: ModuleOfOpenssl): DoctorFinding[] {
  if (path === undefined) {
    const message =
      "openssl.cnf names no PKCS#11 module, so Cyclone DDS gets p11-kit's proxy for all modules";
    const hint = "Name the module: `pkcs11-module-path = PATH` (OpenSSL 3.x), `MODULE_PATH = PATH` (1.x).";
    return [finding("info", "openssl", message, hint, { location: place })];
  }
  const details = { location: place };
  if (isAbsolute(path) && !existsSync(path)) {
    const message = `${where} names ${redactUri(path)}, which does not exist`;
    return [finding("error", "openssl", message, "Install the module, or correct the path.", details)];
  }
  const findings = [good("openssl", `Cyclone DDS would use the module ${path} (${where})`)];
  if (used !== undefined && realPath(path) !== realPath(used)) {
    const message = `ddscred uses ${used}, and Cyclone DDS another module`;
    findings.push(
      finding(
        "warning",
        "openssl",
        message,
        `Give ddscred the same one: --module ${shellWord(path)}`,
        details,
      ),
    );
  }
  return findings;
}

export const placeOf = (entry: { file: string; line: number } | undefined) => ({
  file: entry?.file ?? "",
  line: entry?.line ?? 1,
});

/** A command that writes a configuration of OpenSSL, and names it to whatever is started next. */
export function configurationCommand(...lines: readonly string[]): string {
  const quoted = lines.map((line) => shellWord(line)).join(" ");
  return `printf '%s\\n' ${quoted} > dds-openssl.cnf; export OPENSSL_CONF=$PWD/dds-openssl.cnf`;
}
