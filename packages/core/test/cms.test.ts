import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import {
  type Certificate,
  CredentialError,
  certificatesFromPem,
  type DerNode,
  decodeBase64,
  encodeBase64,
  readDer,
  VerifiedDocument,
  verifyDocument,
  webCrypto,
} from "@ddscred/core";
import t from "tap";

t.setTimeout(600_000);
const skip = spawnSync("openssl", ["version"]).status === 0 ? false : "openssl is not installed";
const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
t.teardown(() => rmSync(folder, { recursive: true }));

const path = (name: string) => join(folder, name);
const openssl = (command: string) =>
  execFileSync("openssl", command.split(" "), { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
const crypto = webCrypto();
const verify = (bytes: Uint8Array, ca: Certificate) => verifyDocument(bytes, { ca, crypto });
const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  const error: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (error === undefined) return "good";
  return error instanceof CredentialError ? error.code : `not a CredentialError: ${inspect(error)}`;
};

const XML = "<?xml version='1.0'?>\n<dds>\n  <permissions/>  \n</dds>\n";
const SIGNED_XML = XML.replaceAll("\n", "\r\n");
const p256 = "-newkey ec -pkeyopt ec_paramgen_curve:P-256";
const p384 = "-newkey ec -pkeyopt ec_paramgen_curve:P-384";

function makeCa(name: string, subject: string, key: string): Certificate {
  openssl(`req -x509 ${key} -noenc -keyout ${name}.key -out ${name}.pem -days 3000 -subj ${subject}`);
  return certificate(name);
}
function certificate(name: string): Certificate {
  const [found] = certificatesFromPem(readFileSync(path(`${name}.pem`)), { file: `${name}.pem` });
  if (found === undefined) throw new Error(`no certificate ${name}`);
  return found;
}
/** Signs x.xml; `options` may name anything but the input. */
function sign(tool: "smime" | "cms", options: string, signer = "ca"): Buffer {
  const command = `${tool} -sign -in x.xml -out x.p7s -signer ${signer}.pem -inkey ${signer}.key ${options}`;
  openssl(command.trim());
  return readFileSync(path("x.p7s"));
}

interface Pki {
  readonly ca: Certificate;
  readonly rsa: Certificate;
  readonly big: Certificate;
  readonly twin: Certificate;
}
let pki: Pki;
if (!skip) {
  writeFileSync(path("x.xml"), XML);
  const ca = makeCa("ca", "/O=DDS/CN=permissions", p256);
  openssl(`req ${p256} -new -noenc -keyout alice.key -out alice.csr -subj /O=DDS/CN=alice`);
  openssl("x509 -req -in alice.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3000 -out alice.pem");
  openssl("req -x509 -key ca.key -out again.pem -days 3000 -subj /O=DDS/CN=permissions");
  openssl(
    `req -x509 ${p256} -noenc -keyout same-serial.key -out same-serial.pem -days 3000 -set_serial 0x${hex(ca.serialNumber)} -subj /O=DDS/CN=permissions`,
  );
  const rsa = makeCa("rsa", "/O=DDS/CN=rsa", "-newkey rsa:2048");
  const twin = makeCa("twin", "/O=DDS/CN=permissions", p256);
  makeCa("stranger", "/O=Elsewhere/CN=stranger", p256);
  pki = { ca, rsa, big: makeCa("big", "/O=DDS/CN=big", p384), twin };
}
function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

await t.test(
  "documents as OpenSSL signs them with -text, in all ways that DDS allows",
  { skip },
  async (t) => {
    const good: readonly (readonly ["smime" | "cms", string, string, object])[] = [
      ["smime", "", "ca", { scheme: { name: "ecdsa_p256_sha256" }, form: "multipart/signed", signatures: 1 }],
      ["smime", "", "rsa", { scheme: { name: "rsa_pkcs1_sha256" } }],
      ["smime", "", "big", { scheme: { name: "ecdsa_p384_sha256" } }],
      ["smime", "-md sha384", "ca", { scheme: { name: "ecdsa_p256_sha384" } }],
      ["smime", "-md sha512", "rsa", { scheme: { name: "rsa_pkcs1_sha512" } }],
      ["smime", "-noattr", "ca", { signingTime: undefined }],
      ["smime", "-noattr", "rsa", {}],
      ["smime", "-nocerts", "ca", {}],
      ["smime", "-nosmimecap", "ca", {}],
      ["smime", "-stream", "ca", {}],
      ["smime", "-certfile alice.pem", "ca", {}],
      ["smime", "-crlfeol", "ca", {}],
      ["smime", "-nodetach", "ca", { form: "opaque", contentLine: 1 }],
      ["smime", "-nodetach -stream", "ca", { form: "opaque" }],
      ["smime", "-nodetach -noattr", "rsa", { form: "opaque" }],
      ["smime", "-to a@b -from c@d -subject x", "ca", {}],
      ["cms", "", "ca", { signerIdentifier: "issuerAndSerialNumber" }],
      ["cms", "", "rsa", {}],
      ["cms", "-keyid", "ca", { signerIdentifier: "subjectKeyIdentifier" }],
      ["cms", "-noattr", "ca", {}],
      ["cms", "-nocerts", "rsa", {}],
      ["cms", "-nodetach", "ca", { form: "opaque" }],
      ["cms", "-nodetach -stream", "rsa", { form: "opaque" }],
      ["cms", "-keyopt rsa_padding_mode:pss", "rsa", { scheme: { name: "rsa_pss_sha256" } }],
      [
        "cms",
        "-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:32",
        "rsa",
        { scheme: { name: "rsa_pss_sha256" } },
      ],
      ["cms", "-keyopt rsa_padding_mode:pss -md sha384", "rsa", { scheme: { name: "rsa_pss_sha384" } }],
      ["cms", "-nocerts -signer ca.pem -inkey ca.key", "ca", { signatures: 2 }],
    ];
    for (const [tool, options, signer, facts] of good) {
      const ca = { ca: pki.ca, rsa: pki.rsa, big: pki.big }[signer] ?? pki.ca;
      await t.test(`${tool} ${options} (${signer})`, async (t) => {
        const document = await verify(sign(tool, `-text ${options}`, signer), ca);
        t.equal(Buffer.from(document.content).toString(), SIGNED_XML);
        t.match(document, { signer: ca, ...facts });
        t.ok(VerifiedDocument.is(document));
        if (options.includes("-noattr")) t.equal(document.signingTime, undefined);
        else t.ok(Math.abs(Date.now() - (document.signingTime?.getTime() ?? 0)) < 600_000);
      });
    }
  },
);

await t.test("documents that OpenSSL signs otherwise are refused by name", { skip }, async (t) => {
  const bad: readonly (readonly [string, "smime" | "cms", string, string, string?])[] = [
    ["DOCUMENT_TEXT_HEADER_MISSING", "smime", "", "text/plain"],
    ["DOCUMENT_TEXT_HEADER_MISSING", "smime", "-binary", "text/plain"],
    ["DOCUMENT_TEXT_HEADER_MISSING", "smime", "-text -binary", "text/plain"],
    ["DOCUMENT_TEXT_HEADER_MISSING", "smime", "-nodetach", "text/plain"],
    ["DOCUMENT_FORM_REFUSED", "smime", "-text -outform DER", "DER"],
    ["DOCUMENT_FORM_REFUSED", "smime", "-text -outform DER -nodetach -stream", "DER"],
    ["DOCUMENT_FORM_REFUSED", "smime", "-text -outform PEM", "PKCS7"],
    ["DOCUMENT_FORM_REFUSED", "cms", "-text -outform DER", "DER"],
    ["DOCUMENT_FORM_REFUSED", "cms", "-text -outform PEM", "CMS"],
    ["ALGORITHM_REFUSED", "smime", "-text -md sha1", "SHA-1"],
    ["ALGORITHM_REFUSED", "cms", "-text -md md5", "MD5", "rsa"],
    ["ALGORITHM_REFUSED", "cms", "-text -md sha224", "SHA-224"],
    ["ALGORITHM_REFUSED", "cms", "-text -noattr -md sha1", "SHA-1"],
    ["DOCUMENT_SIGNER_MISMATCH", "smime", "-text -signer stranger.pem -inkey stranger.key", "stranger"],
    ["DOCUMENT_SIGNER_MISMATCH", "smime", "-text -signer alice.pem -inkey alice.key", "alice"],
  ];
  for (const [code, tool, options, said, signer] of bad) {
    await t.rejects(
      verify(sign(tool, options, signer), pki.ca),
      { code, message: said },
      `${tool} ${options}`,
    );
  }
});

await t.test("a document that another than the permissions CA signed says who did", { skip }, async (t) => {
  const mismatch = async (what: string, document: Buffer, said: readonly string[], ca = pki.ca) => {
    const error: unknown = await verify(document, ca).catch((error: unknown) => error);
    t.match(error, { code: "DOCUMENT_SIGNER_MISMATCH" }, what);
    for (const words of said) t.match((error as Error).message, words, `${what}: says ${words}`);
  };
  const expected = "CN=permissions,O=DDS";
  await mismatch("below the CA", sign("smime", "-text", "alice"), [
    "CN=alice,O=DDS",
    "below the permissions CA",
    expected,
  ]);
  await mismatch("by key identifier", sign("cms", "-text -keyid", "stranger"), ["CN=stranger,O=Elsewhere"]);
  await mismatch("no certificate", sign("smime", "-text -nocerts", "stranger"), [
    "CN=stranger,O=Elsewhere",
    "serial",
  ]);
  await mismatch("another CA of the name", sign("smime", "-text", "twin"), ["another CA of the same name"]);
  openssl("smime -sign -text -in x.xml -out x.p7s -signer again.pem -inkey ca.key");
  await mismatch("the same key", readFileSync(path("x.p7s")), ["another certificate for the same key"]);
  await mismatch("the other way round", sign("smime", "-text"), ["CN=permissions"], pki.rsa);
});

await t.test(
  "a certificate with the CA's name and serial number but another key signs nothing",
  { skip },
  async (t) => {
    const code = (options: string) => codeOf(verify(sign("smime", options, "same-serial"), pki.ca));
    t.equal(await code("-text"), "SIGNATURE_INVALID");
    t.equal(await code("-text -noattr"), "DOCUMENT_CHANGED");
  },
);

await t.test("only verifyDocument makes a VerifiedDocument", { skip }, async (t) => {
  const real = await verify(sign("smime", "-text"), pki.ca);
  const Forge = VerifiedDocument as unknown as new (mint: unknown, facts: unknown) => VerifiedDocument;
  t.throws(() => new Forge(Symbol("verifyDocument"), real), TypeError);
  t.notOk(VerifiedDocument.is(Object.assign({}, real)));
  t.notOk(VerifiedDocument.is(Object.create(VerifiedDocument.prototype)));
  t.notOk(VerifiedDocument.is(undefined));
  await t.rejects(verify("text" as unknown as Uint8Array, pki.ca), TypeError);
  await t.rejects(
    verify(sign("smime", "-text"), Object.assign({}, pki.ca)),
    TypeError,
    "a certificate is parsed",
  );
});

/** What stands in the PKCS#7 part of a document. */
function pkcs7Of(document: Uint8Array): { der: Uint8Array; readonly replaced: (der: Uint8Array) => Buffer } {
  const text = Buffer.from(document).toString("latin1");
  const block = /(?<=\n\r?\n)MI[A-Za-z0-9+/=\s]+/.exec(text)?.[0] ?? "";
  const der = decodeBase64(block) ?? new Uint8Array();
  return {
    der,
    replaced: (der) => Buffer.from(text.replace(block, `${encodeBase64(der)}\n\n`), "latin1"),
  };
}

/**
 * Where a change of a SignedData may go unnoticed, because no signature covers it and nothing rests on it: its
 * version, the certificates that came along (never trusted),
 * and the case of letters in the issuer's name (RFC 5280 7.1: names compare without).
 */
function uncovered(der: Uint8Array): (at: number, mask: number) => boolean {
  const fields = readDer(der).children[1]?.children[0]?.children ?? [];
  const free = [fields[0], fields.find(({ identifier }) => identifier === 0xa0)];
  const issuer = fields.at(-1)?.children[0]?.children[1]?.children[0];
  const within = (node: DerNode | undefined, at: number) => node && at >= node.start && at < node.end;
  return (at, mask) =>
    free.some((node) => within(node, at)) || (mask === 0x20 && within(issuer, at) === true);
}

await t.test(
  "no changed byte of the PKCS#7 structure is accepted, but where nothing rests on it",
  { skip },
  async (t) => {
    for (const options of ["-text", "-text -noattr -nocerts", "-text -nodetach -nocerts"]) {
      const { der, replaced } = pkcs7Of(sign("smime", options));
      const isFree = uncovered(der);
      const count: Record<string, number> = {};
      for (let at = 0; at < der.length; at += 1) {
        for (const mask of [0x01, 0x20, 0x80]) {
          const code = await codeOf(verify(replaced(flipped(der, at, mask)), pki.ca));
          count[code] = (count[code] ?? 0) + 1;
          if (code === "good" && !isFree(at, mask)) t.fail(`byte ${at} ^ ${mask}: accepted`);
          if (code.startsWith("not")) t.fail(`byte ${at} ^ ${mask}: ${code}`);
        }
      }
      t.ok((count.CMS_INVALID ?? 0) > 50, `${options}: ${JSON.stringify(count)}`);
    }
  },
);

await t.test(
  "no changed byte of a document is accepted, but where nothing rests on it",
  { skip },
  async (t) => {
    const document = sign("smime", "-text -nocerts");
    const text = document.toString("latin1");
    const content = text.indexOf("Content-Type: text/plain");
    const signaturePart = text.indexOf("Content-Type: application/x-pkcs7-signature");
    const base64 = text.indexOf("\nMI", signaturePart) + 1;
    const base64End = text.indexOf("\n\n", base64);
    const original = pkcs7Of(document).der;
    const isFree = uncovered(original);
    const placeOf = (at: number, changed: Uint8Array): string | undefined => {
      if (at < content) return "headers of the document, and the text before the first boundary";
      if (at >= signaturePart && at < base64) return "headers of the signature";
      if (at >= base64End) return "what follows the end boundary";
      if (at < base64) return undefined;
      const { der } = pkcs7Of(changed);
      const bytesFree = original.every((octet, i) => octet === der[i] || isFree(i, octet ^ (der[i] ?? 0)));
      return bytesFree && der.length === original.length ? "uncovered bytes of the SignedData" : undefined;
    };
    const places: Record<string, number> = {};
    const count: Record<string, number> = {};
    for (let at = 0; at < document.length; at += 1) {
      for (const mask of [0x01, 0x20, 0x80]) {
        const changed = flipped(document, at, mask);
        const result = await verify(changed, pki.ca).catch((error: unknown) => error);
        const code = await codeOf(
          result instanceof VerifiedDocument ? Promise.resolve() : Promise.reject(result),
        );
        count[code] = (count[code] ?? 0) + 1;
        if (code.startsWith("not")) t.fail(`byte ${at} ^ ${mask}: ${code}`);
        if (!(result instanceof VerifiedDocument)) continue;
        const place = placeOf(at, changed);
        if (place === undefined) t.fail(`byte ${at} ^ ${mask} is accepted: ${text.slice(at - 9, at + 9)}`);
        else places[place] = (places[place] ?? 0) + 1;
        if (Buffer.from(result.content).toString() !== SIGNED_XML) t.fail(`byte ${at} ^ ${mask}: content`);
      }
    }
    t.ok(Object.keys(places).length >= 3, JSON.stringify({ places, count }));
  },
);

await t.test("a document cut anywhere before its end boundary is refused", { skip }, async (t) => {
  for (const options of ["-text", "-text -nodetach"]) {
    const document = sign("smime", options);
    const whole = document.toString("latin1").trimEnd().length;
    for (let length = 0; length < document.length; length += 1) {
      const code = await codeOf(verify(document.subarray(0, length), pki.ca));
      if (code.startsWith("not") || (code === "good") !== length >= whole)
        t.fail(`cut to ${length}: ${code}`);
    }
    t.pass(options);
  }
});

await t.test(
  "adding, removing and turning line ends round does not hurt, other blanks do",
  { skip },
  async (t) => {
    const document = sign("smime", "-text").toString("latin1");
    const result = (text: string) => verify(Buffer.from(text, "latin1"), pki.ca);
    const lf = document.replaceAll("\r\n", "\n");
    for (const text of [lf, lf.replaceAll("\n", "\r\n"), lf.replaceAll("\n", "\r\r\n")]) {
      t.equal(Buffer.from((await result(text)).content).toString(), SIGNED_XML);
    }
    const changes = [
      document.replace("<permissions/>  ", "<permissions/>"),
      document.replace("<permissions/>", " <permissions/>"),
      document.replace("<dds>", "<dds>\n"),
      document.replace("</dds>", "</dds>\n"),
      document.replace("<permissions/>", "<permissions></permissions>"),
      lf.replaceAll("\n", "\r"),
    ];
    const codes = await Promise.all(changes.map((text) => codeOf(result(text))));
    t.same(codes.slice(0, 5), Array(5).fill("DOCUMENT_CHANGED"));
    t.equal(codes[5], "DOCUMENT_NOT_SMIME");
  },
);

function flipped(bytes: Uint8Array, at: number, mask: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ mask;
  return changed;
}
