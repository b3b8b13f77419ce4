import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { conformanceMaterial as material, testBackend } from "@ddscred/backend-conformance";
import { fileBackend } from "@ddscred/backend-file";
import t from "tap";

/** The material as files; URIs are relative to the folder, but for one inline certificate and key. */
const files: Readonly<Record<string, string | Uint8Array>> = {
  "ec.pem": material.ec.certificate.pem,
  "ec.key.pem": material.ec.privateKey.pem,
  "rsa.pem": material.rsa.certificate.pem,
  "rsa.key.pem": material.rsa.privateKey.pem,
  "ca.pem": material.ca.certificate.pem,
  "chain.pem": material.chainPem,
  "encrypted.key.pem": material.encryptedPrivateKeyPem,
  "document.p7s": material.document,
  "crl.pem": material.revocationList.pem,
};

const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
t.teardown(() => rmSync(folder, { recursive: true }));
for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);

const supports = {
  documents: true,
  revocationLists: true,
  directory: false,
  ecKeys: true,
  rsaKeys: true,
  keyGeneration: false,
  writing: false,
  health: false,
  chains: true,
  ambiguity: false,
  passphrases: true,
  login: false,
  secretsInUris: true,
};

const invalid = [
  "file:",
  "file:%zz",
  "file://user@other-host/ec.pem",
  "file:a%00b",
  "data:",
  "data:;base64,*",
  "data:,%",
];

const missing = {
  missingCertificate: "file:no-such.pem",
  missingPrivateKey: "file:no-such.key.pem",
  missingDocument: "file:no-such.p7s",
  missingRevocationList: `file://${folder}/no-such.crl.pem`,
};

/** Keys and PINs where they stand by right, and where somebody pasted them by mistake. */
const withSecret = (secret: string) => [
  `data:,${secret}%`,
  `data:text/plain;base64,${secret}*`,
  `data:${secret}`,
  `file:-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`,
  `file:ec.key.pem?pin-value=${secret}`,
];

await t.test("file:", async (t) => {
  const uris = {
    ecCertificate: "file:ec.pem",
    ecPrivateKey: "file:ec.key.pem",
    rsaCertificate: `file://${folder}/rsa.pem`,
    rsaPrivateKey: `file:${folder}/rsa.key.pem`,
    ca: "FILE:ca.pem",
    chain: "file:chain.pem",
    document: "file:document.p7s",
    revocationList: "file:crl.pem",
    encryptedPrivateKey: "file:encrypted.key.pem",
    ...missing,
    invalid,
    withSecret,
  };
  await testBackend(t, () => ({ source: fileBackend({ bases: [folder] }), supports, uris }));
});

await t.test("data:", async (t) => {
  const inline = (content: string) => `data:,${content}`;
  const base64 = (content: string | Uint8Array) => `data:;base64,${Buffer.from(content).toString("base64")}`;
  const uris = {
    ecCertificate: inline(material.ec.certificate.pem),
    ecPrivateKey: inline(material.ec.privateKey.pem),
    rsaCertificate: inline(encodeURIComponent(material.rsa.certificate.pem)),
    rsaPrivateKey: base64(material.rsa.privateKey.pem),
    ca: `data:application/x-pem-file,${material.ca.certificate.pem}`,
    chain: inline(material.chainPem),
    document: base64(material.document),
    revocationList: base64(material.revocationList.pem),
    encryptedPrivateKey: inline(material.encryptedPrivateKeyPem),
    ...missing,
    invalid,
    withSecret,
  };
  await testBackend(t, () => ({ source: fileBackend({ bases: [folder] }), supports, uris }));
});
