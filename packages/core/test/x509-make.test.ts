// Requests and certificates that are made here, judged by openssl, and requests of openssl judged here.

import { execFileSync, spawnSync } from "node:child_process";
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  basicConstraints,
  CredentialError,
  encodePem,
  formatName,
  issueCertificate,
  keyUsage,
  makeCertificateRequest,
  type NewCertificate,
  nameDer,
  nameFromText,
  parseCertificate,
  parseName,
  parsePublicKeyInfo,
  readCertificateRequest,
  type Signer,
  schemesForKey,
  webCrypto,
} from "@ddscred/core";
import t from "tap";

t.setTimeout(600_000);
const skip = spawnSync("openssl", ["version"]).status === 0 ? false : "openssl is not installed";
const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
t.teardown(() => rmSync(folder, { recursive: true }));

const path = (name: string) => join(folder, name);
const openssl = (...args: readonly string[]) =>
  execFileSync("openssl", args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const crypto = webCrypto();
const kinds = {
  p256: ["EC", "ec_paramgen_curve:P-256"],
  p384: ["EC", "ec_paramgen_curve:P-384"],
  rsa: ["RSA", "rsa_keygen_bits:2048"],
} as const;

/** A key of openssl as a Signer. */
function keyOf(kind: keyof typeof kinds, name: string): Signer {
  const [algorithm, option] = kinds[kind];
  openssl("genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", `${name}.key`);
  const key = createPrivateKey(readFileSync(path(`${name}.key`)));
  const publicKey = new Uint8Array(createPublicKey(key).export({ format: "der", type: "spki" }));
  const { keyType, curve } = parsePublicKeyInfo(publicKey);
  // PKCS#1 v1.5 is what Node signs with by default.
  const schemes = schemesForKey({ keyType, curve });
  return {
    publicKey,
    schemes,
    extractable: true,
    sign: async ({ hash }, message) => new Uint8Array(sign(hash.replace("-", ""), message, key)),
  };
}

const validity = () => ({ notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 864e5) });
const code = async (promise: Promise<unknown>): Promise<string> =>
  await promise.then(
    () => "good",
    (error: unknown) => (error instanceof CredentialError ? error.code : String(error)),
  );

for (const kind of Object.keys(kinds) as (keyof typeof kinds)[]) {
  t.test(`openssl accepts requests and certificates of ${kind} keys`, { skip }, async (t) => {
    const caKey = keyOf(kind, `ca-${kind}`);
    const key = keyOf(kind, `ee-${kind}`);
    const request = await makeCertificateRequest(nameFromText("/C=NL/O=Example/CN=alice"), key);
    writeFileSync(path("alice.csr"), encodePem("CERTIFICATE REQUEST", request));
    t.match(
      openssl("req", "-in", "alice.csr", "-verify", "-noout", "-subject"),
      "C = NL, O = Example, CN = alice",
    );

    const ca = await issueCertificate(
      { subject: nameFromText("CN=CA Ünï,O=Example"), publicKey: caKey.publicKey, ca: true, ...validity() },
      caKey,
      crypto,
    );
    const issuer = parseCertificate(ca);
    t.same(basicConstraints(issuer), { ca: true });
    t.same([...(keyUsage(issuer) ?? [])], ["digitalSignature", "keyCertSign", "cRLSign"]);
    const { subject, publicKey } = await readCertificateRequest(request, crypto);
    const der = await issueCertificate(
      { subject, publicKey: publicKey.spki, issuer, ...validity(), notAfter: issuer.notAfter },
      caKey,
      crypto,
    );
    const leaf = parseCertificate(der);
    t.equal(formatName(leaf.subject), "CN=alice,O=Example,C=NL");
    t.same(basicConstraints(leaf), { ca: false });
    t.same([...(keyUsage(leaf) ?? [])], ["digitalSignature"]);
    t.equal(leaf.serialNumber.length, 16);
    t.ok((leaf.serialNumber[0] ?? 0xff) < 0x80, "positive");
    writeFileSync(path("ca.pem"), encodePem("CERTIFICATE", ca));
    writeFileSync(path("alice.pem"), encodePem("CERTIFICATE", der));
    t.match(openssl("verify", "-x509_strict", "-CAfile", "ca.pem", "alice.pem"), "alice.pem: OK");
    t.match(openssl("verify", "-x509_strict", "-purpose", "smimesign", "-CAfile", "ca.pem", "ca.pem"), "OK");
  });
}

t.test(
  "requests of openssl are read, their attributes passed over, and altered ones refused",
  { skip },
  async (t) => {
    for (const [name, ...key] of [
      ["ec", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
      ["rsa", "-newkey", "rsa:2048"],
      ["pss", "-newkey", "rsa:2048", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"],
    ] as const) {
      const asks = [
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "subjectAltName=DNS:example.org",
      ];
      const subject = ["-subj", "/O=Example/CN=bob"];
      openssl(
        "req",
        "-new",
        ...key,
        "-nodes",
        "-keyout",
        "k",
        ...subject,
        ...asks,
        "-outform",
        "DER",
        "-out",
        `${name}.csr`,
      );
      const der = new Uint8Array(readFileSync(path(`${name}.csr`)));
      const request = await readCertificateRequest(der, crypto);
      t.equal(formatName(request.subject), "CN=bob,O=Example");

      // Every byte counts: of the name, the key, the attributes, the signature.
      for (let at = 0; at < der.length; at += 1 + Math.floor(der.length / 60)) {
        const altered = der.slice();
        altered[at] = (altered[at] ?? 0) ^ 0x01;
        t.not(await code(readCertificateRequest(altered, crypto)), "good", `${name} with byte ${at} altered`);
      }
      t.equal(await code(readCertificateRequest(der.slice(0, -1), crypto)), "DER_INVALID");
    }
    const sha1 = [
      "-sha1",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      "k",
      "-subj",
      "/CN=x",
      "-outform",
      "DER",
    ];
    openssl("req", "-new", ...sha1, "-out", "sha1.csr");
    t.equal(await code(readCertificateRequest(readFileSync(path("sha1.csr")), crypto)), "ALGORITHM_REFUSED");
  },
);

t.test("who may issue what", { skip }, async (t) => {
  const caKey = keyOf("p256", "ca");
  const key = keyOf("p256", "ee");
  const subject = nameFromText("CN=x");
  const issue = (wanted: Partial<NewCertificate>, signer: Signer) =>
    issueCertificate({ subject, publicKey: key.publicKey, ...validity(), ...wanted }, signer, crypto);
  const ca = parseCertificate(await issue({ publicKey: caKey.publicKey, ca: true }, caKey));
  const leaf = parseCertificate(await issue({ issuer: ca, notAfter: ca.notAfter }, caKey));
  t.equal(await code(issue({ issuer: ca }, key)), "KEY_MISMATCH");
  t.equal(await code(issue({}, caKey)), "KEY_MISMATCH", "issued by itself, but with another key");
  t.equal(await code(issue({ issuer: leaf, notAfter: leaf.notAfter }, key)), "CA_INVALID");
  const later = new Date(ca.notAfter.getTime() + 1000);
  t.equal(await code(issue({ issuer: ca, notAfter: later }, caKey)), "CERTIFICATE_EXPIRED");
  await t.rejects(issue({ notAfter: new Date(Number.NaN) }, key), TypeError);
  const mute = { ...key, schemes: [] };
  t.equal(await code(issue({}, mute)), "KEY_UNSUPPORTED");
  t.equal(await code(makeCertificateRequest(subject, mute)), "KEY_UNSUPPORTED");
});

t.test("names are written in the string types of RFC 5280", async (t) => {
  const name = parseName(nameDer(nameFromText("CN=Zoë+UID=1,emailAddress=a@b.c,DC=org,C=NL")));
  t.same(
    name.rdns.map((rdn) => rdn.map(({ value, der }) => [value, der[0]])),
    [
      [["NL", 0x13]],
      [["org", 0x16]],
      [["a@b.c", 0x16]],
      [
        ["Zoë", 0x0c],
        ["1", 0x0c],
      ],
    ],
  );
  const no = [
    "",
    "C=Netherlands",
    "CN=",
    "emailAddress=Zoë",
    "DC=ü",
    "serialNumber=a_b",
    `CN=${"x".repeat(1025)}`,
  ];
  for (const text of no)
    t.throws(() => nameDer(nameFromText(text)), { code: "NAME_INVALID" }, text.slice(0, 30));
});
