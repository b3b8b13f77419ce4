// Many participants at once, and configurations that come by other ways than a path.

import { spawnSync } from "node:child_process";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type MockPermissionsOptions, mockGovernance, mockPermissions, mockPki } from "@ddscred/backend-mock";
import t from "tap";
import { ddscred, root, temporaryFolder } from "./support/program.ts";

const NAMES = ["alice", "bob", "carol", "dave"];

t.test("participants of a fleet are judged as each is alone", async (t) => {
  const { folder, pki, write } = await makeFleet(temporaryFolder(t));
  // Bob's document is signed by a CA of the same name that has another key, carol's grant is over, dave has a
  // copy of the shared document, with an addition behind the signature.
  const other = await mockPki();
  write("bob.p7s", await other.signDocument(permissionsOf("bob")));
  write("bob.xml", configuration("bob", "bob.p7s"));
  const over = { notBefore: new Date("2020-01-01"), notAfter: new Date("2021-01-01") };
  write("carol.p7s", await pki.signDocument(permissionsOf("carol", over)));
  write("carol.xml", configuration("carol", "carol.p7s"));
  symlinkSync(join(folder, "permissions.p7s"), join(folder, "link.p7s"));
  write("dave.xml", configuration("dave", "link.p7s"));
  write("broken.xml", "<CycloneDDS>");
  const files = [...NAMES, "alice", "broken"].map((name) => `${name}.xml`);
  const at = ["--format", "json", "--at", new Date().toISOString()];
  const check = (...args: string[]) => JSON.parse(ddscred(["check", ...args, ...at], { cwd: folder }).stdout);
  const together = check(...files);
  t.same(
    together.map(({ ok }: { ok: boolean }) => ok),
    [true, false, false, true, true, false],
  );
  t.same(
    together,
    files.map((file) => check(file)),
  );
  t.same(check(...files.toReversed()), together.toReversed(), "the order does not matter");
});

t.test("of many it is said how many are good, and --quiet leaves out those that are", async (t) => {
  const { folder, write } = await makeFleet(temporaryFolder(t));
  write("bob.xml", "<CycloneDDS>");
  const files = NAMES.map((name) => `${name}.xml`);
  const all = ddscred(["check", ...files], { cwd: folder });
  t.equal(all.status, 1);
  t.match(all.stdout, /^good .*alice\.xml/m);
  t.match(all.stdout, /\n3 good, 1 not good\n$/);
  const quiet = ddscred(["check", "--quiet", ...files], { cwd: folder });
  t.equal(quiet.status, 1);
  t.notMatch(quiet.stdout, "alice.xml");
  t.match(quiet.stdout, /^not good .*bob\.xml[^]*\n3 good, 1 not good\n$/);
});

t.test("a fleet shows who shares a key, and which grants are for nobody", async (t) => {
  const { folder, write } = await makeFleet(temporaryFolder(t));
  write("second.xml", configuration("alice", "permissions.p7s"));
  const fleet = (...names: string[]) => {
    const args = ["check", "--fleet", "--format", "json", ...names.map((name) => `${name}.xml`)];
    const { stdout, status } = ddscred(args, { cwd: folder });
    t.equal(status, 0);
    return JSON.parse(stdout).at(-1);
  };
  t.match(fleet(...NAMES), { source: "fleet", ok: true, findings: [] });
  t.same(
    fleet("alice", "bob", "dave").findings.map(({ code, message }: Record<string, string>) => [
      code,
      message,
    ]),
    [
      [
        "RULE_WITHOUT_EFFECT",
        'the grant "participant" for "CN=carol,O=Example" is for none of the participants',
      ],
    ],
  );
  t.match(fleet(...NAMES, "second").findings, [
    {
      code: "KEY_SHARED",
      severity: "warning",
      message: "2 participants have one key: alice.xml, second.xml",
    },
  ]);
});

t.test("a configuration is a path, a file: URI, or comes from standard input", async (t) => {
  const { folder, write } = await makeFleet(temporaryFolder(t));
  const program = (input: string, ...args: string[]) =>
    spawnSync(process.execPath, [join(root, "packages/cli/bin/ddscred.js"), ...args], {
      cwd: folder,
      input,
      encoding: "utf8",
    });
  const text = configuration("alice", "permissions.p7s");
  for (const uri of ["file:alice.xml", pathToFileURL(join(folder, "alice.xml")).href]) {
    t.equal(program("", "check", uri).status, 0, uri);
    t.equal(program("", "access", uri, "--publish", "alice/x").status, 0, uri);
  }
  t.match(program("", "check", "file:nowhere.xml").stdout, /FILE_NOT_FOUND/);
  t.equal(program(text, "check", "-").status, 0);
  t.equal(program(text, "access", "-", "--publish", "alice/x").status, 0);
  t.equal(program(text, "access", "-", "--publish", "bob/x").status, 1);
  t.match(program("", "check", "-").stdout, /FILE_EMPTY/);
  t.match(program(text, "check", "-", "-"), { status: 2, stderr: /read once/ });
  t.match(program(" ".repeat(17_000_000), "check", "-").stdout, /FILE_TOO_LARGE/);

  const document = readFileSync(join(folder, "permissions.p7s"), "utf8");
  t.equal(program(document, "verify", "-", "--ca", "permissions_ca.pem").status, 0);
  t.equal(program("", "verify", "file:permissions.p7s", "--ca", "file:permissions_ca.pem").status, 0);
  write("x.p7s", document.replace("alice", "eve"));
  t.equal(program("", "verify", "file:x.p7s", "--ca", "permissions_ca.pem").status, 1);
});

/** Participants with one permissions document for all. */
async function makeFleet(folder: string) {
  const pki = await mockPki();
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o600 });
  write("identity_ca.pem", pki.identityCa.pem);
  write("permissions_ca.pem", pki.permissionsCa.pem);
  write("governance.p7s", await pki.signDocument(mockGovernance()));
  const grants = NAMES.map((name) => GRANT.exec(permissionsOf(name))?.[0] ?? "");
  const all = permissionsOf("x").replace(GRANT, () => grants.join("\n"));
  write("permissions.p7s", await pki.signDocument(all));
  for (const name of NAMES) {
    const { pem, key } = await pki.issueIdentity(name);
    write(`${name}.pem`, pem);
    write(`${name}.key`, key.pem);
    write(`${name}.xml`, configuration(name, "permissions.p7s"));
  }
  return { folder, pki, write };
}

const GRANT = /<grant[^]*<\/grant>/;

const permissionsOf = (name: string, validity: Partial<MockPermissionsOptions> = {}): string =>
  mockPermissions({ subject: `CN=${name},O=Example`, publish: [`${name}/x`], subscribe: ["x"], ...validity });

const configuration = (name: string, permissions: string): string => `<CycloneDDS><Domain id="0"><Security>
  <Authentication>
    <IdentityCertificate>file:${name}.pem</IdentityCertificate>
    <IdentityCA>file:identity_ca.pem</IdentityCA>
    <PrivateKey>file:${name}.key</PrivateKey>
  </Authentication>
  <AccessControl>
    <PermissionsCA>file:permissions_ca.pem</PermissionsCA>
    <Governance>file:governance.p7s</Governance>
    <Permissions>file:${permissions}</Permissions>
  </AccessControl>
</Security></Domain></CycloneDDS>
`;
