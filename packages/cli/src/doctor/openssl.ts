import type { Discovery, DiscoveryFinding, OpensslDiscovery } from "@ddscred/backend-pkcs11";
import { accessTo, judgeWriters } from "./files.ts";
import { judgeEngines } from "./openssl-engines.ts";
import type { OpensslProgram } from "./openssl-program.ts";
import { judgeProviders, providerHint } from "./openssl-providers.ts";
import { type DoctorFinding, finding, good, shellWord, type Topic } from "./report.ts";

/**
 * Whether a Cyclone DDS on this machine would reach the token: OpenSSL 1.x by an ENGINE, 3.x by a provider,
 * each configured in openssl.cnf. What ddscred itself needs is none of this, so what is not configured at all
 * is a warning; what is configured and broken is an error.
 *
 * @param used the module that ddscred uses
 */
export async function judgeOpenssl(
  program: OpensslProgram | undefined,
  found: Discovery["openssl"],
  used: string | undefined,
): Promise<readonly DoctorFinding[]> {
  if (found === undefined) {
    const message = "there is no openssl.cnf, so OpenSSL, and Cyclone DDS with it, reaches no token";
    return [judgeProgram(program), finding("warning", "openssl", message, providerHint(used))];
  }
  const files = found.files.flatMap((file) => judgeWriters("openssl", file));
  const head = [
    judgeProgram(program),
    ...found.findings.map((odd) => asFinding("openssl", odd)),
    ...files,
    ...found.files.flatMap((file) => judgePins(file, found)),
  ];
  if (!found.isReadable) return head;
  const major = program?.major ?? (found.providers.length > 0 || found.engines.length === 0 ? 3 : 1);
  return major >= 3
    ? [...head, ...(await judgeProviders(found, program, used))]
    : [...head, ...(await judgeEngines(found, program, used))];
}

function judgeProgram(program: OpensslProgram | undefined): DoctorFinding {
  if (program !== undefined) return good("openssl", `OpenSSL ${program.version} is on the PATH`);
  const message = "no openssl is on the PATH, so the version that Cyclone DDS uses is not known";
  return finding("info", "openssl", message, "`apt-get install openssl`");
}

/** A PIN in openssl.cnf, which is as a rule for everybody to read. */
function judgePins(file: string, { engines, providers }: OpensslDiscovery): DoctorFinding[] {
  return [...engines, ...providers].flatMap(({ pinAt }) => {
    if (pinAt === undefined || pinAt.file !== file) return [];
    const access = accessTo(file);
    const isOpen = access !== undefined && (access.othersRead || access.groupReads);
    const message = isOpen
      ? `a PIN stands in ${file}, which others may read (mode ${access.mode})`
      : `a PIN stands in ${file}`;
    const hint = isOpen
      ? `Take the PIN out, or \`chmod 0600 ${shellWord(file)}\`.`
      : "Prefer pin-value=${DDS_PIN} in the URIs of the configuration, which the environment fills in.";
    return [finding(isOpen ? "error" : "info", "openssl", message, hint, { location: pinAt })];
  });
}

/** What discovery found odd. */
export function asFinding(topic: Topic, odd: DiscoveryFinding): DoctorFinding {
  const { severity, message, hint, location } = odd;
  return finding(severity, topic, message, hint, location === undefined ? {} : { location });
}
