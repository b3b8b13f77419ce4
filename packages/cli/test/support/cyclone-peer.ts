import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mockGovernance, mockPermissions } from "@ddscred/backend-mock";
import { missing, root, run } from "./program.ts";
import { PIN } from "./softhsm.ts";

const sources = join(root, "interop/cyclonedds-auth");
const HEADER = "/usr/include/dds/security/dds_security_api.h";

/** Cyclone DDS's own authentication plugin, as Debian installs it. */
function plugin(): string | undefined {
  const folders = existsSync("/usr/lib") ? readdirSync("/usr/lib") : [];
  return folders
    .map((folder) => join("/usr/lib", folder, "libddsc0debian/libdds_security_auth.so"))
    .find((path) => existsSync(path));
}

/** The reason why the plugin cannot be driven here, or false. */
export const lacksPlugin: string | false =
  missing("cc", "openssl") ??
  (plugin() === undefined || !existsSync(HEADER) ? "cyclonedds-dev and libddsc0debian not installed" : false);

/** Compiles the driver of the plugin into a folder. */
export function makeDriver(folder: string): string {
  const driver = join(folder, "driver");
  const files = ["driver.c", "tokens.c"].map((file) => join(sources, file));
  run("cc", ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-o", driver, ...files, "-lddsc", "-ldl"], {
    cwd: folder,
  });
  return driver;
}

/** Two participants, alice and bob, with their CAs and documents, as files made by OpenSSL. */
export function makeParticipants(folder: string, keyType: "ec" | "rsa"): void {
  const openssl = (...args: readonly string[]) => run("openssl", args, { cwd: folder });
  const newKey =
    keyType === "ec" ? ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["-newkey", "rsa:2048"];
  for (const ca of ["identity_ca", "permissions_ca"]) {
    const subject = ["-subj", `/C=NL/O=Example/CN=${keyType} ${ca}`, "-days", "30"];
    openssl("req", "-x509", ...newKey, "-nodes", "-keyout", `${ca}.key`, "-out", `${ca}.pem`, ...subject);
  }
  const sign = (name: string) => {
    const signer = ["-signer", "permissions_ca.pem", "-inkey", "permissions_ca.key"];
    openssl("smime", "-sign", "-text", "-in", `${name}.xml`, "-out", `${name}.p7s`, ...signer);
  };
  writeFileSync(join(folder, "governance.xml"), mockGovernance());
  sign("governance");
  for (const name of ["alice", "bob"]) {
    const subject = ["-subj", `/C=NL/O=Example/CN=${name}`];
    openssl("req", ...newKey, "-nodes", "-keyout", `${name}.key`, "-out", `${name}.csr`, ...subject);
    const ca = ["-CA", "identity_ca.pem", "-CAkey", "identity_ca.key", "-CAcreateserial", "-days", "20"];
    openssl("x509", "-req", "-in", `${name}.csr`, "-out", `${name}.pem`, ...ca);
    writeFileSync(join(folder, `permissions_${name}.xml`), permissionsOf(name));
    sign(`permissions_${name}`);
  }
}

/** A list of the identity CA in which bob's certificate is revoked; answers with its name. */
export function revokeBob(folder: string): string {
  writeFileSync(join(folder, "index.txt"), "");
  const section =
    "[ca]\ndefault_ca = d\n[d]\ndatabase = index.txt\ndefault_md = sha256\ndefault_crl_days = 7\n";
  writeFileSync(join(folder, "ca.cnf"), section);
  const ca = ["ca", "-config", "ca.cnf", "-cert", "identity_ca.pem", "-keyfile", "identity_ca.key"];
  run("openssl", [...ca, "-revoke", "bob.pem"], { cwd: folder });
  run("openssl", [...ca, "-gencrl", "-out", "crl.pem"], { cwd: folder });
  return "crl.pem";
}

/** A configuration of Cyclone DDS for a participant; answers with its path. */
export function writeConfiguration(folder: string, name: string): string {
  const path = join(folder, `${name}.xml`);
  const element = ([tag, file]: readonly [string, string]) => `<${tag}>file:${join(folder, file)}</${tag}>`;
  const authentication = [
    ["IdentityCertificate", `${name}.pem`],
    ["IdentityCA", "identity_ca.pem"],
    ["PrivateKey", `${name}.key`],
  ] as const;
  const access = [
    ["PermissionsCA", "permissions_ca.pem"],
    ["Governance", "governance.p7s"],
    ["Permissions", `permissions_${name}.p7s`],
  ] as const;
  const security = `<Authentication>${authentication.map(element).join("")}</Authentication>
    <AccessControl>${access.map(element).join("")}</AccessControl>`;
  writeFileSync(path, `<CycloneDDS><Domain Id="any"><Security>${security}</Security></Domain></CycloneDDS>`, {
    mode: 0o600,
  });
  return path;
}

const permissionsOf = (name: string): string => mockPermissions({ subject: `CN=${name},O=Example,C=NL` });

/** Puts a participant's key on a SoftHSM token of its own. */
export function makeToken(folder: string, name: string) {
  const env = { SOFTHSM2_CONF: join(folder, "softhsm2.conf") };
  const tokens = join(folder, "tokens");
  run("mkdir", ["-p", tokens], { cwd: folder });
  writeFileSync(env.SOFTHSM2_CONF, `directories.tokendir = ${tokens}\nobjectstore.backend = file\n`);
  const softhsm = (...args: readonly string[]) => run("softhsm2-util", args, { cwd: folder, env });
  softhsm("--init-token", "--free", "--label", name, "--pin", PIN, "--so-pin", "87654321");
  softhsm("--import", `${name}.key`, "--token", name, "--label", `${name}_key`, "--id", "01", "--pin", PIN);
  return { env, uri: `pkcs11:token=${name};object=${name}_key;type=private?pin-value=${PIN}` };
}

/** `ddscred handshake` for a participant, its key named by a URI. */
export function startOurs(
  folder: string,
  name: string,
  options: readonly string[],
  {
    key = `file:${join(folder, `${name}.key`)}`,
    env = {},
  }: { key?: string; env?: Record<string, string> } = {},
): ChildProcess {
  const file = (path: string) => `file:${join(folder, path)}`;
  const properties = {
    identity_ca: file("identity_ca.pem"),
    identity_certificate: file(`${name}.pem`),
    private_key: key,
    permissions_ca: file("permissions_ca.pem"),
    governance: file("governance.p7s"),
    permissions: file(`permissions_${name}.p7s`),
  };
  const given = Object.entries(properties).flatMap(([property, uri]) => ["--property", `${property}=${uri}`]);
  const clean = { ...process.env, ...env };
  delete clean["NODE_OPTIONS"];
  return spawn(
    process.execPath,
    [join(root, "packages/cli/bin/ddscred.js"), "handshake", ...options, ...given],
    {
      env: clean,
    },
  );
}

/** The plugin of Cyclone DDS as a participant. */
export function startPlugin(
  driver: string,
  folder: string,
  name: string,
  optionalFields: boolean,
): ChildProcess {
  const file = (path: string) => `file:${join(folder, path)}`;
  const [ca, certificate, key] = [file("identity_ca.pem"), file(`${name}.pem`), file(`${name}.key`)];
  const permissions = join(folder, `permissions_${name}.p7s`);
  const optional = optionalFields ? ["optional"] : [];
  return spawn(driver, [plugin() ?? "", ca, certificate, key, permissions, ...optional]);
}

type Line = Readonly<Record<string, unknown>>;

export interface End {
  readonly status: number | null;
  /** All that was printed on stdout. */
  readonly lines: readonly Line[];
  readonly last: Line;
  readonly stderr: string;
}

/**
 * Connects two programs by their lines and waits for the end of both. Last lines and refusals are not handed on.
 *
 * @param between what reaches the other side in place of a token: the wrong ones first
 */
export async function converse(
  one: ChildProcess,
  other: ChildProcess,
  between: (line: Line) => readonly Line[] = (line) => [line],
): Promise<readonly [End, End]> {
  return await Promise.all([ended(one, other, between), ended(other, one, between)]);
}

async function ended(
  program: ChildProcess,
  other: ChildProcess,
  between: (line: Line) => readonly Line[],
): Promise<End> {
  const lines: Line[] = [];
  let [rest, stderr] = ["", ""];
  program.stdin?.on("error", () => undefined);
  program.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  program.stdout?.on("data", (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const line = JSON.parse(part) as Line;
      lines.push(line);
      if ("authenticated" in line || "refused" in line) continue;
      for (const sent of between(line)) other.stdin?.write(`${JSON.stringify(sent)}\n`);
    }
  });
  const status = await new Promise<number | null>((resolve) => {
    program.on("close", resolve);
  });
  other.stdin?.end();
  return { status, lines, last: lines.at(-1) ?? {}, stderr };
}
