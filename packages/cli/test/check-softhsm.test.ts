// The manual's example configuration on a real token: good as it stands, and each fault told apart.

import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import {
  type Fault,
  faults,
  GOVERNANCE,
  IDENTITY_CA,
  PERMISSIONS,
  PRIVATE_KEY,
  replace,
} from "./support/faults.ts";
import { ddscred, missing, temporaryFolder } from "./support/program.ts";
import { type Example, makeExample, PIN } from "./support/softhsm.ts";

// Each fault runs the program twice.
t.setTimeout(600_000);

const skip = missing("softhsm2-util", "pkcs11-tool", "openssl") ?? false;

for (const keyType of ["ec", "rsa"] as const) {
  t.test(`the example configuration with ${keyType} keys on a token`, { skip }, async (t) => {
    const example = makeExample(temporaryFolder(t), keyType);

    t.test("is good, in JSON and in text", async (t) => {
      const { status, report } = example.check("cyclonedds.xml");
      t.equal(status, 0, JSON.stringify(report.findings));
      t.equal(report.ok, true);
      t.same(
        report.findings.map(({ code }) => code),
        ["PIN_INLINE"],
      );
      t.equal(report.credentials.length, 4);
      t.equal(report.credentials.find(({ property }) => property === PRIVATE_KEY)?.possessionProved, true);
      t.same(
        report.documents.map(({ property }) => property),
        [GOVERNANCE, PERMISSIONS],
      );
      t.same(
        report.expiry.map(({ notAfter }) => notAfter),
        report.expiry.map(({ notAfter }) => notAfter).toSorted(),
      );

      const text = ddscred(["check", "cyclonedds.xml", "--module", example.module], {
        cwd: example.folder,
        env: example.env,
      });
      t.equal(text.status, 0);
      t.match(text.stdout, /^good/);
      t.notMatch(text.stdout + text.stderr, `pin-value=${PIN}`);
    });
    if (keyType === "rsa") return;
    prepareFaults(example);
    for (const fault of faults) {
      t.test(`tells apart: ${fault.name}`, async (t) => judge(t, example, fault));
    }
    t.test(
      "tells apart: a file that may not be read",
      { skip: process.getuid?.() === 0 ? "root may read everything" : false },
      async (t) => {
        chmodSync(join(example.folder, "unreadable.pem"), 0);
        judge(t, example, {
          name: "",
          code: "FILE_NOT_READABLE",
          property: IDENTITY_CA,
          configuration: replace("identity_ca_cert.pem", "unreadable.pem"),
        });
      },
    );
  });
}

function judge(t: Test, example: Example, fault: Fault) {
  const text = fault.configuration?.(example) ?? example.configuration;
  const file = example.write("fault.xml", text, fault.mode ?? 0o600);
  chmodSync(join(example.folder, file), fault.mode ?? 0o600);
  const options = fault.options?.map((option) => (option === "LIBC" ? libc() : option)) ?? [];
  const { status, report, stdout, stderr } = example.check(file, ...options);
  t.equal(status, 1, stdout + stderr);
  const errors = report.findings.filter(({ severity }) => severity === "error");
  const finding = errors.find(
    ({ code, property }) => code === fault.code && (fault.property ?? property) === property,
  );
  t.ok(
    finding,
    `${fault.code} among ${errors.map(({ code, property }) => `${property}: ${code}`).join(", ")}`,
  );
  if (finding === undefined) return;
  t.ok(finding.message.length > 10 && finding.hint.length > 10, "message and hint say something");
  if (fault.line !== undefined) t.match(finding.location, { file, line: fault.line });
  if (fault.says !== undefined) t.match(JSON.stringify(finding), fault.says);
  const shown = ddscred(["check", file, "--module", example.module, ...options], {
    cwd: example.folder,
    env: example.env,
  });
  for (const secret of [`=${PIN}`, "9999"]) t.notMatch(stdout + stderr + shown.stdout + shown.stderr, secret);
}

/** The C library that this process itself has loaded. */
function libc(): string {
  const { sharedObjects } = process.report.getReport() as { sharedObjects: readonly string[] };
  return sharedObjects.find((path) => /\/libc\.so/.test(path)) ?? "";
}

/** Everything that the faults point at. */
function prepareFaults(example: Example): void {
  const { openssl, pkcs11Tool, write, folder } = example;
  write("damaged.so", Buffer.concat([Buffer.from("7f454c46020101", "hex"), Buffer.alloc(500)]));
  write("empty.pem", "");
  write("unreadable.pem", "x");
  for (const [label, id] of [
    ["other_key", "21"],
    ["twin_key", "11"],
    ["twin_key", "12"],
  ] as const) {
    pkcs11Tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", label, "--id", id);
  }
  openssl(
    "req",
    "-new",
    "-newkey",
    "rsa:4096",
    "-nodes",
    "-keyout",
    "rsa4096.key",
    "-subj",
    "/C=NL/O=Example/CN=alice",
    "-out",
    "rsa4096.csr",
  );
  openssl(
    "x509",
    "-req",
    "-in",
    "rsa4096.csr",
    "-CA",
    "identity_ca_cert.pem",
    "-CAkey",
    "identity_ca.key",
    "-days",
    "100",
    "-out",
    "rsa4096_cert.pem",
  );
  const sign = (input: string, output: string, ...more: readonly string[]) =>
    openssl(
      "smime",
      "-sign",
      "-in",
      input,
      "-out",
      output,
      "-signer",
      "permissions_ca_cert.pem",
      "-inkey",
      "permissions_ca.key",
      ...more,
    );
  sign("permissions.xml", "notext.p7s");
  sign("permissions.xml", "der.p7s", "-text", "-outform", "DER");
  sign("permissions.xml", "pem.p7s", "-text", "-outform", "PEM");
  openssl(
    "smime",
    "-sign",
    "-text",
    "-in",
    "permissions.xml",
    "-out",
    "foreign.p7s",
    "-signer",
    "identity_ca_cert.pem",
    "-inkey",
    "identity_ca.key",
  );
  const edit = (name: string, change: (text: string) => string, source: string) =>
    write(name, change(readFileSync(join(folder, source), "utf8")));
  edit("changed.p7s", (text) => text.replace("Square", "Circle"), "permissions.p7s");
  edit("truncated.xml", (text) => text.replace("</grant>", ""), "permissions.xml");
  edit("bob.xml", (text) => text.replace("CN=alice", "CN=bob"), "permissions.xml");
  sign("truncated.xml", "truncated.p7s", "-text");
  sign("bob.xml", "bob.p7s", "-text");
}
