// Makes the example deployment of a participant whose credentials are on a token:
//   node examples/softhsm/make.mjs FOLDER [--key ec|rsa]
// In FOLDER: a SoftHSM token DDSTestToken (user PIN 1234) with alice_cert, alice_key and permissions_ca, the
// identity CA and the signed documents as files, and cyclonedds.xml that names them.
// It needs softhsm2-util, pkcs11-tool and openssl on the PATH.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const TOKEN = "DDSTestToken";
const PIN = "1234";
const MODULES = [
  "/usr/lib/softhsm/libsofthsm2.so",
  "/usr/lib64/pkcs11/libsofthsm2.so",
  "/usr/local/lib/softhsm/libsofthsm2.so",
];

const PACKAGES = "Debian: apt-get install softhsm2 opensc openssl";
const [argument, ...options] = process.argv.slice(2);
if (argument === undefined || argument.startsWith("-")) {
  fail("Usage: node examples/softhsm/make.mjs FOLDER [--key ec|rsa]");
}
const folder = resolve(argument);
if (existsSync(join(folder, "tokens")))
  fail(`${folder} holds an example already: remove it, or name another folder`);
const keyType = options[options.indexOf("--key") + 1] === "rsa" ? "rsa" : "ec";
const module = MODULES.find(existsSync) ?? "";
if (module === "") fail(`SoftHSM's module was not found. ${PACKAGES}`);

mkdirSync(join(folder, "tokens"), { recursive: true });
const configuration = join(folder, "softhsm2.conf");
writeFileSync(
  configuration,
  `directories.tokendir = ${join(folder, "tokens")}\nobjectstore.backend = file\nlog.level = ERROR\n`,
);
const env = { ...process.env, SOFTHSM2_CONF: configuration };
const run = (program, ...args) => {
  const { status, stderr, error } = spawnSync(program, args, { cwd: folder, env, encoding: "utf8" });
  if (error !== undefined) fail(`${program} cannot be run (${error.code}). ${PACKAGES}`);
  if (status !== 0) fail(`${program} failed:\n${stderr}`);
};
const path = (name) => join(folder, name);

issueCertificates();
signDocuments();
fillToken();
writeFileSync(path("cyclonedds.xml"), cycloneConfiguration(), { mode: 0o600 });
process.stdout.write(`export SOFTHSM2_CONF=${configuration}
ddscred check ${path("cyclonedds.xml")} --module ${module}    # in the clone also: npm start -- check ...
`);

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function issueCertificates() {
  const newKey = (name) =>
    keyType === "ec"
      ? run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", `${name}.key`)
      : run("openssl", "genrsa", "-out", `${name}.key`, "2048");
  const ca = [
    "-addext",
    "basicConstraints=critical,CA:TRUE",
    "-addext",
    "keyUsage=critical,keyCertSign,cRLSign,digitalSignature",
  ];
  for (const name of ["identity_ca", "permissions_ca"]) {
    newKey(name);
    run(
      "openssl",
      "req",
      "-x509",
      "-new",
      "-key",
      `${name}.key`,
      "-subj",
      `/C=NL/O=Example/CN=${name}`,
      "-days",
      "3650",
      "-sha256",
      ...ca,
      "-out",
      `${name}_cert.pem`,
    );
  }
  newKey("alice");
  run(
    "openssl",
    "req",
    "-new",
    "-key",
    "alice.key",
    "-subj",
    "/C=NL/O=Example/CN=alice",
    "-out",
    "alice.csr",
  );
  run(
    "openssl",
    "x509",
    "-req",
    "-in",
    "alice.csr",
    "-CA",
    "identity_ca_cert.pem",
    "-CAkey",
    "identity_ca.key",
    "-CAcreateserial",
    "-days",
    "3650",
    "-sha256",
    "-out",
    "alice_cert.pem",
  );
}

function signDocuments() {
  for (const name of ["governance", "permissions"]) {
    writeFileSync(path(`${name}.xml`), readFileSync(new URL(`${name}.xml`, import.meta.url)));
    run(
      "openssl",
      "smime",
      "-sign",
      "-text",
      "-in",
      `${name}.xml`,
      "-out",
      `${name}.p7s`,
      "-signer",
      "permissions_ca_cert.pem",
      "-inkey",
      "permissions_ca.key",
    );
  }
}

function fillToken() {
  run("softhsm2-util", "--init-token", "--free", "--label", TOKEN, "--so-pin", "5678", "--pin", PIN);
  const pkcs11Tool = (...args) =>
    run("pkcs11-tool", "--module", module, "--token-label", TOKEN, "--login", "--pin", PIN, ...args);
  run("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", "alice.key", "-out", "alice.p8");
  run(
    "softhsm2-util",
    "--import",
    "alice.p8",
    "--token",
    TOKEN,
    "--pin",
    PIN,
    "--label",
    "alice_key",
    "--id",
    "01",
  );
  for (const [label, id, file] of [
    ["alice_cert", "01", "alice_cert"],
    ["permissions_ca", "02", "permissions_ca_cert"],
  ]) {
    run("openssl", "x509", "-in", `${file}.pem`, "-outform", "DER", "-out", `${file}.der`);
    pkcs11Tool("--write-object", `${file}.der`, "--type", "cert", "--label", label, "--id", id);
  }
}

function cycloneConfiguration() {
  return `<?xml version="1.0" encoding="UTF-8" ?>
<CycloneDDS xmlns="https://cdds.io/config">
    <Domain id="any">
        <Security>
            <Authentication>
                <IdentityCertificate>pkcs11:token=${TOKEN};object=alice_cert?pin-value=${PIN}</IdentityCertificate>
                <IdentityCA>file:identity_ca_cert.pem</IdentityCA>
                <PrivateKey>pkcs11:token=${TOKEN};object=alice_key;type=private?pin-value=${PIN}</PrivateKey>
            </Authentication>
            <AccessControl>
                <PermissionsCA>pkcs11:token=${TOKEN};object=permissions_ca?pin-value=${PIN}</PermissionsCA>
                <Governance>file:governance.p7s</Governance>
                <Permissions>file:permissions.p7s</Permissions>
            </AccessControl>
        </Security>
    </Domain>
</CycloneDDS>
`;
}
