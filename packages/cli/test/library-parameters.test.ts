// Modules that are started with a text, which may hold secrets: the program on NSS softokn, told in each way.

import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { ddscred, missing, type Outcome, root, run, temporaryFolder } from "./support/program.ts";

t.setTimeout(600_000);

const PIN = "canary-pin-4711";
const CANARY = "canary-parameters-4712";
const softokn =
  ["x86_64-linux-gnu", "aarch64-linux-gnu"]
    .map((folder) => `/usr/lib/${folder}/libsoftokn3.so`)
    .concat("/usr/lib64/libsoftokn3.so")
    .find((path) => existsSync(path)) ?? "";
const skip = missing("certutil", "openssl") ?? (softokn === "" ? "NSS softokn is not installed" : false);

/** A database of NSS, as the only token that the test is about, and the program beside it. */
interface Database {
  readonly folder: string;
  readonly parameters: string;
  /** Options with which the token opens. */
  readonly pin: readonly string[];
  /** Runs the program; what it prints is searched for PIN and parameters. */
  run(args: readonly string[], env?: Record<string, string>): Outcome;
}

function database(t: Test): Database {
  const folder = temporaryFolder(t);
  const pin = join(folder, "pin");
  writeFileSync(pin, PIN, { mode: 0o600 });
  mkdirSync(join(folder, "nss"), { mode: 0o700 });
  run("certutil", ["-N", "-d", `sql:${folder}/nss`, "-f", pin], { cwd: folder });
  const cnf = join(folder, "openssl.cnf");
  writeFileSync(cnf, "");
  hideOtherModules(folder);
  const nothing = { HOME: folder, OPENSSL_CONF: cnf, PKCS11_MODULE_PATH: "", PKCS11_PROVIDER_MODULE: "" };
  return {
    folder,
    parameters: `configDir='sql:${folder}/nss' secmod='secmod.db' dbTokenDescription='robots' note='${CANARY}'`,
    pin: ["--pin-source", `file:${pin}`],
    run(args, env = {}) {
      const outcome = ddscred(args, { cwd: folder, env: { ...nothing, ...env } });
      t.notMatch(outcome.stdout + outcome.stderr, /canary/, `${args[0]} shows no secret`);
      return outcome;
    },
  };
}

/** The modules that this machine's p11-kit knows are none of the test's, and take time. */
function hideOtherModules(home: string): void {
  const own = modulesOf(home);
  mkdirSync(own, { recursive: true });
  const known = ["/usr/share/p11-kit/modules", "/etc/pkcs11/modules"].filter((folder) => existsSync(folder));
  for (const name of known.flatMap((folder) => readdirSync(folder)))
    writeFileSync(join(own, name), "disable-in: ddscred\n");
}

const modulesOf = (home: string): string => join(home, ".config/pkcs11/modules");

t.test("a deployment on a token of NSS, by --library-parameters", { skip }, (t) => {
  const { folder, parameters, pin, run } = database(t);
  const good = (...args: string[]): string => {
    const options = ["--module", softokn, "--library-parameters", parameters, ...pin];
    const { status, stdout, stderr } = run([...args, ...options]);
    t.equal(status, 0, `${args.join(" ")}: ${stderr}`);
    return stdout;
  };
  t.match(good("ls"), /^robots {2}token$/m);
  const made = JSON.parse(good("key", "generate", "pkcs11:token=robots;object=ca", "--format", "json"));
  t.match(made, {
    signatureVerified: true,
    next: [/--module \S+libsoftokn3\.so --library-parameters TEXT --pin-source/],
  });
  const ca = "pkcs11:token=robots;object=ca";
  good("csr", "--key", ca, "--subject", "CN=CA,O=Example", "--out", "ca.csr");
  good("cert", "issue", "--csr", "ca.csr", "--ca-key", ca, "--ca", "--days", "3650", "--out", "ca.pem");
  good("cert", "import", ca, "--cert", "ca.pem");
  const alice = "pkcs11:token=robots;object=alice";
  good("key", "generate", alice);
  good("csr", "--key", alice, "--subject", "CN=alice,O=Example", "--out", "alice.csr");
  const issue = ["--csr", "alice.csr", "--ca-key", ca, "--ca-cert", ca, "--days", "30", "--out", "alice.pem"];
  good("cert", "issue", ...issue);
  good("cert", "import", alice, "--cert", "alice.pem");
  good("cert", "verify", alice, "--ca", ca);
  const fleet = { domains: [0], participants: [{ certificate: "file:alice.pem", publish: ["Square"] }] };
  writeFileSync(join(folder, "fleet.json"), JSON.stringify(fleet));
  for (const document of ["governance", "permissions"]) {
    t.equal(run(["draft", document, "fleet.json", "--out", `${document}.xml`]).status, 0);
    good("sign", `${document}.xml`, "--key", ca, "--cert", ca);
    good("verify", `${document}.p7s`, "--ca", ca);
  }
  const properties = {
    identity_ca: "file:ca.pem",
    identity_certificate: alice,
    private_key: `${alice};type=private`,
    permissions_ca: "file:ca.pem",
    governance: "file:governance.p7s",
    permissions: "file:permissions.p7s",
  };
  const source = Object.entries(properties).flatMap(([name, uri]) => ["--property", `${name}=${uri}`]);
  const report = JSON.parse(good("check", ...source, "--domain", "0", "--format", "json"));
  t.equal(report.ok, true, JSON.stringify(report.findings));
  good("access", ...source, "--domain", "0", "--publish", "Square");
  good("remove", "--yes", `${alice};type=cert`);
  t.match(good("doctor", `${alice};type=private`), /^ok +uri: the URI names private-key "alice"$/m);
  t.end();
});

t.test("parameters are taken from where the machine's configuration states them", { skip }, (t) => {
  const { folder, parameters, pin, run } = database(t);
  const cnf = join(folder, "openssl.cnf");
  const kit = modulesOf(folder);
  const section = (kind: string, lines: string): string =>
    `openssl_conf = init\n[init]\n${kind} = list\n[list]\npkcs11 = it\n[it]\n${lines}\n`;
  const ways = {
    "pkcs11-module-init-args": {
      OPENSSL_CONF: section(
        "providers",
        `pkcs11-module-path = ${softokn}\npkcs11-module-init-args = "${parameters}"`,
      ),
    },
    INIT_ARGS: { OPENSSL_CONF: section("engines", `MODULE_PATH = ${softokn}\nINIT_ARGS = "${parameters}"`) },
    "x-init-reserved": { P11_KIT: `module: ${softokn}\nx-init-reserved: ${parameters}\n` },
  };
  const keys: string[] = [];
  for (const [setting, files] of Object.entries(ways)) {
    writeFileSync(cnf, "OPENSSL_CONF" in files ? files.OPENSSL_CONF : "");
    writeFileSync(join(kit, "nss.module"), "P11_KIT" in files ? files.P11_KIT : "");
    const key = `pkcs11:token=robots;object=key${keys.push(setting)}`;
    const generated = run(["key", "generate", key, ...pin]);
    t.equal(generated.status, 0, `${setting}: ${generated.stderr}`);
    const doctor = run(["doctor", "--format", "json", `${key};type=private`, ...pin]);
    const { modules, findings } = JSON.parse(doctor.stdout);
    const used = modules.find((module: { used: boolean }) => module.used);
    t.match(used, { path: softokn, loads: true, parameters: new RegExp(`^${setting} (?:at|in) `) }, setting);
    const named = findings.find(({ message }: { message: string }) => message.includes("private-key"));
    t.match(named, { severity: "ok", topic: "uri" }, doctor.stdout);
    const module = findings.find(({ message }: { message: string }) => message.includes("NSS Internal"));
    t.match(module.message, `(used; found by ${used.origin.where}; its parameters are those of ${setting} `);
  }
  const csr = run(["csr", "--key", "pkcs11:token=robots;object=key3", "--subject", "CN=alice", ...pin]);
  t.match(csr.stdout, /BEGIN CERTIFICATE REQUEST/);
  // Whoever names the same file starts it alike.
  for (const args of [["--module", softokn], [`pkcs11:?module-path=${softokn}`]])
    t.match(run(["ls", ...args]).stdout, /^robots {2}token$/m, args.join(" "));
  t.match(run(["ls"], { PKCS11_MODULE_PATH: softokn }).stdout, /^robots {2}token$/m, "PKCS11_MODULE_PATH");
  t.end();
});

t.test("the option overrides what is stated, and two texts for one module are told", { skip }, (t) => {
  const { folder, parameters, run } = database(t);
  const kit = modulesOf(folder);
  const stated = (configuration: string) => `module: ${softokn}\nx-init-reserved: ${configuration}\n`;
  writeFileSync(join(kit, "nss.module"), stated(`configDir='sql:${folder}/${CANARY}'`));
  t.match(run(["ls", "--module", softokn]), { status: 1, stderr: /MODULE_FAILED/ });
  const options = ["--library-parameters", parameters];
  t.match(run(["ls", "--module", softokn, ...options]).stdout, /^robots {2}token$/m);
  t.match(run(["ls", ...options], { PKCS11_MODULE_PATH: softokn }).stdout, /^robots {2}token$/m);

  writeFileSync(join(kit, "other.module"), stated(parameters));
  const { findings } = JSON.parse(run(["doctor", "--format", "json"]).stdout);
  t.match(
    findings.filter(({ message }: { message: string }) =>
      message.includes("is started with the parameters of"),
    ),
    [{ severity: "warning", topic: "module", message: /nss\.module; those of .*other\.module/ }],
  );
  t.end();
});

t.test("doctor answers a module that is not told, or told wrong, with what to do", { skip }, (t) => {
  const { folder, parameters, run } = database(t);
  const finding = (...args: string[]) => {
    const { status, stdout } = run(["doctor", "--format", "json", "--module", softokn, ...args]);
    t.equal(status, 1);
    return JSON.parse(stdout).findings.find(({ topic }: { topic: string }) => topic === "module");
  };
  const { hint } = finding();
  const [, command = ""] = /`(ddscred [^`]+)`/.exec(hint) ?? [];
  t.match(command, /--library-parameters/);
  const program = `ddscred() { "${process.execPath}" "${join(root, "packages/cli/bin/ddscred.js")}" "$@"; }`;
  const pasted = spawnSync("bash", ["-c", `${program}\n${command}`], {
    encoding: "utf8",
    env: { ...process.env, NODE_OPTIONS: "", HOME: folder, OPENSSL_CONF: join(folder, "openssl.cnf") },
  });
  t.equal(pasted.status, 0, pasted.stdout);
  t.match(pasted.stdout.replace(/\s+/g, " "), "used; found by --module; its parameters are those of");

  for (const wrong of [parameters.replace("/nss'", "/none'"), `flags=readOnly note='${CANARY}'`, CANARY, ""])
    t.match(finding("--library-parameters", wrong), { code: "MODULE_FAILED", hint: /configDir/ }, wrong);
  // In the program's own process such a text would end it.
  const crash = run(["ls", "--module", softokn, "--library-parameters", CANARY]);
  t.match(crash, { status: 1, stderr: /MODULE_FAILED[^]*configDir/ });
  t.end();
});

t.test("parameters without a module that is named are refused by every verb", (t) => {
  const folder = temporaryFolder(t);
  const text = ["--library-parameters", CANARY];
  const env = { HOME: folder, PKCS11_MODULE_PATH: "", PKCS11_PROVIDER_MODULE: "" };
  const key = "pkcs11:token=a;object=b";
  writeFileSync(join(folder, "a.xml"), "x");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(join(folder, "a.pem"), privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  const security = `<Authentication><PrivateKey>${key}</PrivateKey></Authentication>`;
  const cyclone = `<CycloneDDS><Domain><Security>${security}</Security></Domain></CycloneDDS>`;
  writeFileSync(join(folder, "c.xml"), cyclone);
  for (const args of [
    ["ls"],
    ["ls", "pkcs11:?module-path=/usr/lib/a.so"],
    ["doctor"],
    ["check", "--property", `private_key=${key}`],
    ["access", "--property", `private_key=${key}`, "--domain", "0", "--join"],
    ["interop", "c.xml", "c.xml"],
    ["handshake", "--property", `private_key=${key}`, "--role", "initiator"],
    ["sign", "a.xml", "--key", key, "--cert", key],
    ["verify", "a.xml", "--ca", key],
    ["key", "generate", key],
    ["key", "import", key, "--key", "a.pem", "--accept-exposed-key"],
    ["csr", "--key", key, "--subject", "CN=a"],
    ["cert", "issue", "--csr", "a.pem", "--ca-key", key, "--ca", "--days", "1"],
    ["cert", "import", key, "--cert", "a.pem"],
    ["cert", "verify", "a.pem", "--ca", key],
    ["remove", "--yes", key],
  ]) {
    const outcome = ddscred([...args, ...text], { cwd: folder, env });
    t.match(outcome, { status: 2, stderr: /--library-parameters is for one module/ }, args.join(" "));
    t.notMatch(outcome.stdout + outcome.stderr, CANARY);
  }
  const nowhere = { ...env, PKCS11_MODULE_PATH: "/nowhere.so" };
  t.match(ddscred(["ls", ...text], { env: nowhere }), { status: 1, stderr: /MODULE_REQUIRED/ });
  for (const verb of ["ls", "check", "doctor"])
    t.match(ddscred([verb, "--help"]).stdout, /^ {2}--library-parameters TEXT$/m, `${verb} --help`);
  t.match(ddscred(["ls", "--library-parameters"]), { status: 2, stderr: /library-parameters/ });
  t.end();
});

t.test("docs/hsm.md on NSS, pasted, makes a key and finds it again", { skip }, (t) => {
  const home = temporaryFolder(t);
  const cnf = join(home, "openssl.cnf");
  writeFileSync(cnf, "");
  const [, section = ""] =
    /\n## NSS softokn\n([^]*?)\n## /.exec(readFileSync(join(root, "docs/hsm.md"), "utf8")) ?? [];
  const blocks = Array.from(section.matchAll(/^```sh\n([^]*?)^```$/gm), ([, code = ""]) => code);
  t.equal(blocks.length, 2);
  const page = blocks
    .join("")
    .replace(/^sudo apt-get .*$/m, "")
    .replaceAll("/usr/lib/x86_64-linux-gnu/libsoftokn3.so", softokn);
  const program = `ddscred() { "${process.execPath}" "${join(root, "packages/cli/bin/ddscred.js")}" "$@"; }`;
  const { status, stdout, stderr } = spawnSync("bash", ["-c", ["set -e", program, page].join("\n")], {
    encoding: "utf8",
    env: { ...process.env, NODE_OPTIONS: "", HOME: home, OPENSSL_CONF: cnf },
  });
  t.equal(status, 0, stderr);
  t.match(stdout, /^good/m);
  t.match(stdout, /^made {2}EC P-256 key pair$/m);
  t.match(stdout, /^alice {2}private-key$/m);
  t.end();
});
