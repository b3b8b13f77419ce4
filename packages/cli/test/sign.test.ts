// ddscred sign and ddscred verify, with keys in files and on a token, and openssl on the other side.

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ddscred, missing, root, run, temporaryFolder } from "./support/program.ts";
import { makeExample, PIN } from "./support/softhsm.ts";

t.setTimeout(600_000);

const GOVERNANCE = `<?xml version="1.0" encoding="UTF-8"?>
<dds>
  <domain_access_rules>
    <domain_rule>
      <domains><id>0</id></domains>
      <allow_unauthenticated_participants>false</allow_unauthenticated_participants>
      <enable_join_access_control>true</enable_join_access_control>
      <discovery_protection_kind>ENCRYPT</discovery_protection_kind>
      <liveliness_protection_kind>ENCRYPT</liveliness_protection_kind>
      <rtps_protection_kind>SIGN</rtps_protection_kind>
      <topic_access_rules>
        <topic_rule>
          <topic_expression>*</topic_expression>
          <enable_discovery_protection>true</enable_discovery_protection>
          <enable_liveliness_protection>true</enable_liveliness_protection>
          <enable_read_access_control>true</enable_read_access_control>
          <enable_write_access_control>true</enable_write_access_control>
          <metadata_protection_kind>SIGN</metadata_protection_kind>
          <data_protection_kind>ENCRYPT</data_protection_kind>
        </topic_rule>
      </topic_access_rules>
    </domain_rule>
  </domain_access_rules>
</dds>
`;

interface Report {
  readonly ok: boolean;
  readonly forcible?: boolean;
  readonly out?: string;
  readonly findings: readonly {
    readonly code: string;
    readonly severity: string;
    readonly message: string;
    readonly hint: string;
    readonly location?: { readonly line: number };
  }[];
  readonly document?: Readonly<Record<string, unknown>>;
  readonly path?: readonly Readonly<Record<string, unknown>>[];
  readonly readers?: readonly { readonly reader: string; readonly accepts: boolean }[];
  readonly comparison?: { readonly same: boolean; readonly difference?: { readonly line: number } };
}

/** A folder with permissions CAs as files, and the program run in it. */
function workshop(folder: string, env: Record<string, string> = {}) {
  const openssl = (...args: readonly string[]) => run("openssl", args, { cwd: folder });
  return {
    openssl,
    authority(name: string, newkey: readonly string[], ...options: readonly string[]) {
      const usage = ["-addext", "keyUsage=critical,digitalSignature,keyCertSign,cRLSign"];
      const files = ["-keyout", `${name}.key`, "-out", `${name}.pem`, "-subj", `/O=DDS/CN=${name}`];
      openssl("req", "-x509", "-nodes", "-newkey", ...newkey, ...files, ...usage, ...options);
    },
    write: (name: string, text: string) => writeFileSync(join(folder, name), text),
    read: (name: string) => readFileSync(join(folder, name), "utf8"),
    text: (...args: readonly string[]) => ddscred(args, { cwd: folder, env }),
    json(...args: readonly string[]) {
      const outcome = ddscred([...args, "--format", "json"], { cwd: folder, env });
      return { ...outcome, report: JSON.parse(outcome.stdout || "{}") as Report };
    },
  };
}
const EC = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
const skip = missing("openssl") ?? false;

t.test("keys in files", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const { openssl, authority, write, read, text, json } = workshop(folder);
  authority("ec", EC);
  authority("rsa", ["rsa:2048"]);
  write("governance.xml", GOVERNANCE);
  const by = (name: string) => ["--key", `file:${name}.key`, "--cert", `file:${name}.pem`];

  for (const name of ["ec", "rsa"]) {
    t.test(`what is signed (${name}) verifies, here and with openssl, and holds the XML`, async (t) => {
      const signed = json("sign", "governance.xml", ...by(name));
      t.equal(signed.status, 0, signed.stdout);
      t.match(signed.report, { ok: true, out: "governance.p7s", document: { kind: "governance" } });
      const { status, report } = json("verify", "governance.p7s", "--ca", `file:${name}.pem`);
      t.equal(status, 0);
      t.match(report.document, {
        kind: "governance",
        form: "multipart/signed",
        scheme: name === "ec" ? "ecdsa_p256_sha256" : "rsa_pkcs1_sha256",
        signer: `CN=${name},O=DDS`,
        signatures: 1,
        signedAttributes: true,
        signerIncluded: true,
      });
      t.ok(Math.abs(Date.parse(String(report.document?.["signingTime"])) - Date.now()) < 600_000);
      t.match(report.path, [{ role: "permissions CA", subject: `CN=${name},O=DDS`, notAfter: /^\d{4}-/ }]);
      const fingerprint = openssl("x509", "-in", `${name}.pem`, "-noout", "-fingerprint", "-sha256");
      const hex = fingerprint.replace(/.*=/, "").replaceAll(":", "").trim().toLowerCase();
      t.match(report.path?.[0], { fingerprints: { sha256: hex } });
      t.same(
        report.readers?.filter(({ accepts }) => !accepts).map(({ reader }) => reader),
        name === "ec" ? [] : ["rustdds"],
      );
      openssl(
        "smime",
        "-verify",
        "-text",
        "-in",
        "governance.p7s",
        "-CAfile",
        `${name}.pem`,
        "-out",
        "back.xml",
      );
      t.equal(read("back.xml").replaceAll("\r\n", "\n"), GOVERNANCE);
      const content = text("verify", "governance.p7s", "--ca", `${name}.pem`, "--content");
      t.equal(content.stdout.replaceAll("\r\n", "\n"), GOVERNANCE);
    });
  }

  t.test("what stops a verb is told with its file, and with what to do", async (t) => {
    text("sign", "governance.xml", ...by("ec"));
    t.match(text("verify", "governance.p7s", "--ca", "ec.key").stdout, /PEM_NOT_FOUND[^]*\/ec\.key\n/);
    write("cut.p7s", read("governance.p7s").slice(0, -100));
    t.match(
      text("verify", "cut.p7s", "--ca", "ec.pem").stdout,
      /DOCUMENT_NOT_SMIME[^]*> Copy the whole file/,
    );
    write("a.xml", "<a/>");
    t.match(text("sign", "a.xml", ...by("ec")).stdout, /DOCUMENT_INVALID[^]*> Give a <dds>/);
    t.match(text("sign", "governance.xml", ...by("ec"), "--pss").stdout, /> Ask for a scheme that the key/);
  });

  t.test(
    "the text form draws the path and says who reads it; no file of the folder is left over",
    async (t) => {
      const signed = text("sign", "governance.xml", ...by("ec"));
      t.match(signed.stdout, /^signed {2}governance\.xml/);
      const { stdout, status } = text(
        "verify",
        "governance.p7s",
        "--ca",
        "ec.pem",
        "--against",
        "governance.xml",
      );
      t.equal(status, 0);
      t.match(stdout, /^good {2}governance\.p7s\n/);
      t.match(
        stdout,
        /permissions CA {2}CN=ec,O=DDS\n +EC P-256, \d{4}-\d\d-\d\d to .*serial [0-9a-f]+\n +SHA-256 [0-9a-f]{64}\n/,
      );
      t.match(stdout, /Cyclone DDS 0\.10 +accepts the document/);
      t.match(stdout, /same as +governance\.xml/);
      t.equal(statSync(join(folder, "governance.p7s")).mode & 0o777, 0o644 & ~process.umask());
      t.notOk(readdirSync(folder).some((name) => /p7s\./.test(name)));
    },
  );

  t.test("--out names the file, - is standard output", async (t) => {
    t.equal(json("sign", "governance.xml", ...by("ec"), "--out", "other.p7s").report.out, "other.p7s");
    const printed = text("sign", "governance.xml", ...by("ec"), "--out", "-");
    t.match(printed.stdout, /^MIME-Version: 1\.0\nContent-Type: multipart\/signed/);
    t.match(printed.stderr, /^signed/);
    const nowhere = json("sign", "governance.xml", ...by("ec"), "--out", "no/such/folder.p7s");
    t.equal(nowhere.status, 1);
    t.match(nowhere.report.findings, [{ code: "FILE_WRITE_FAILED", message: /ENOENT/, hint: /folder/ }]);
  });

  t.test("a document that was edited is told from its XML, line by line", async (t) => {
    text("sign", "governance.xml", ...by("ec"));
    write("edited.xml", GOVERNANCE.replace("<id>0</id>", "<id>1</id>"));
    const { status, report } = json("verify", "governance.p7s", "--ca", "ec.pem", "--against", "edited.xml");
    t.equal(status, 1);
    t.match(report.findings, [{ code: "DOCUMENT_DIFFERS" }]);
    t.match(report.comparison, {
      same: false,
      difference: { line: 5, signed: [/<id>0/], file: [/<id>1/] },
    });
    write("crlf.xml", `\ufeff${GOVERNANCE.replaceAll("\n", "\r\n")}`);
    t.equal(json("verify", "governance.p7s", "--ca", "ec.pem", "--against", "crlf.xml").status, 0);

    write("changed.p7s", read("governance.p7s").replace("<id>0</id>", "<id>1</id>"));
    const changed = json("verify", "changed.p7s", "--ca", "ec.pem");
    t.equal(changed.status, 1);
    t.match(changed.report.findings, [{ code: "DOCUMENT_CHANGED" }]);
    t.equal(
      text("verify", "changed.p7s", "--ca", "ec.pem", "--content").stdout,
      "",
      "no text without a signature",
    );
  });

  t.test("another CA, and a certificate below the CA, are not the signer", async (t) => {
    text("sign", "governance.xml", ...by("ec"));
    const other = json("verify", "governance.p7s", "--ca", "rsa.pem");
    t.equal(other.status, 1);
    t.match(other.report.findings, [
      { code: "DOCUMENT_SIGNER_MISMATCH", message: /CN=ec,O=DDS.*CN=rsa,O=DDS/ },
    ]);

    openssl(
      "req",
      "-new",
      "-nodes",
      "-newkey",
      ...EC,
      "-keyout",
      "below.key",
      "-out",
      "below.csr",
      "-subj",
      "/O=DDS/CN=below",
    );
    openssl(
      "x509",
      "-req",
      "-in",
      "below.csr",
      "-CA",
      "ec.pem",
      "-CAkey",
      "ec.key",
      "-days",
      "9",
      "-out",
      "below.pem",
    );
    openssl(
      "smime",
      "-sign",
      "-text",
      "-in",
      "governance.xml",
      "-out",
      "below.p7s",
      "-signer",
      "below.pem",
      "-inkey",
      "below.key",
    );
    const below = json("verify", "below.p7s", "--ca", "ec.pem");
    t.equal(below.status, 1);
    t.match(below.report.findings, [
      {
        code: "DOCUMENT_SIGNER_MISMATCH",
        message: /a certificate below the permissions CA/,
        hint: /Cyclone DDS 0\.10/,
      },
    ]);
    openssl("smime", "-verify", "-text", "-in", "below.p7s", "-CAfile", "ec.pem", "-out", "back.xml");
  });

  t.test(
    "a signed document is signed again by another CA, once the old signature has verified",
    async (t) => {
      text("sign", "governance.xml", ...by("ec"));
      const without = json("sign", "governance.p7s", "--resign", ...by("rsa"));
      t.equal(without.status, 1);
      t.match(without.report.findings, [{ code: "DOCUMENT_SIGNER_MISMATCH" }]);
      t.match(without.report, { forcible: false });
      t.equal(
        json("sign", "governance.p7s", "--resign", "--force", ...by("rsa")).status,
        1,
        "no option turns that off",
      );
      t.equal(json("sign", "governance.p7s", "--resign", "--ca", "ec.pem", ...by("rsa")).status, 0);
      t.equal(json("verify", "governance.p7s", "--ca", "rsa.pem", "--against", "governance.xml").status, 0);
      const signedTwice = json("sign", "governance.p7s", ...by("rsa"), "--out", "twice.p7s");
      t.match(signedTwice.report.findings, [{ code: "DOCUMENT_INVALID", hint: /--resign/ }]);
    },
  );

  t.test("what an implementation does not read is not signed, but by --force", async (t) => {
    const bad: Readonly<Record<string, readonly [string, RegExp]>> = {
      DOCUMENT_INVALID: [GOVERNANCE.replace("<id>0</id>", "<id>x</id>"), /./],
      XML_INVALID: [GOVERNANCE.replace("</dds>", ""), /./],
      PEER_DIFFERS: [
        GOVERNANCE.replace(
          "      <topic_access_rules>",
          "      <rtps_psk_protection_kind>SIGN</rtps_psk_protection_kind>\n      <topic_access_rules>",
        ),
        /Cyclone DDS|Fast DDS/,
      ],
    };
    for (const [code, [xml, message]] of Object.entries(bad)) {
      write("bad.xml", xml);
      const refused = json("sign", "bad.xml", ...by("ec"));
      t.equal(refused.status, 1, code);
      t.match(refused.report, { ok: false, forcible: true });
      t.match(refused.report.findings[0], { code, severity: "error", message });
      if (code === "PEER_DIFFERS")
        t.match(refused.report.findings[0], { location: { line: 11 } }, "a line of the XML");
      t.notOk(readdirSync(folder).includes("bad.p7s"), "nothing is written");
      const forced = json("sign", "bad.xml", ...by("ec"), "--force", "--out", "forced.p7s");
      t.equal(forced.status, 0, forced.stdout);
      t.match(forced.report.findings[0], { code, severity: "warning" });
    }
    write("neither.xml", "<dds><other/></dds>");
    t.match(json("sign", "neither.xml", ...by("ec")).report.findings, [
      { message: /neither a Governance nor/ },
    ]);
    write("key.xml", read("ec.key"));
    const key = text("sign", "key.xml", ...by("ec"));
    t.equal(key.status, 1);
    t.notMatch(key.stdout + key.stderr, /[A-Za-z0-9+/]{40}/, "a key named by mistake is not shown");
  });

  t.test("the key must be the certificate's, and the CA one", async (t) => {
    const wrong = json("sign", "governance.xml", "--key", "file:rsa.key", "--cert", "file:ec.pem", "--force");
    t.equal(wrong.status, 1);
    t.match(wrong.report.findings.at(-1), { code: "KEY_MISMATCH" });
    authority("leaf", EC, "-addext", "basicConstraints=critical,CA:FALSE");
    const leaf = json("sign", "governance.xml", ...by("leaf"));
    t.equal(leaf.status, 1);
    t.match(leaf.report.findings, [{ code: "CA_INVALID" }]);
    const later = json("sign", "governance.xml", ...by("ec"), "--at", "2099-01-01");
    t.match(later.report.findings, [{ code: "CERTIFICATE_EXPIRED" }]);
    const expired = json("verify", "governance.p7s", "--ca", "rsa.pem", "--at", "2099-01-01");
    t.equal(expired.status, 1);
    t.match(expired.report.findings, [{ code: "CERTIFICATE_EXPIRED" }]);
    t.match(expired.report.readers, [{ reader: "cyclonedds", accepts: true }]);
    t.match(
      expired.report.readers?.find(({ reader }) => reader === "fastdds"),
      { accepts: false },
    );
  });

  t.test("--pss signs with RSASSA-PSS and says who will not read it", async (t) => {
    const { status, report } = json("sign", "governance.xml", ...by("rsa"), "--pss", "--out", "pss.p7s");
    t.equal(status, 0);
    t.match(report.findings[0], {
      code: "PEER_DIFFERS",
      severity: "warning",
      message: /Cyclone DDS.*Fast DDS.*PSS/,
    });
    t.equal(json("verify", "pss.p7s", "--ca", "rsa.pem").status, 0);
    t.equal(json("sign", "governance.xml", ...by("ec"), "--pss").status, 1);
  });

  t.test("the document may be named by a file: URI, and is not written over", async (t) => {
    writeFileSync(join(folder, "again.xml"), readFileSync(join(folder, "governance.xml")));
    t.equal(text("sign", "file:again.xml", ...by("ec")).status, 0);
    t.match(json("verify", "file:again.p7s", "--ca", "ec.pem"), { status: 0 });
    t.equal(text("sign", "file:again.xml", ...by("ec"), "--out", "again.xml").status, 2);
    t.equal(text("sign", "file:again.xml", ...by("ec"), "--out", "o".repeat(300)).status, 1);
  });

  t.test("wrong use is said, with status 2", async (t) => {
    for (const args of [
      ["sign", "governance.xml", "--cert", "ec.pem"],
      ["sign", "governance.xml", "--key", "ec.key"],
      ["sign", ...by("ec")],
      ["sign", "governance.xml", ...by("ec"), "--out", "./governance.xml"],
      ["sign", "governance.xml", ...by("ec"), "--ca", "ec.pem"],
      ["verify", "governance.p7s"],
      ["verify", "--ca", "ec.pem"],
      ["verify", "a", "b", "--ca", "ec.pem"],
      ["verify", "a", "--ca", "ec.pem", "--format", "yaml"],
    ]) {
      const { status, stderr } = text(...args);
      t.equal(status, 2, args.join(" "));
      t.match(stderr, /^ddscred (?:sign|verify): /);
    }
    t.match(json("verify", "missing.p7s", "--ca", "ec.pem").report.findings, [{ code: "FILE_NOT_FOUND" }]);
    t.match(json("verify", "pkcs11:token=x", "--ca", "ec.pem").report.findings, [
      { code: "URI_SCHEME_REFUSED" },
    ]);
  });
});

const archive = join(root, "../shared/vectors/deployments.tar.gz");
const noVectors = existsSync(archive) ? false : "the vectors are not beside the repository";

t.test("deployments: signatures are judged as observed, in each dialect", { skip: noVectors }, async (t) => {
  const folder = temporaryFolder(t);
  run("tar", ["xzf", archive], { cwd: folder });
  const { json } = workshop(join(folder, "deployments"));
  const cases = JSON.parse(readFileSync(join(folder, "deployments/cases.json"), "utf8")) as {
    id: string;
    properties: { permissions: string; permissions_ca: string };
    specVerdict: Record<string, boolean> | null;
    observed: Record<"cyclone" | "fastdds", { ok: boolean }>;
  }[];
  const judged = cases.filter(({ id }) => id.startsWith("sig-"));
  t.equal(judged.length, 11);
  for (const { id, properties, specVerdict, observed } of judged) {
    const { report } = json("verify", properties.permissions, "--ca", properties.permissions_ca);
    const accepts = (name: string) => report.readers?.find(({ reader }) => reader === name)?.accepts ?? false;
    // Where the specification does not decide, sig-binary, no implementation accepts it.
    const wanted = specVerdict === null ? false : Object.values(specVerdict).every(Boolean);
    t.equal(report.ok, wanted, `${id}: spec`);
    t.equal(accepts("cyclonedds"), observed.cyclone.ok, `${id}: Cyclone DDS`);
    t.equal(accepts("fastdds"), observed.fastdds.ok, `${id}: Fast DDS`);
  }
});

const needs = missing("softhsm2-util", "pkcs11-tool", "openssl") ?? false;
for (const keyType of ["ec", "rsa"] as const) {
  t.test(`a permissions CA whose ${keyType} key is on a token`, { skip: needs }, async (t) => {
    const { folder, module, env, openssl, pkcs11Tool } = makeExample(temporaryFolder(t), keyType);
    for (const [type, form] of [
      ["privkey", []],
      ["pubkey", ["-pubout"]],
    ] as const) {
      openssl("pkey", "-in", "permissions_ca.key", ...form, "-outform", "DER", "-out", "ca.der");
      pkcs11Tool("--write-object", "ca.der", "--type", type, "--label", "permissions CA", "--id", "30");
    }
    const { write, text, json } = workshop(folder, { ...env, CA_PIN: PIN });
    write("governance.xml", GOVERNANCE);
    const key = [
      "--key",
      "pkcs11:object=permissions%20CA;type=private?pin-source=env:CA_PIN",
      "--module",
      module,
    ];
    const from = [...key, "--cert", "file:permissions_ca_cert.pem"];
    const signed = json("sign", "governance.xml", ...from);
    t.equal(signed.status, 0, signed.stdout);
    t.equal(
      json("verify", "governance.p7s", "--ca", "permissions_ca_cert.pem", "--against", "governance.xml")
        .status,
      0,
    );
    openssl(
      "smime",
      "-verify",
      "-text",
      "-in",
      "governance.p7s",
      "-CAfile",
      "permissions_ca_cert.pem",
      "-out",
      "back.xml",
    );
    const ca = "pkcs11:object=permissions_ca;type=cert";
    const both = json("sign", "governance.xml", ...key, "--cert", ca);
    t.equal(both.status, 0, both.stdout);
    t.equal(json("verify", "governance.p7s", "--ca", ca, "--module", module).status, 0, "a CA on the token");
    if (keyType === "rsa") {
      t.equal(json("sign", "governance.xml", ...from, "--pss").status, 0);
      openssl(
        "cms",
        "-verify",
        "-text",
        "-in",
        "governance.p7s",
        "-CAfile",
        "permissions_ca_cert.pem",
        "-out",
        "back.xml",
      );
    }

    const bare = from.map((arg) => arg.replace("?pin-source=env:CA_PIN", ""));
    t.equal(
      json("sign", "governance.xml", ...bare, "--pin-source", "env:CA_PIN").status,
      0,
      "a PIN from beside the URI",
    );
    t.match(text("sign", "governance.xml", ...bare).stdout, /PIN_REQUIRED/);

    const refused = text(
      "sign",
      "governance.xml",
      ...from.map((arg) => arg.replace("permissions%20CA", "alice_key")),
    );
    t.equal(refused.status, 1);
    t.match(refused.stdout, /KEY_MISMATCH/);
    const nothing = text(
      "sign",
      "governance.xml",
      ...from.map((arg) => arg.replace("permissions%20CA", "nothing")),
    );
    t.match(nothing.stdout, /OBJECT_NOT_FOUND/);
    for (const { stdout, stderr } of [signed, both, refused, nothing])
      t.notMatch(stdout + stderr, new RegExp(`(?<![0-9a-f])${PIN}(?![0-9a-f])`), "the PIN is nowhere");
  });
}
