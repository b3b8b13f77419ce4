// The manual's example configuration on a real token: good as it stands, and each fault told apart.

import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { ddscred, missing, temporaryFolder } from "./support/program.ts";
import { type Example, makeExample, PIN } from "./support/softhsm.ts";

const skip = missing("softhsm2-util", "pkcs11-tool", "openssl") ?? false;

/** A fault: what is changed about the good example, and the finding that must name it. */
interface Fault {
  readonly name: string;
  readonly code: string;
  readonly property?: string;
  /** What the message, the candidates or the URI must say. */
  readonly says?: RegExp;
  /** The line of the configuration that must be named. */
  readonly line?: number;
  readonly options?: readonly string[];
  /** The changed configuration; or nothing, where only the options differ. */
  readonly configuration?: (example: Example) => string;
  readonly mode?: number;
}

const replace = (from: string | RegExp, to: string) => (example: Example) => example.configuration.replace(from, to);
const KEY_URI = `pkcs11:token=DDSTestToken;object=alice_key;type=private?pin-value=${PIN}`;
const CERTIFICATE_URI = `pkcs11:token=DDSTestToken;object=alice_cert?pin-value=${PIN}`;
const key = (uri: string) => replace(KEY_URI, uri);
const certificate = (uri: string) => replace(CERTIFICATE_URI, uri);
const PRIVATE_KEY = "dds.sec.auth.private_key";
const IDENTITY_CERTIFICATE = "dds.sec.auth.identity_certificate";
const IDENTITY_CA = "dds.sec.auth.identity_ca";
const PERMISSIONS_CA = "dds.sec.access.permissions_ca";
const GOVERNANCE = "dds.sec.access.governance";
const PERMISSIONS = "dds.sec.access.permissions";

const moduleFaults: readonly Fault[] = [
  { name: "the module does not exist", code: "MODULE_NOT_FOUND", property: PRIVATE_KEY, options: ["--module", "/nowhere/libsofthsm2.so"], says: /\/nowhere\/libsofthsm2\.so/ },
  { name: "the module is a text file", code: "MODULE_NOT_PKCS11", property: PRIVATE_KEY, options: ["--module", "./alice_cert.pem"] },
  { name: "the module is a library of another kind", code: "MODULE_NOT_PKCS11", property: PRIVATE_KEY, options: ["--module", "LIBC"] },
  { name: "the module is a damaged library", code: "MODULE_NOT_LOADABLE", property: PRIVATE_KEY, options: ["--module", "./damaged.so"] },
];

const tokenFaults: readonly Fault[] = [
  { name: "the token is not there", code: "TOKEN_NOT_FOUND", property: PRIVATE_KEY, line: 8, configuration: key(KEY_URI.replace("DDSTestToken", "DDSTestTokn")), says: /DDSTestToken/ },
  { name: "the PIN is wrong", code: "PIN_INCORRECT", property: PRIVATE_KEY, line: 8, configuration: key(KEY_URI.replace(PIN, "9999")) },
  { name: "no PIN is given", code: "PIN_REQUIRED", property: PRIVATE_KEY, line: 8, configuration: (example) => example.configuration.replaceAll(`?pin-value=${PIN}`, "") },
  { name: "no object has the label, a near one does", code: "OBJECT_NOT_FOUND", property: PRIVATE_KEY, line: 8, configuration: key(KEY_URI.replace("alice_key", "alice_kye")), says: /alice_key/ },
  { name: "no certificate has the label", code: "OBJECT_NOT_FOUND", property: IDENTITY_CERTIFICATE, line: 6, configuration: certificate(CERTIFICATE_URI.replace("alice_cert", "alice_crt")), says: /alice_cert/ },
  { name: "two keys have the label", code: "OBJECT_AMBIGUOUS", property: PRIVATE_KEY, line: 8, configuration: key(KEY_URI.replace("alice_key", "twin_key")), says: /id=%11.*id=%12|id=%12.*id=%11/ },
];

const uriFaults: readonly Fault[] = [
  { name: "Governance is on the token", code: "URI_SCHEME_REFUSED", property: GOVERNANCE, line: 12, configuration: replace("file:governance.p7s", "pkcs11:token=DDSTestToken;object=governance") },
  { name: "Permissions is on the token", code: "URI_SCHEME_REFUSED", property: PERMISSIONS, line: 13, configuration: replace("file:permissions.p7s", "pkcs11:token=DDSTestToken;object=permissions") },
  { name: "a URI is not RFC 7512", code: "URI_INVALID", property: PRIVATE_KEY, line: 8, configuration: key("pkcs11:token=DDSTestToken;object=alice key;type=private"), says: /RFC 7512|position|blank|character/i },
  { name: "a scheme is unknown", code: "URI_SCHEME_UNKNOWN", property: IDENTITY_CA, line: 7, configuration: replace("file:identity_ca_cert.pem", "https://ca.example/ca.pem") },
  { name: "a path has no scheme", code: "URI_SCHEME_UNKNOWN", property: IDENTITY_CA, line: 7, configuration: replace("file:identity_ca_cert.pem", "identity_ca_cert.pem"), says: /file:/ },
];

const fileFaults: readonly Fault[] = [
  { name: "a file is missing", code: "FILE_NOT_FOUND", property: IDENTITY_CA, line: 7, configuration: replace("identity_ca_cert.pem", "identity_ca_crt.pem"), says: /identity_ca_crt\.pem/ },
  { name: "a file is empty", code: "FILE_EMPTY", property: IDENTITY_CA, line: 7, configuration: replace("identity_ca_cert.pem", "empty.pem") },
  { name: "a path is a directory", code: "FILE_NOT_REGULAR", property: IDENTITY_CA, line: 7, configuration: replace("identity_ca_cert.pem", "tokens") },
  { name: "a certificate is DER, not PEM", code: "PEM_NOT_FOUND", property: IDENTITY_CA, line: 7, configuration: replace("identity_ca_cert.pem", "alice_cert.der"), says: /DER/ },
];

const credentialFaults: readonly Fault[] = [
  { name: "the key belongs to another certificate", code: "KEY_MISMATCH", property: PRIVATE_KEY, line: 8, configuration: key(KEY_URI.replace("alice_key", "other_key")) },
  { name: "the certificate is of another CA", code: "ISSUER_MISMATCH", property: IDENTITY_CERTIFICATE, line: 6, configuration: replace("identity_ca_cert.pem", "permissions_ca_cert.pem") },
  { name: "the certificate has expired", code: "CERTIFICATE_EXPIRED", property: IDENTITY_CERTIFICATE, line: 6, options: ["--at", "2100-01-01"] },
  { name: "the certificate is not valid yet", code: "CERTIFICATE_NOT_YET_VALID", property: IDENTITY_CERTIFICATE, line: 6, options: ["--at", "2001-01-01"] },
  { name: "the certificate has a key of an unsupported type", code: "KEY_UNSUPPORTED", property: IDENTITY_CERTIFICATE, line: 6, configuration: certificate("file:rsa4096_cert.pem") },
];

const documentFaults: readonly Fault[] = [
  { name: "a document is plain XML", code: "DOCUMENT_NOT_SMIME", property: GOVERNANCE, line: 12, configuration: replace("governance.p7s", "governance.xml") },
  { name: "a document is signed without -text", code: "DOCUMENT_TEXT_HEADER_MISSING", property: PERMISSIONS, line: 13, configuration: replace("permissions.p7s", "notext.p7s"), says: /-text/ },
  { name: "a document is DER", code: "DOCUMENT_FORM_REFUSED", property: PERMISSIONS, line: 13, configuration: replace("permissions.p7s", "der.p7s"), says: /DER/ },
  { name: "a document is PEM", code: "DOCUMENT_FORM_REFUSED", property: PERMISSIONS, line: 13, configuration: replace("permissions.p7s", "pem.p7s"), says: /PEM/ },
  { name: "a document was changed after signing", code: "DOCUMENT_CHANGED", property: PERMISSIONS, line: 13, configuration: replace("permissions.p7s", "changed.p7s") },
  { name: "a document is signed by another key", code: "DOCUMENT_SIGNER_MISMATCH", property: PERMISSIONS, line: 13, configuration: replace("permissions.p7s", "foreign.p7s"), says: /identity_ca/ },
  { name: "the signed XML does not parse", code: "XML_INVALID", property: PERMISSIONS, line: 13, configuration: replace("permissions.p7s", "truncated.p7s") },
  { name: "the grant is for somebody else", code: "SUBJECT_MISMATCH", property: PERMISSIONS, line: 13, configuration: replace("permissions.p7s", "bob.p7s"), says: /CN=alice/ },
];

const configurationFaults: readonly Fault[] = [
  { name: "the configuration is no XML", code: "XML_INVALID", configuration: replace("</Security>", "</Securty>"), line: 15 },
  { name: "a variable is not set", code: "VARIABLE_UNDEFINED", property: PRIVATE_KEY, line: 8, configuration: key(`pkcs11:token=DDSTestToken;object=alice_key?pin-value=\${DDSCRED_NO_SUCH_VARIABLE}`), says: /DDSCRED_NO_SUCH_VARIABLE/ },
  { name: "others may read the PIN", code: "PIN_EXPOSED", configuration: replace("", ""), mode: 0o644 },
];

for (const keyType of ["ec", "rsa"] as const) {
  t.test(`the example configuration with ${keyType} keys on a token`, { skip }, async (t) => {
    const example = makeExample(temporaryFolder(t), keyType);

    t.test("is good, in JSON and in text", async (t) => {
      const { status, report } = example.check("cyclonedds.xml");
      t.equal(status, 0, JSON.stringify(report.findings));
      t.equal(report.ok, true);
      t.same(report.findings.map(({ code }) => code), ["PIN_INLINE"]);
      t.equal(report.credentials.length, 4);
      t.equal(report.credentials.find(({ property }) => property === PRIVATE_KEY)?.possessionProved, true);
      t.same(report.documents.map(({ property }) => property), [GOVERNANCE, PERMISSIONS]);
      t.same(report.expiry.map(({ notAfter }) => notAfter), report.expiry.map(({ notAfter }) => notAfter).toSorted());

      const text = ddscred(["check", "cyclonedds.xml", "--module", example.module], { cwd: example.folder, env: example.env });
      t.equal(text.status, 0);
      t.match(text.stdout, /^good/);
      t.notMatch(text.stdout + text.stderr, `pin-value=${PIN}`);
    });
    if (keyType === "rsa") return;
    prepareFaults(example);
    for (const fault of [
      ...moduleFaults, ...tokenFaults, ...uriFaults, ...fileFaults, ...credentialFaults, ...documentFaults, ...configurationFaults,
    ]) {
      t.test(`tells apart: ${fault.name}`, async (t) => judge(t, example, fault));
    }
    t.test("tells apart: a file that may not be read", { skip: process.getuid?.() === 0 ? "root may read everything" : false }, async (t) => {
      chmodSync(join(example.folder, "unreadable.pem"), 0);
      judge(t, example, { name: "", code: "FILE_NOT_READABLE", property: IDENTITY_CA, configuration: replace("identity_ca_cert.pem", "unreadable.pem") });
    });
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
  const finding = errors.find(({ code, property }) => code === fault.code && (fault.property ?? property) === property);
  t.ok(finding, `${fault.code} among ${errors.map(({ code, property }) => `${property}: ${code}`).join(", ")}`);
  if (finding === undefined) return;
  t.ok(finding.message.length > 10 && finding.hint.length > 10, "message and hint say something");
  if (fault.line !== undefined) t.match(finding.location, { file, line: fault.line });
  if (fault.says !== undefined) t.match(JSON.stringify(finding), fault.says);
  const shown = ddscred(["check", file, "--module", example.module, ...options], { cwd: example.folder, env: example.env });
  for (const secret of [`=${PIN}`, "9999"]) t.notMatch(stdout + stderr + shown.stdout + shown.stderr, secret);
}

function libc(): string {
  return process.report.getReport().sharedObjects.find((path: string) => /\/libc\.so/.test(path)) ?? "/lib/x86_64-linux-gnu/libc.so.6";
}

/** Everything that the faults point at. */
function prepareFaults(example: Example): void {
  const { openssl, pkcs11Tool, write, folder } = example;
  write("damaged.so", Buffer.concat([Buffer.from("7f454c46020101", "hex"), Buffer.alloc(500)]));
  write("empty.pem", "");
  write("unreadable.pem", "x");
  for (const [label, id] of [["other_key", "21"], ["twin_key", "11"], ["twin_key", "12"]] as const) {
    pkcs11Tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", label, "--id", id);
  }
  openssl("req", "-new", "-newkey", "rsa:4096", "-nodes", "-keyout", "rsa4096.key", "-subj", "/C=NL/O=Example/CN=alice", "-out", "rsa4096.csr");
  openssl("x509", "-req", "-in", "rsa4096.csr", "-CA", "identity_ca_cert.pem", "-CAkey", "identity_ca.key", "-days", "100", "-out", "rsa4096_cert.pem");
  const sign = (input: string, output: string, ...more: readonly string[]) =>
    openssl("smime", "-sign", "-in", input, "-out", output, "-signer", "permissions_ca_cert.pem", "-inkey", "permissions_ca.key", ...more);
  sign("permissions.xml", "notext.p7s");
  sign("permissions.xml", "der.p7s", "-text", "-outform", "DER");
  sign("permissions.xml", "pem.p7s", "-text", "-outform", "PEM");
  openssl("smime", "-sign", "-text", "-in", "permissions.xml", "-out", "foreign.p7s", "-signer", "identity_ca_cert.pem", "-inkey", "identity_ca.key");
  const edit = (name: string, change: (text: string) => string, source: string) =>
    write(name, change(readFileSync(join(folder, source), "utf8")));
  edit("changed.p7s", (text) => text.replace("Square", "Circle"), "permissions.p7s");
  edit("truncated.xml", (text) => text.replace("</grant>", ""), "permissions.xml");
  edit("bob.xml", (text) => text.replace("CN=alice", "CN=bob"), "permissions.xml");
  sign("truncated.xml", "truncated.p7s", "-text");
  sign("bob.xml", "bob.p7s", "-text");
}
