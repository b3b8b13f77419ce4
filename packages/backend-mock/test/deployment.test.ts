import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  generateMockKey,
  issueMockCertificate,
  type MockDefect,
  mockDefects,
  mockDeployment,
  mockPki,
  signMockDocument,
} from "@ddscred/backend-mock";
import {
  CredentialError,
  createResolver,
  ddsIdentityProfile,
  type ErrorCode,
  parseCertificate,
  redactUri,
  validatePath,
  verifyDocument,
  webCrypto,
} from "@ddscred/core";
import t from "tap";

const crypto = webCrypto();

t.test(
  "the configuration of the Cyclone DDS manual works, from the token to the last signature",
  async (t) => {
    await judge(await mockDeployment());
    t.pass("certificate and key match, the path validates, both documents verify");
  },
);

t.test("the configuration is the manual's own", async (t) => {
  const { configuration, uris } = await mockDeployment();
  t.equal(uris.identityCertificate, "pkcs11:token=DDSTestToken;object=alice_cert?pin-value=1234");
  t.equal(uris.privateKey, "pkcs11:token=DDSTestToken;object=alice_key;type=private?pin-value=1234");
  t.equal(uris.permissionsCa, "pkcs11:token=DDSTestToken;object=permissions_ca?pin-value=1234");
  for (const uri of Object.values(uris)) t.match(configuration, `>${uri}</`);
});

t.test("OpenSSL accepts the certificates and the documents", async (t) => {
  const { pki, identity, files } = await mockDeployment({ keyKind: "rsa-2048" });
  const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const put = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const identityCa = put("identity_ca.pem", pki.identityCa.pem);
  const permissionsCa = put("permissions_ca.pem", pki.permissionsCa.pem);
  const verified = execFileSync("openssl", [
    "verify",
    "-x509_strict",
    "-CAfile",
    identityCa,
    put("a.pem", identity.pem),
  ]);
  t.match(String(verified), /: OK/);
  for (const name of ["governance.p7s", "permissions.p7s"] as const) {
    const document = put(name, files[name] ?? "");
    const arguments_ = ["smime", "-verify", "-text", "-in", document, "-CAfile", permissionsCa];
    const xml = execFileSync("openssl", arguments_, { stdio: ["ignore", "pipe", "ignore"] });
    t.match(String(xml), /^<\?xml[^]*<\/dds>\s*$/);
  }
});

t.test("participants of one PKI trust each other, and others do not", async (t) => {
  const pki = await mockPki();
  const [alice, bob, eve] = await Promise.all([
    mockDeployment({ pki }),
    mockDeployment({ pki, participant: "bob" }),
    mockDeployment({ participant: "eve" }),
  ]);
  t.equal(alice.files["identity_ca_cert.pem"], bob.files["identity_ca_cert.pem"]);
  await judge(bob);
  const leaf = parseCertificate(eve.identity.der);
  const anchors = [parseCertificate(alice.pki.identityCa.der)];
  const path = validatePath({ leaf, anchors, at: new Date(), crypto, profile: ddsIdentityProfile });
  await t.rejects(path, { code: "ISSUER_MISMATCH" });
});

/** What each defect must be found as; permissions content is for dds-security to judge. */
const found: Readonly<Record<MockDefect, ErrorCode | undefined>> = {
  "identity-expired": "CERTIFICATE_EXPIRED",
  "identity-not-yet-valid": "CERTIFICATE_NOT_YET_VALID",
  "identity-of-other-ca": "ISSUER_MISMATCH",
  "identity-signature-invalid": "SIGNATURE_INVALID",
  "identity-ca-expired": "CERTIFICATE_EXPIRED",
  "certificate-missing": "OBJECT_NOT_FOUND",
  "key-missing": "OBJECT_NOT_FOUND",
  "key-mismatch": "KEY_MISMATCH",
  "pin-wrong": "PIN_INCORRECT",
  "pin-locked": "PIN_LOCKED",
  "token-removed": "TOKEN_NOT_FOUND",
  "governance-altered": "DOCUMENT_CHANGED",
  "governance-of-other-ca": "DOCUMENT_SIGNER_MISMATCH",
  "governance-without-text-header": "DOCUMENT_TEXT_HEADER_MISSING",
  "permissions-altered": "DOCUMENT_CHANGED",
  "permissions-of-other-ca": "DOCUMENT_SIGNER_MISMATCH",
  "permissions-expired": undefined,
  "permissions-not-yet-valid": undefined,
  "permissions-of-other-subject": undefined,
};

for (const defect of Object.keys(mockDefects) as MockDefect[]) {
  t.test(`defect ${defect}: ${mockDefects[defect]}`, async (t) => {
    const deployment = await mockDeployment({ defects: [defect] });
    const code = found[defect];
    if (code === undefined) await t.resolves(judge(deployment));
    else await t.rejects(judge(deployment), { name: "CredentialError", code });
  });
}

t.test("a defect that does not exist is the caller's mistake", async (t) => {
  await t.rejects(mockDeployment({ defects: ["no-such-defect" as MockDefect] }), TypeError);
});

t.test("what DDS refuses can be made: SHA-1, a weak key, another curve", async (t) => {
  const pki = await mockPki();
  const issued = async (options: Parameters<typeof pki.issueIdentity>[1]) => {
    const leaf = parseCertificate((await pki.issueIdentity("x", options)).der);
    const anchors = [parseCertificate(pki.identityCa.der)];
    return validatePath({ leaf, anchors, at: new Date(), crypto, profile: ddsIdentityProfile });
  };
  await t.rejects(issued({ signature: { hash: "SHA-1" } }), { code: "ALGORITHM_REFUSED" });
  await t.rejects(issued({ key: await generateMockKey("rsa-1024") }), { code: "KEY_UNSUPPORTED" });
  await t.rejects(issued({ key: await generateMockKey("ec-secp256k1") }), { code: "KEY_UNSUPPORTED" });
});

t.test("a document signed in PSS with any salt is read back", async (t) => {
  const ca = await issueMockCertificate({
    subject: "/O=Example/CN=RSA CA",
    key: await generateMockKey("rsa-2048"),
  });
  const text = await signMockDocument("<dds/>\n", ca, { signature: { hash: "SHA-256", pssSalt: 32 } });
  const bytes = new TextEncoder().encode(text);
  const document = await verifyDocument(bytes, { ca: parseCertificate(ca.der), crypto });
  t.equal(new TextDecoder().decode(document.content), "<dds/>\r\n");
  t.equal(document.scheme.name, "rsa_pss_sha256");
});

/** What a participant does at its start, in DDS's order. */
async function judge({ backend, uris }: Awaited<ReturnType<typeof mockDeployment>>): Promise<void> {
  await using resolver = createResolver([backend]);
  const { identityCertificate, privateKey } = uris;
  const { certificate } = await resolver.credential(
    { certificate: identityCertificate, privateKey },
    { proofOfPossession: true },
  );
  const anchors = await resolver.certificates(uris.identityCa);
  await validatePath({ leaf: certificate, anchors, at: new Date(), crypto, profile: ddsIdentityProfile });
  const [ca] = await resolver.certificates(uris.permissionsCa);
  if (ca === undefined)
    throw new CredentialError("OBJECT_NOT_FOUND", `none at ${redactUri(uris.permissionsCa)}`);
  for (const uri of [uris.governance, uris.permissions]) {
    await verifyDocument(await resolver.document(uri), { ca, crypto });
  }
}
