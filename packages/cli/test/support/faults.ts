// Longer than a screen because it is a table: every fault that check must tell apart is a row.

import { type Example, PIN } from "./softhsm.ts";

/** A fault: what is changed about the good example, and the finding that must name it. */
export interface Fault {
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

export const replace = (from: string | RegExp, to: string) => (example: Example) =>
  example.configuration.replace(from, to);
const KEY_URI = `pkcs11:token=DDSTestToken;object=alice_key;type=private?pin-value=${PIN}`;
const CERTIFICATE_URI = `pkcs11:token=DDSTestToken;object=alice_cert?pin-value=${PIN}`;
const key = (uri: string) => replace(KEY_URI, uri);
const certificate = (uri: string) => replace(CERTIFICATE_URI, uri);
export const PRIVATE_KEY = "dds.sec.auth.private_key";
const IDENTITY_CERTIFICATE = "dds.sec.auth.identity_certificate";
export const IDENTITY_CA = "dds.sec.auth.identity_ca";
export const GOVERNANCE = "dds.sec.access.governance";
export const PERMISSIONS = "dds.sec.access.permissions";

const moduleFaults: readonly Fault[] = [
  {
    name: "the module does not exist",
    code: "MODULE_NOT_FOUND",
    property: IDENTITY_CERTIFICATE, // the first that wants it; it names the others
    options: ["--module", "/nowhere/libsofthsm2.so"],
    says: /\/nowhere\/libsofthsm2\.so/,
  },
  {
    name: "the module is a text file",
    code: "MODULE_NOT_PKCS11",
    property: IDENTITY_CERTIFICATE, // the first that wants it; it names the others
    options: ["--module", "./alice_cert.pem"],
  },
  {
    name: "the module is a library of another kind",
    code: "MODULE_NOT_PKCS11",
    property: IDENTITY_CERTIFICATE, // the first that wants it; it names the others
    options: ["--module", "LIBC"],
  },
  {
    name: "the module is a damaged library",
    code: "MODULE_NOT_LOADABLE",
    property: IDENTITY_CERTIFICATE, // the first that wants it; it names the others
    options: ["--module", "./damaged.so"],
  },
];

const tokenFaults: readonly Fault[] = [
  {
    name: "the token is not there",
    code: "TOKEN_NOT_FOUND",
    property: PRIVATE_KEY,
    line: 8,
    configuration: key(KEY_URI.replace("DDSTestToken", "DDSTestTokn")),
    says: /DDSTestToken/,
  },
  {
    name: "the PIN is wrong",
    code: "PIN_INCORRECT",
    property: PRIVATE_KEY,
    line: 8,
    configuration: key(KEY_URI.replace(PIN, "9999")),
  },
  {
    name: "no PIN is given",
    code: "PIN_REQUIRED",
    property: PRIVATE_KEY,
    line: 8,
    configuration: (example) => example.configuration.replaceAll(`?pin-value=${PIN}`, ""),
  },
  {
    name: "no object has the label, a near one does",
    code: "OBJECT_NOT_FOUND",
    property: PRIVATE_KEY,
    line: 8,
    configuration: key(KEY_URI.replace("alice_key", "alice_kye")),
    says: /alice_key/,
  },
  {
    name: "no certificate has the label",
    code: "OBJECT_NOT_FOUND",
    property: IDENTITY_CERTIFICATE,
    line: 6,
    configuration: certificate(CERTIFICATE_URI.replace("alice_cert", "alice_crt")),
    says: /alice_cert/,
  },
  {
    name: "two keys have the label",
    code: "OBJECT_AMBIGUOUS",
    property: PRIVATE_KEY,
    line: 8,
    configuration: key(KEY_URI.replace("alice_key", "twin_key")),
    says: /id=%11.*id=%12|id=%12.*id=%11/,
  },
];

const uriFaults: readonly Fault[] = [
  {
    name: "Governance is on the token",
    code: "URI_SCHEME_REFUSED",
    property: GOVERNANCE,
    line: 12,
    configuration: replace("file:governance.p7s", "pkcs11:token=DDSTestToken;object=governance"),
  },
  {
    name: "Permissions is on the token",
    code: "URI_SCHEME_REFUSED",
    property: PERMISSIONS,
    line: 13,
    configuration: replace("file:permissions.p7s", "pkcs11:token=DDSTestToken;object=permissions"),
  },
  {
    name: "a URI is not RFC 7512",
    code: "URI_INVALID",
    property: PRIVATE_KEY,
    line: 8,
    configuration: key("pkcs11:token=DDSTestToken;object=alice key;type=private"),
    says: /RFC 7512|position|blank|character/i,
  },
  {
    name: "a scheme is unknown",
    code: "URI_SCHEME_UNKNOWN",
    property: IDENTITY_CA,
    line: 7,
    configuration: replace("file:identity_ca_cert.pem", "https://ca.example/ca.pem"),
  },
  {
    name: "a path has no scheme",
    code: "URI_SCHEME_UNKNOWN",
    property: IDENTITY_CA,
    line: 7,
    configuration: replace("file:identity_ca_cert.pem", "identity_ca_cert.pem"),
    says: /file:/,
  },
];

const fileFaults: readonly Fault[] = [
  {
    name: "a file is missing",
    code: "FILE_NOT_FOUND",
    property: IDENTITY_CA,
    line: 7,
    configuration: replace("identity_ca_cert.pem", "identity_ca_crt.pem"),
    says: /identity_ca_crt\.pem/,
  },
  {
    name: "a file is empty",
    code: "FILE_EMPTY",
    property: IDENTITY_CA,
    line: 7,
    configuration: replace("identity_ca_cert.pem", "empty.pem"),
  },
  {
    name: "a path is a directory",
    code: "FILE_NOT_REGULAR",
    property: IDENTITY_CA,
    line: 7,
    configuration: replace("identity_ca_cert.pem", "tokens"),
  },
  {
    name: "a certificate is DER, not PEM",
    code: "PEM_NOT_FOUND",
    property: IDENTITY_CA,
    line: 7,
    configuration: replace("identity_ca_cert.pem", "alice_cert.der"),
    says: /DER/,
  },
];

const credentialFaults: readonly Fault[] = [
  {
    name: "the key belongs to another certificate",
    code: "KEY_MISMATCH",
    property: PRIVATE_KEY,
    line: 8,
    configuration: key(KEY_URI.replace("alice_key", "other_key")),
  },
  {
    name: "the certificate is of another CA",
    code: "ISSUER_MISMATCH",
    property: IDENTITY_CERTIFICATE,
    line: 6,
    configuration: replace("identity_ca_cert.pem", "permissions_ca_cert.pem"),
  },
  {
    name: "the certificate has expired",
    code: "CERTIFICATE_EXPIRED",
    property: IDENTITY_CERTIFICATE,
    line: 6,
    options: ["--at", "2100-01-01"],
  },
  {
    name: "the certificate is not valid yet",
    code: "CERTIFICATE_NOT_YET_VALID",
    property: IDENTITY_CERTIFICATE,
    line: 6,
    options: ["--at", "2001-01-01"],
  },
  {
    name: "the certificate has a key of an unsupported type",
    code: "KEY_UNSUPPORTED",
    property: IDENTITY_CERTIFICATE,
    line: 6,
    configuration: certificate("file:rsa4096_cert.pem"),
  },
];

const documentFaults: readonly Fault[] = [
  {
    name: "a document is plain XML",
    code: "DOCUMENT_NOT_SMIME",
    property: GOVERNANCE,
    line: 12,
    configuration: replace("governance.p7s", "governance.xml"),
  },
  {
    name: "a document is signed without -text",
    code: "DOCUMENT_TEXT_HEADER_MISSING",
    property: PERMISSIONS,
    line: 13,
    configuration: replace("permissions.p7s", "notext.p7s"),
    says: /-text/,
  },
  {
    name: "a document is DER",
    code: "DOCUMENT_FORM_REFUSED",
    property: PERMISSIONS,
    line: 13,
    configuration: replace("permissions.p7s", "der.p7s"),
    says: /DER/,
  },
  {
    name: "a document is PEM",
    code: "DOCUMENT_FORM_REFUSED",
    property: PERMISSIONS,
    line: 13,
    configuration: replace("permissions.p7s", "pem.p7s"),
    says: /PEM/,
  },
  {
    name: "a document was changed after signing",
    code: "DOCUMENT_CHANGED",
    property: PERMISSIONS,
    line: 13,
    configuration: replace("permissions.p7s", "changed.p7s"),
  },
  {
    name: "a document is signed by another key",
    code: "DOCUMENT_SIGNER_MISMATCH",
    property: PERMISSIONS,
    line: 13,
    configuration: replace("permissions.p7s", "foreign.p7s"),
    says: /identity_ca/,
  },
  {
    name: "the signed XML does not parse",
    code: "XML_INVALID",
    property: PERMISSIONS,
    line: 13,
    configuration: replace("permissions.p7s", "truncated.p7s"),
  },
  {
    name: "the grant is for somebody else",
    code: "SUBJECT_MISMATCH",
    property: PERMISSIONS,
    line: 13,
    configuration: replace("permissions.p7s", "bob.p7s"),
    says: /CN=alice/,
  },
];

const configurationFaults: readonly Fault[] = [
  {
    name: "the configuration is no XML",
    code: "XML_INVALID",
    configuration: replace("</Security>", "</Securty>"),
    line: 15,
  },
  {
    name: "a variable is not set",
    code: "VARIABLE_UNDEFINED",
    property: PRIVATE_KEY,
    line: 8,
    configuration: key(`pkcs11:token=DDSTestToken;object=alice_key?pin-value=\${DDSCRED_NO_SUCH_VARIABLE}`),
    says: /DDSCRED_NO_SUCH_VARIABLE/,
  },
  { name: "others may read the PIN", code: "PIN_EXPOSED", configuration: replace("", ""), mode: 0o644 },
];

export const faults: readonly Fault[] = [
  ...moduleFaults,
  ...tokenFaults,
  ...uriFaults,
  ...fileFaults,
  ...credentialFaults,
  ...documentFaults,
  ...configurationFaults,
];
