// What a user may give the program by mistake, and what it may print of that.

import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mockDeployment } from "@ddscred/backend-mock";
import t from "tap";
import { ddscred, missing, type Outcome, root, temporaryFolder } from "./support/program.ts";

const CANARY = "canary7391";
const program = join(root, "packages/cli/bin/ddscred.js");
const noShell = missing("bash") ?? (existsSync("/dev/full") ? false : "there is no /dev/full");

t.test("no secret of the command line is printed, whatever was forgotten", async (t) => {
  for (const args of [
    [`pkcs11:token=X?pin-value=${CANARY}`],
    [`--pin-value=${CANARY}`],
    [`file:alice.key?passphrase=${CANARY}`],
    [`${CANARY}:x`],
    ["check", `pkcs11:token=X?pin-value=${CANARY}`],
    ["check", "--format", "json", `pkcs11:token=X?pin-value=${CANARY}`],
    ["check", `--pin-value=${CANARY}`],
    ["check", "--property", `private_key=pkcs11:token=X?x-password=${CANARY}`],
    ["uri", "parse", `pkcs11:token=X&pin-value=${CANARY}`],
    ["uri", "parse", "--format", "json", `pkcs11:token=a%3Fpin-value%3D${CANARY}`],
    ["uri", "parse", `pkcs11:token=a?x-password=b&${CANARY}=c`],
    ["uri", "format", "token=a", `pin-value=${CANARY}`],
    ["sign", `pkcs11:token=a?pin-value=${CANARY}`, "--key", "a", "--cert", "b"],
    ["verify", `?pin-value=${CANARY}`, "--ca", "b"],
    ["verify", "--format", "json", `file://me:${CANARY}@host/x`, "--ca", "b"],
    ["draft", "governance", `file://me:${CANARY}@host/x`],
    ["sign", "a.xml", "--key", "a", "--cert", "b", "--out", `pkcs11:token=a?pin-value=${CANARY}`],
    ["csr", "--key", "a", "--subject", "CN=a", "--out", `data:,${CANARY}`],
    ...[`pkcs11:token=a?pin-value:${CANARY}`, `file://me:${CANARY}@host/x`].flatMap((uri) => [
      ["check", uri],
      ["check", "--format", "json", uri],
      ["draft", "governance", uri],
      ["sign", uri, "--key", "a", "--cert", "b"],
      ["verify", uri, "--ca", "b"],
      ["access", uri, "--domain", "0", "--join"],
      ["handshake", uri],
      ["interop", uri, uri],
    ]),
    ["uri", "format", "token=a", `pin-source=${CANARY}`],
    ["uri", "format", "token=a", `pin-source=http:${CANARY}`],
    ["uri", "format", `pkcs11:token=a?pin-source=${CANARY}`],
    ["uri", "compare", "--format", "json", `pkcs11:?${CANARY}=1`, `pkcs11:?pn-value=${CANARY}`],
  ]) {
    const { stdout, stderr } = ddscred(args);
    const name = args.join(" ").replaceAll(CANARY, "SECRET");
    // A name of a vendor's attribute that stands by itself may be shown.
    if (!name.includes("?SECRET=1")) t.notMatch(stdout + stderr, CANARY, name);
    t.notMatch(stdout + stderr, "INTERNAL", name);
  }
});

t.test("a document that is no document is not quoted, only its line is named", async (t) => {
  const folder = temporaryFolder(t);
  const check = await fileDeployment(folder);
  writeFileSync(join(folder, "governance.p7s"), `${CANARY}\n`);
  const { stdout } = check("--format", "json");
  t.match(JSON.parse(stdout).findings[0], {
    code: "DOCUMENT_NOT_SMIME",
    message: /not a MIME header \("Name: value"\) \(line 1\)/,
  });
  t.notMatch(stdout, CANARY);
});

t.test("what stands in place of a verb is answered with the verb that is meant", async (t) => {
  t.match(ddscred(["pkcs11:token=a"]), { status: 2, stderr: /^ddscred: there is no such verb.*ddscred ls/ });
  t.match(ddscred(["--module=x"]), { status: 2, stderr: /^ddscred: .*ddscred check/ });
  t.match(ddscred(["chekc"]), { status: 2, stderr: /"chekc"; did you mean check\?/ });
  t.match(ddscred(["doctor", "alice.xml"]), { status: 2, stderr: /ddscred check FILE/ });
});

t.test("a folder without an enclave is answered with the configurations in it", async (t) => {
  const folder = temporaryFolder(t);
  for (const name of ["alice.xml", "bob.xml", "permissions.p7s", "governance.p7s", "pin"])
    writeFileSync(join(folder, name), "x");
  const { status, stdout } = ddscred(["check", folder]);
  t.equal(status, 1);
  t.match(stdout, /there is no SROS 2 enclave in this folder; there are\s+alice\.xml, bob\.xml\n/);
  t.notMatch(stdout, "PROPERTY_MISSING");
});

t.test("a description that is no JSON is not quoted", async (t) => {
  const file = join(temporaryFolder(t), "fleet.json");
  for (const text of [CANARY, `{"pin": ${CANARY}}`, `{"domains": ["${CANARY}" x]}`]) {
    writeFileSync(file, text);
    const { status, stdout, stderr } = ddscred(["draft", "governance", file]);
    t.match({ status, stderr }, { status: 1, stderr: /DESCRIPTION_INVALID/ });
    t.notMatch(stdout + stderr, CANARY);
  }
  for (const [text, place] of [
    ['{\n  "domains": [0,]\n}', "2:17"],
    ['{\n  "domains": [0]\n', "3:1"],
    ['{ "a": 1 } x', "1:12"],
    ['{ "a" 1 }', "1:7"],
    ["[01]", "1:3"],
    ['["a]', "1:2"],
  ]) {
    writeFileSync(file, `${text}`);
    t.match(ddscred(["draft", "governance", file]).stderr, `fleet.json:${place}`, `${text}`);
  }
});

t.test(
  "the status is that of the answer, also where nobody reads it to its end",
  { skip: noShell },
  async (t) => {
    const piped = (command: string): Outcome => {
      const { status, stdout, stderr } = spawnSync(
        "bash",
        ["-c", `set -o pipefail; "$0" "$1" ${command}`, process.execPath, program],
        { encoding: "utf8" },
      );
      return { status, stdout, stderr };
    };
    t.equal(piped("check /nowhere.xml | true").status, 1);
    t.equal(piped("uri parse pkcs11:token=a | true").status, 0);
    t.match(piped("check /nowhere.xml > /dev/full"), {
      status: 3,
      stderr: /^ddscred: the output cannot be written \(ENOSPC\)\n$/,
    });
  },
);

t.test("--at takes days that exist", async (t) => {
  for (const time of ["2027-02-30", "2027-02-29T12:00:00Z", "2027-13-01", "2027-04-31"]) {
    t.match(
      ddscred(["check", "x.xml", "--at", time]),
      { status: 2, stderr: `or a date alone, not "${time}"` },
      time,
    );
  }
  t.match(ddscred(["check", "x.xml", "--domain", "231"]), { status: 2, stderr: /0 to 230, not "231"/ });
  t.notMatch(ddscred(["check", "x.xml", "--domain", "73917391"]).stderr, "73917391");
  t.notMatch(ddscred(["check", "x.xml", "--at", "73917391"]).stderr, "73917391");
  for (const time of ["2028-02-29", "2027-01-31T23:30:00-05:00", "2027-01-01T00:30:00+05:00"]) {
    t.equal(ddscred(["check", "nowhere.xml", "--at", time]).status, 1, time);
  }
});

t.test("an error of ls in JSON is an object on stdout, as of uri", async (t) => {
  const { status, stdout } = ddscred(["ls", "--format", "json", "--module", "/nowhere.so"]);
  t.equal(status, 1);
  t.match(JSON.parse(stdout), { code: "MODULE_NOT_FOUND", message: /nowhere/, hint: /./ });
  t.match(ddscred(["ls", "--format", "json", "a", "b"]), { status: 2, stdout: "", stderr: /Usage/ });
});

t.test("JSON holds no character that a terminal obeys", async (t) => {
  const label = "a\u009b31m\u202eb\u2028\u200f";
  const uri = `pkcs11:token=${encodeURIComponent(label)}`;
  const { stdout } = ddscred(["uri", "parse", "--format", "json", uri]);
  t.notMatch(stdout, /[\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
  t.equal(JSON.parse(stdout).attributes[0].decoded, label);
});

t.test("uri format refuses values that are none, without failing", async (t) => {
  for (const args of [
    ["slot-id=x"],
    ["slot-id="],
    ['{"slot-id":-1}'],
    ['{"token":5}'],
    ['{"pin-value":5}'],
  ]) {
    t.match(ddscred(["uri", "format", ...args]), { status: 1, stderr: /URI_INVALID/ }, args[0] ?? "");
  }
  t.match(ddscred(["uri", "format", "token=a", "pin-value=1234"]), { status: 0, stdout: "pkcs11:token=a\n" });
});

t.test("uri compare heeds --lenient", async (t) => {
  const uris = ["pkcs11:objecttype=cert;token=a", "pkcs11:token=a;type=cert"];
  t.equal(ddscred(["uri", "compare", ...uris]).status, 1);
  t.equal(ddscred(["uri", "compare", "--lenient", ...uris]).status, 0);
});

t.test("--peer decides whose acceptance counts", async (t) => {
  const folder = temporaryFolder(t);
  const check = await fileDeployment(folder);
  const plain = check();
  t.equal(plain.status, 0, plain.stdout);
  t.match(plain.stdout, /^good by the specification, but not accepted by Cyclone DDS  /);
  t.match(check("--peer", "cyclonedds"), { status: 1, stdout: /^not good/ });
  t.match(check("--peer", "spec"), { status: 0, stdout: /^good  / });
  t.match(check("--peer", "opendds"), { status: 2, stderr: /--peer is one of/ });
});

t.test("--peer and --dialect are one option by two names", async (t) => {
  const properties = await fileProperties(temporaryFolder(t));
  for (const [verb, ...question] of [["check"], ["access", "--domain", "0", "--join"]]) {
    const run = (...options: string[]) => ddscred([verb ?? "", ...question, ...properties, ...options]);
    for (const name of ["--peer", "--dialect"]) {
      t.equal(run(name, "cyclonedds").status, 1, `${verb} ${name} cyclonedds`);
      t.equal(run(name, "spec").status, 0, `${verb} ${name} spec`);
      t.match(
        run(name, "opendds"),
        { status: 2, stderr: new RegExp(`${name} is one of`) },
        `${verb} ${name} opendds`,
      );
    }
    t.equal(run("--peer", "spec", "--dialect", "spec").status, 0, `${verb}: both, and the same`);
    const differ = run("--peer", "spec", "--dialect", "cyclonedds");
    t.match(differ, { status: 2, stderr: /one option by two names/ }, `${verb}: both, and not the same`);
  }
});

async function fileDeployment(folder: string): Promise<(...options: string[]) => Outcome> {
  const properties = await fileProperties(folder);
  return (...options) => ddscred(["check", ...properties, ...options]);
}

/** A good participant in files, with a key that Cyclone DDS does not accept, as options of the program. */
async function fileProperties(folder: string): Promise<readonly string[]> {
  const { identity, pki, files } = await mockDeployment({ keyKind: "ec-p384" });
  const contents: Record<string, string> = {
    ...files,
    "alice_cert.pem": identity.pem,
    "alice.key": identity.key.pem,
    "permissions_ca_cert.pem": pki.permissionsCa.pem,
  };
  for (const [name, text] of Object.entries(contents))
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  const properties = {
    identity_certificate: "alice_cert.pem",
    identity_ca: "identity_ca_cert.pem",
    private_key: "alice.key",
    permissions_ca: "permissions_ca_cert.pem",
    governance: "governance.p7s",
    permissions: "permissions.p7s",
  };
  return Object.entries(properties).flatMap(([name, file]) => [
    "--property",
    `${name}=file://${join(folder, file)}`,
  ]);
}

t.test("what is misspelt is told, with what it could be", async (t) => {
  const told = (...args: string[]) => ddscred(args).stderr.split("\n")[0] ?? "";
  t.match(told("check", "x.xml", "--modul", "/x.so"), /did you mean --module\?/);
  t.match(told("ls", "--pin", "canary"), /a PIN comes from --pin-source/);
  t.notMatch(told("ls", "--pin", "canary"), /canary/);
  t.match(told("key", "generat"), /did you mean generate\?/);
  t.match(told("csr", "--key", "pkcs11:token=robots"), /--subject; is the URI in quotes\?/);
  t.match(told("cert", "import", "pkcs11:token=robots", "alice.pem"), /which certificate: --cert/);
});

t.test("a command in a remedy is one line, however narrow the terminal", async (t) => {
  const { stdout } = ddscred(["doctor"], { env: { COLUMNS: "40", OPENSSL_CONF: "/dev/null" } });
  const commands = stdout.match(/`[^`]+`/g) ?? [];
  t.ok(commands.length > 0, stdout);
  for (const command of commands) t.notMatch(command, /\n/);
});

t.test("the exit status is the same where nobody can be told", { skip: noShell }, async (t) => {
  const script = `"${process.execPath}" "${program}" nope 2>/dev/full`;
  t.equal(spawnSync("bash", ["-c", script]).status, 2);
});

t.test("a check of many sources prints nothing but what it found", async (t) => {
  const folder = temporaryFolder(t);
  const { configuration } = await mockDeployment();
  const files = Array.from({ length: 14 }, (_, n) => join(folder, `${n}.xml`));
  for (const file of files) writeFileSync(file, configuration);
  const { stdout, stderr } = ddscred(["check", ...files], { env: { PKCS11_MODULE_PATH: "" } });
  t.match(stdout, /13\.xml/);
  t.notMatch(stderr, /Warning/);
});
