// Outside truth: what `openssl smime` and `openssl cms` sign is verified here, what is signed here they verify.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Certificate,
  type CredentialError,
  type CryptoProvider,
  certificatesFromPem,
  type DerNode,
  ddsIdentityProfile,
  der,
  formatName,
  readDer,
  type SignatureSchemeName,
  type Signer,
  signatureSchemes,
  signDocument,
  validatePath,
  verifyDocument,
  verifySignedData,
  webCrypto,
} from "@ddscred/core";
import { nodeCrypto, softwareSigner } from "@ddscred/crypto-node";
import t from "tap";

const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
t.teardown(() => rmSync(folder, { recursive: true }));
const openssl = (...args: readonly string[]) =>
  execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
const opensslTakes = (...args: readonly string[]) =>
  spawnSync("openssl", args, { cwd: folder, encoding: "utf8" }).status === 0;

const KEYS: Readonly<Record<string, readonly string[]>> = {
  rsa: ["rsa:2048"],
  p256: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
  p384: ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
  p521: ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
};
interface Authority {
  readonly certificate: Certificate;
  readonly signer: Signer;
}
const authorities = new Map<string, Authority>();
for (const [name, newkey] of Object.entries(KEYS)) {
  // As an S/MIME signer, so that openssl verifies the chain too (the permissions CA of older implementations).
  const usage = ["-addext", "keyUsage=critical,digitalSignature,keyCertSign,cRLSign"];
  const files = ["-keyout", `${name}.key`, "-out", `${name}.pem`];
  openssl(
    "req",
    "-x509",
    "-nodes",
    "-newkey",
    ...newkey,
    ...files,
    "-subj",
    `/O=DDS/CN=${name} CA`,
    ...usage,
  );
  const [certificate] = certificatesFromPem(readFileSync(join(folder, `${name}.pem`)));
  if (certificate === undefined) throw new Error("no certificate");
  authorities.set(name, { certificate, signer: softwareSigner(readFileSync(join(folder, `${name}.key`))) });
}
function authority(name: string): Authority {
  const found = authorities.get(name);
  if (found === undefined) throw new Error(name);
  return found;
}

const XML = '<?xml version="1.0" encoding="UTF-8"?>\n<dds>\n  <permissions/>  \n</dds>\n';
const CANONICAL = XML.replaceAll("\n", "\r\n");
writeFileSync(join(folder, "doc.xml"), XML);
const providers: readonly CryptoProvider[] = [nodeCrypto(), webCrypto()];

/** What came of it with both providers, which must agree. */
async function outcome(bytes: Uint8Array, ca: Certificate): Promise<string> {
  const told = await Promise.all(
    providers.map((crypto) =>
      verifyDocument(bytes, { ca, crypto }).then(
        ({ content, scheme, form, signerIdentifier }) =>
          `${Buffer.from(content).toString() === CANONICAL ? "same" : "other"} ${scheme.name} ${form} ${signerIdentifier}`,
        (error: unknown) => (error as CredentialError).code,
      ),
    ),
  );
  return told[0] === told[1] ? (told[0] ?? "") : told.join(" but ");
}

/** Every subset. */
function subsets<T>(all: readonly T[]): T[][] {
  return all.reduce<T[][]>((sets, item) => sets.flatMap((set) => [set, [...set, item]]), [[]]);
}

await t.test("what openssl smime and openssl cms sign verifies, in each form they have", async (t) => {
  let documents = 0;
  for (const [program, choices] of [
    ["smime", ["-nodetach", "-noattr", "-nocerts"]],
    ["cms", ["-nodetach", "-noattr", "-nocerts", "-keyid"]],
  ] as const) {
    for (const options of subsets<string>(choices)) {
      for (const [key, md] of [
        ["rsa", "sha256"],
        ["rsa", "sha512"],
        ["p256", "sha256"],
        ["p256", "sha384"],
      ] as const) {
        const files = ["-in", "doc.xml", "-out", "doc.p7s", "-signer", `${key}.pem`, "-inkey", `${key}.key`];
        openssl(program, "-sign", "-text", "-md", md, ...options, ...files);
        const form = options.includes("-nodetach") ? "opaque" : "multipart/signed";
        const named = options.includes("-keyid") ? "subjectKeyIdentifier" : "issuerAndSerialNumber";
        const scheme = `${key === "rsa" ? "rsa_pkcs1" : "ecdsa_p256"}_${md}`;
        const bytes = readFileSync(join(folder, "doc.p7s"));
        const told = await outcome(bytes, authority(key).certificate);
        if (told !== `same ${scheme} ${form} ${named}`)
          t.equal(told, `same ${scheme} ${form} ${named}`, `${program} ${key} ${md} ${options.join(" ")}`);
        const crlf = Buffer.from(bytes.toString("latin1").replace(/\r*\n/g, "\r\n"), "latin1");
        t.equal(
          await outcome(crlf, authority(key).certificate),
          told,
          `${program} ${options.join(" ")}, as CRLF`,
        );
        documents += 1;
      }
    }
  }
  t.equal(documents, 4 * (8 + 16));
});

await t.test(
  "what openssl cms signs with other keys, with RSASSA-PSS, and as a stream verifies",
  async (t) => {
    const forms: readonly (readonly [string, string, readonly string[]])[] = [
      ["p384", "ecdsa_p384_sha384", ["-md", "sha384"]],
      ["p384", "ecdsa_p384_sha256", ["-md", "sha256"]],
      ["p521", "ecdsa_p521_sha512", ["-md", "sha512"]],
      ["rsa", "rsa_pss_sha256", ["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest"]],
      ["rsa", "rsa_pss_sha256", ["-keyopt", "rsa_padding_mode:pss"]],
      ["rsa", "rsa_pss_sha384", ["-keyopt", "rsa_padding_mode:pss", "-md", "sha384"]],
      ["rsa", "rsa_pkcs1_sha256", ["-stream"]],
      ["p256", "ecdsa_p256_sha256", ["-stream", "-nodetach"]],
      ["p256", "ecdsa_p256_sha256", ["-crlfeol"]],
      ["p256", "ecdsa_p256_sha256", ["-cades"]],
      ["p256", "ecdsa_p256_sha256", ["-certfile", "rsa.pem"]],
      ["p256", "ecdsa_p256_sha256", ["-nosmimecap"]],
    ];
    for (const [key, scheme, options] of forms) {
      const files = ["-in", "doc.xml", "-out", "doc.p7s", "-signer", `${key}.pem`, "-inkey", `${key}.key`];
      // A -keyopt belongs to the signer before it.
      openssl("cms", "-sign", "-text", ...files, ...options);
      const told = await outcome(readFileSync(join(folder, "doc.p7s")), authority(key).certificate);
      const form = options.includes("-nodetach") ? "opaque" : "multipart/signed";
      t.equal(told, `same ${scheme} ${form} issuerAndSerialNumber`, `${key} ${options.join(" ")}`);
    }
  },
);

await t.test("SHA-1 is refused, and named", async (t) => {
  openssl(
    "smime",
    "-sign",
    "-text",
    "-md",
    "sha1",
    "-in",
    "doc.xml",
    "-out",
    "doc.p7s",
    "-signer",
    "rsa.pem",
    "-inkey",
    "rsa.key",
  );
  const ca = authority("rsa").certificate;
  for (const crypto of providers) {
    await t.rejects(verifyDocument(readFileSync(join(folder, "doc.p7s")), { ca, crypto }), {
      code: "ALGORITHM_REFUSED",
      message: /SHA-1/,
    });
  }
});

await t.test("two signatures: good where both are by the CA, refused where one is not", async (t) => {
  const sign = (...signers: readonly string[]) =>
    openssl(
      "cms",
      "-sign",
      "-text",
      "-nocerts",
      "-in",
      "doc.xml",
      "-out",
      "doc.p7s",
      ...signers.flatMap((s) => ["-signer", `${s}.pem`, "-inkey", `${s}.key`]),
    );
  const ca = authority("rsa").certificate;
  sign("rsa", "rsa");
  t.match(await outcome(readFileSync(join(folder, "doc.p7s")), ca), "same");
  for (const signers of [
    ["rsa", "p256"],
    ["p256", "rsa"],
  ]) {
    sign(...signers);
    t.equal(
      await outcome(readFileSync(join(folder, "doc.p7s")), ca),
      "DOCUMENT_SIGNER_MISMATCH",
      signers.join(),
    );
  }
});

/** As OpenSSL's own verifier reads it, chain and purpose included, and as DDS implementations call it. */
function readers(name: string, file: string): readonly string[][] {
  const [out, as] = [
    ["-out", "out.xml"],
    ["-verify", "-text", "-in", file],
  ];
  return [
    ["smime", ...as, "-CAfile", `${name}.pem`, ...out],
    ["cms", ...as, "-CAfile", `${name}.pem`, ...out],
    ["smime", ...as, "-noverify", "-nointern", "-certfile", `${name}.pem`, ...out],
  ];
}

await t.test("what is signed here verifies with openssl, in every scheme", async (t) => {
  const schemes: readonly (readonly [string, SignatureSchemeName | undefined])[] = [
    ["rsa", undefined],
    ["rsa", "rsa_pkcs1_sha384"],
    ["rsa", "rsa_pkcs1_sha512"],
    ["rsa", "rsa_pss_sha256"],
    ["rsa", "rsa_pss_sha512"],
    ["p256", undefined],
    ["p256", "ecdsa_p256_sha512"],
    ["p384", undefined],
    ["p521", undefined],
  ];
  const defaults: Readonly<Record<string, string>> = {
    rsa: "rsa_pkcs1_sha256",
    p256: "ecdsa_p256_sha256",
    p384: "ecdsa_p384_sha384",
    p521: "ecdsa_p521_sha512",
  };
  for (const [name, scheme] of schemes) {
    for (const crypto of providers) {
      const { bytes, verified } = await signDocument(Buffer.from(XML), {
        ...authority(name),
        crypto,
        at: new Date("2026-11-23T12:34:56.789Z"),
        ...(scheme === undefined ? {} : { scheme: signatureSchemes[scheme] }),
      });
      t.equal(verified.scheme.name, scheme ?? defaults[name]);
      t.equal(verified.signingTime?.toISOString(), "2026-11-23T12:34:56.000Z");
      for (const [ends, text] of [
        ["LF", bytes],
        ["CRLF", Buffer.from(Buffer.from(bytes).toString().replaceAll("\n", "\r\n"))],
      ] as const) {
        writeFileSync(join(folder, "ours.p7s"), text);
        for (const args of readers(name, "ours.p7s")) {
          if (scheme?.startsWith("rsa_pss") && args[0] === "smime") continue; // PKCS7_verify knows no PSS
          t.ok(
            opensslTakes(...args),
            `${scheme ?? name}, ${ends}: openssl ${args[0]} ${args.includes("-nointern")}`,
          );
          t.equal(readFileSync(join(folder, "out.xml"), "utf8"), CANONICAL);
        }
      }
    }
  }
});

await t.test(
  "any text comes through, read by openssl and here alike: only its line ends change",
  async (t) => {
    const long = `<!--${"x".repeat(5000)}-->\r\n<!--${"y".repeat(1021)}\r\n-->`;
    const texts: Readonly<Record<string, readonly [string, string?]>> = {
      LF: ["<a>\n</a>\n"],
      CRLF: ["<a>\r\n</a>\r\n"],
      "mixed line ends": ["<a>\r\n<b/>\n</a>\r\n"],
      "CR CR LF": ["<a>\r\r\n</a>\r\r\n", "<a>\r\n</a>\r\n"],
      "CR alone": ["<a>\r</a>\r", "<a>\r\n</a>\r\n"],
      "many CRs": [`<a>${"\r".repeat(3)}</a>`, "<a>\r\n\r\n\r\n</a>"],
      "no final line end": ["<a/>"],
      "empty lines at the end": ["<a/>\n\n\n"],
      "empty lines at the start": ["\n\n<a/>"],
      "blanks at ends of lines": ["<a> \t\n</a> \n"],
      "a byte order mark": ["\ufeff<a/>\n", "<a/>\r\n"],
      "lines that begin like a boundary": ["--\n----\n------0123456789ABCDEF0123456789ABCDEF--\n--x\n<a/>\n"],
      "headers of MIME": ["MIME-Version: 1.0\nContent-Type: text/html\n\n<a/>\n"],
      "long lines": [long],
      "UTF-8": ["<a>é 中 🙂</a>\n"],
      nothing: [""],
      "a dot": [".\n..\n"],
      From: ["From here\n>From\n"],
    };
    for (const [name, [text, wanted = text.replace(/\r*\n/g, "\r\n")]] of Object.entries(texts)) {
      for (const key of ["p256", "rsa"]) {
        const { bytes, verified } = await signDocument(Buffer.from(text), {
          ...authority(key),
          crypto: nodeCrypto(),
          at: new Date(),
        });
        t.equal(Buffer.from(verified.content).toString(), wanted, name);
        writeFileSync(join(folder, "ours.p7s"), bytes);
        for (const args of readers(key, "ours.p7s")) {
          if (!opensslTakes(...args)) t.fail(`${name}: openssl ${args.join(" ")}`);
          if (readFileSync(join(folder, "out.xml"), "utf8") !== wanted)
            t.fail(`${name}: read otherwise by openssl`);
        }
      }
    }
  },
);

await t.test(
  "a document is signed with the certificate's own key, in a scheme of the key, or not at all",
  async (t) => {
    const [rsa, ec] = [authority("rsa"), authority("p256")];
    const at = new Date();
    const crypto = nodeCrypto();
    const text = Buffer.from(XML);
    await t.rejects(signDocument(text, { certificate: rsa.certificate, signer: ec.signer, crypto, at }), {
      code: "KEY_MISMATCH",
    });
    await t.rejects(signDocument(text, { ...ec, crypto, at, scheme: signatureSchemes.rsa_pkcs1_sha256 }), {
      code: "MECHANISM_UNSUPPORTED",
      message: /ecdsa_p256_sha256/,
    });
    await t.rejects(signDocument(Buffer.from("<a>\0</a>"), { ...ec, crypto, at }), { code: "XML_INVALID" });
    await t.rejects(signDocument(Buffer.from("<a/>", "utf16le"), { ...ec, crypto, at }), {
      code: "XML_INVALID",
    });
    await t.rejects(signDocument(Buffer.alloc(9 << 20), { ...ec, crypto, at }), { code: "FILE_TOO_LARGE" });
    const liar: Signer = { ...ec.signer, sign: async (scheme) => await ec.signer.sign(scheme, text) };
    await t.rejects(signDocument(text, { ...ec, signer: liar, crypto, at }), { code: "SIGNATURE_INVALID" });
    await t.rejects(signDocument(XML as never, { ...ec, crypto, at }), TypeError);
    await t.rejects(signDocument(text, { ...ec, crypto, at: new Date(Number.NaN) }), TypeError);
  },
);

await t.test("any SignedData: by signers that are given, or by those that a judge lets pass", async (t) => {
  const { certificate } = authority("p256");
  openssl(
    "req",
    "-new",
    "-nodes",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-keyout",
    "leaf.key",
    "-out",
    "leaf.csr",
    "-subj",
    "/O=DDS/CN=leaf",
  );
  openssl(
    "x509",
    "-req",
    "-in",
    "leaf.csr",
    "-CA",
    "p256.pem",
    "-CAkey",
    "p256.key",
    "-out",
    "leaf.pem",
    "-days",
    "30",
  );
  const crypto = nodeCrypto();
  const made = (...options: readonly string[]) =>
    openssl(
      "cms",
      "-sign",
      "-binary",
      "-in",
      "doc.xml",
      "-outform",
      "DER",
      "-signer",
      "leaf.pem",
      "-inkey",
      "leaf.key",
      ...options,
    );
  const content = Buffer.from(XML);
  const [leaf] = certificatesFromPem(readFileSync(join(folder, "leaf.pem")));
  if (leaf === undefined) throw new Error("no leaf");

  const plain = await verifySignedData(made("-nodetach"), { crypto, signers: [leaf] });
  t.equal(Buffer.from(plain.content).toString(), XML);
  t.match(plain, {
    contentType: "1.2.840.113549.1.7.1",
    signatures: [{ certificate: leaf, scheme: { name: "ecdsa_p256_sha256" } }],
  });
  const detached = await verifySignedData(made(), { crypto, content, signers: [leaf] });
  t.equal(detached.signatures.length, 1);

  const judged: string[] = [];
  await verifySignedData(made(), {
    crypto,
    content,
    judge: async (signer) => {
      judged.push(formatName(signer.subject));
      await validatePath({
        leaf: signer,
        anchors: [certificate],
        at: new Date(),
        crypto,
        profile: ddsIdentityProfile,
      });
    },
  });
  t.strictSame(judged, ["CN=leaf,O=DDS"]);
  const refusing = async () => await Promise.reject(new Error("not this one"));
  await t.rejects(verifySignedData(made(), { crypto, content, judge: refusing }), {
    message: "not this one",
  });

  const refused: readonly (readonly [string, string, Promise<unknown>])[] = [
    ["nobody may sign", "DOCUMENT_SIGNER_MISMATCH", verifySignedData(made(), { crypto, content })],
    [
      "its issuer is not its signer",
      "DOCUMENT_SIGNER_MISMATCH",
      verifySignedData(made(), { crypto, content, signers: [certificate] }),
    ],
    ["no content", "CMS_INVALID", verifySignedData(made(), { crypto, signers: [leaf] })],
    [
      "two contents",
      "CMS_INVALID",
      verifySignedData(made("-nodetach"), { crypto, content, signers: [leaf] }),
    ],
    [
      "another content",
      "DOCUMENT_CHANGED",
      verifySignedData(made(), { crypto, content: Buffer.from("x"), signers: [leaf] }),
    ],
    [
      "not judged: not inside",
      "DOCUMENT_SIGNER_MISMATCH",
      verifySignedData(made("-nocerts"), { crypto, content, judge: async () => undefined }),
    ],
  ];
  for (const [what, code, result] of refused) await t.rejects(result, { code }, what);
});

await t.test("signed attributes cannot be passed off as content", async (t) => {
  const { certificate } = authority("rsa");
  const crypto = nodeCrypto();
  const signed = openssl(
    "cms",
    "-sign",
    "-binary",
    "-in",
    "doc.xml",
    "-outform",
    "DER",
    "-nocerts",
    "-signer",
    "rsa.pem",
    "-inkey",
    "rsa.key",
  );
  const [type, explicit] = readDer(signed).children;
  const [data] = explicit?.children ?? [];
  const info = data?.children.at(-1)?.children[0];
  if (type === undefined || data === undefined || info === undefined) throw new Error("no SignedData");
  const attributes = info.children[3];
  if (attributes?.identifier !== 0xa0) throw new Error("no signed attributes");
  const of = (node: DerNode) => signed.subarray(node.start, node.end);
  const without = der.sequence(...info.children.filter((field) => field !== attributes).map(of));
  const forged = der.sequence(
    of(type),
    der.tagged(0, der.sequence(...data.children.slice(0, -1).map(of), der.setOf(without))),
  );
  const content = Buffer.from(of(attributes));
  content[0] = 0x31;
  await verifySignedData(signed, { crypto, content: Buffer.from(XML), signers: [certificate] });
  await t.rejects(verifySignedData(forged, { crypto, content, signers: [certificate] }), {
    code: "CMS_INVALID",
    message: /signed attributes/,
  });
  writeFileSync(join(folder, "forged.der"), forged);
  writeFileSync(join(folder, "forged.txt"), content);
  t.ok(
    opensslTakes(
      "cms",
      "-verify",
      "-inform",
      "DER",
      "-in",
      "forged.der",
      "-binary",
      "-content",
      "forged.txt",
      "-certfile",
      "rsa.pem",
      "-CAfile",
      "rsa.pem",
      "-out",
      "out.xml",
    ),
    "its signature is valid: openssl takes it",
  );
});

await t.test("how long lines of base64 may be for openssl is known of a document", async (t) => {
  const options = { ...authority("rsa"), crypto: nodeCrypto(), at: new Date() };
  const text = Buffer.from((await signDocument(Buffer.from(XML), options)).bytes).toString();
  const block = /(?<=\n\n)MI[A-Za-z0-9+/=\n]+?(?=\n\n)/.exec(text)?.[0] ?? "";
  for (const [width, reads] of [
    [1, true],
    [65, true],
    [1022, true],
    [1023, false],
  ] as const) {
    const lines = block.replaceAll("\n", "").replaceAll(new RegExp(`.{${width}}`, "g"), "$&\n");
    const bytes = Buffer.from(text.replace(block, lines));
    const { base64Line } = await verifyDocument(bytes, { ca: options.certificate, crypto: nodeCrypto() });
    t.equal(base64Line, width);
    writeFileSync(join(folder, "ours.p7s"), bytes);
    for (const args of readers("rsa", "ours.p7s"))
      t.equal(opensslTakes(...args), reads, `${width}: ${args[0]}`);
  }
});
