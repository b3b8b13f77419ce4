import { execFileSync } from "node:child_process";
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { CredentialError, Secret, type Signer, signatureSchemes } from "@ddscred/core";
import { nodeCrypto, softwareSigner } from "@ddscred/crypto-node";
import t from "tap";

const CANARY = "canary-7cK2passphrase";
const passphrase = new Secret(CANARY);
const message = new TextEncoder().encode("a message of a participant");
const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
t.teardown(() => rmSync(folder, { recursive: true }));

const at = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(at(name), "utf8");

/** Runs openssl in the temporary folder; undefined where this openssl cannot do it. */
function openssl(...args: string[]): string | undefined {
  try {
    return execFileSync("openssl", args, {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch {
    return undefined;
  }
}

const OID_PBES2 = Buffer.from("06092a864886f70d01050d", "hex");
const OID_PBKDF2 = Buffer.from("06092a864886f70d01050c", "hex");
const OID_SCRYPT = Buffer.from("06092b06010401da47040b", "hex");
const OID_PBE_SHA1_3DES = Buffer.from("060a2a864886f70d010c0103", "hex");
const AES_256_CBC = Buffer.from(`301d060960864801650304012a0410${"00".repeat(16)}`, "hex");

const rsaPem = pemOf(generateKeyPairSync("rsa", { modulusLength: 2048 }));
const noOpenssl = openssl("version") === undefined ? "needs the program openssl" : false;

/** Every form that openssl writes of one RSA and one EC key: name of the file, and whether it is encrypted. */
const forms: { file: string; key: "rsa" | "ec"; encrypted: boolean; args: string[] }[] = (
  ["rsa", "ec"] as const
).flatMap((key) => {
  const form = (what: string, encrypted: boolean, ...args: string[]) => ({
    file: `${key} ${what}`,
    key,
    encrypted,
    args: [
      ...args,
      "-in",
      `${key}.pem`,
      "-out",
      `${key} ${what}`,
      ...(encrypted ? ["-passout", `pass:${CANARY}`] : []),
    ],
  });
  const traditional = key === "rsa" ? ["rsa", "-traditional"] : ["ec"];
  return [
    form("PKCS#8", false, "pkcs8", "-topk8", "-nocrypt"),
    form(key === "rsa" ? "PKCS#1" : "SEC1", false, ...traditional),
    form("PKCS#8 AES-256", true, "pkcs8", "-topk8", "-v2", "aes-256-cbc"),
    form("PKCS#8 scrypt", true, "pkcs8", "-topk8", "-scrypt"),
    form("PKCS#8 3DES of PKCS#12", true, "pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES"),
    form("traditional AES-256", true, ...traditional, "-aes256"),
    form("traditional 3DES", true, ...traditional, "-des3"),
    form("PKCS#8 DER", false, "pkcs8", "-topk8", "-nocrypt", "-outform", "DER"),
    form("PKCS#8 AES-256 DER", true, "pkcs8", "-topk8", "-outform", "DER"),
    form(key === "rsa" ? "PKCS#1 DER" : "SEC1 DER", false, ...traditional, "-outform", "DER"),
  ];
});

if (noOpenssl === false) {
  openssl("genrsa", "-out", "rsa.pem", "2048");
  openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ec.pem");
  for (const { args } of forms) openssl(...args);
}

function codeOf(work: () => unknown): string {
  return errorOf(work).code;
}

/** The error of the work; the canary must be in no part of it. */
function errorOf(work: () => unknown): CredentialError {
  const error = thrownBy(work);
  if (!(error instanceof CredentialError)) throw new Error("not a CredentialError", { cause: error });
  const { stack, cause } = error;
  const shown = [
    inspect(error, { showHidden: true, depth: 9 }),
    JSON.stringify(error),
    stack,
    inspect(cause),
  ];
  if (shown.join().includes(CANARY)) throw new Error(`the passphrase is part of ${error.code}`);
  return error;
}

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

async function verifies(signer: Signer): Promise<boolean> {
  const results = signer.schemes.map(async (scheme) => {
    return await nodeCrypto().verify(signer.publicKey, scheme, message, await signer.sign(scheme, message));
  });
  return (await Promise.all(results)).every(Boolean);
}

await t.test(
  "every form of a key opens, encrypted ones with their passphrase",
  { skip: noOpenssl },
  async (t) => {
    const spki = { rsa: publicOf("rsa.pem"), ec: publicOf("ec.pem") };
    for (const { file, key, encrypted } of forms) {
      const signer = softwareSigner(readFileSync(at(file)), encrypted ? { passphrase } : {});
      t.same(signer.publicKey, spki[key], `${file}: the public key`);
      t.equal(signer.extractable, true);
      t.ok(await verifies(signer), `${file}: signatures of all its schemes verify`);
    }
  },
);

await t.test(
  "an encrypted key without its passphrase is PASSPHRASE_REQUIRED, with a wrong one PASSPHRASE_INCORRECT",
  { skip: noOpenssl },
  async (t) => {
    for (const { file } of forms.filter(({ encrypted }) => encrypted)) {
      const key = readFileSync(at(file));
      t.equal(
        codeOf(() => softwareSigner(key)),
        "PASSPHRASE_REQUIRED",
        file,
      );
      for (const wrong of ["", `${CANARY} `, CANARY.slice(1), "x".repeat(5000), "\0"]) {
        t.equal(
          codeOf(() => softwareSigner(key, { passphrase: new Secret(wrong) })),
          "PASSPHRASE_INCORRECT",
          file,
        );
      }
    }
    t.end();
  },
);

await t.test(
  "a wrong passphrase is PASSPHRASE_INCORRECT also where the padding happens to fit",
  { skip: noOpenssl },
  async (t) => {
    const key = read("ec traditional AES-256");
    const codes = new Set<string>();
    for (let i = 0; i < 600; i += 1)
      codes.add(codeOf(() => softwareSigner(key, { passphrase: new Secret(`wrong ${i}`) })));
    t.same([...codes], ["PASSPHRASE_INCORRECT"]);
    t.end();
  },
);

await t.test("the passphrase is ignored for a key that is not encrypted", { skip: noOpenssl }, async (t) => {
  t.same(softwareSigner(read("ec PKCS#8"), { passphrase }).publicKey, publicOf("ec.pem"));
});

await t.test("a passphrase beyond ASCII is UTF-8", { skip: noOpenssl }, async (t) => {
  openssl("pkcs8", "-topk8", "-in", "ec.pem", "-out", "utf8", "-passout", "pass:grün€");
  t.same(softwareSigner(read("utf8"), { passphrase: new Secret("grün€") }).publicKey, publicOf("ec.pem"));
});

await t.test("of several PEM blocks the first private key is taken", { skip: noOpenssl }, async (t) => {
  openssl("req", "-x509", "-key", "ec.pem", "-subj", "/CN=x", "-out", "certificate");
  openssl("ecparam", "-name", "prime256v1", "-genkey", "-out", "with parameters");
  t.match(read("with parameters"), /EC PARAMETERS/);
  t.same(softwareSigner(read("with parameters")).publicKey, publicOf("with parameters"));
  const text = `Bag Attributes\n${read("certificate")}${read("ec SEC1")}${read("rsa PKCS#8")}`;
  t.same(softwareSigner(text).publicKey, publicOf("ec.pem"));
  t.same(softwareSigner(text.replaceAll("\n", "\r\n")).publicKey, publicOf("ec.pem"), "also with CRLF");
});

await t.test(
  "text without a private key is PEM_NOT_FOUND and says what is there",
  { skip: noOpenssl },
  async (t) => {
    const error = errorOf(() => softwareSigner(read("certificate"), { uri: "file:x", file: "/x" }));
    t.equal(error.code, "PEM_NOT_FOUND");
    t.match(error.message, /only CERTIFICATE/);
    t.match(error.hint, /certificate/);
    t.match(error, { uri: "file:x", location: { file: "/x", line: 1 } });
    t.equal(
      codeOf(() => softwareSigner("no PEM at all")),
      "PEM_NOT_FOUND",
    );
  },
);

await t.test("the errors of a PEM block carry its line", { skip: noOpenssl }, async (t) => {
  const text = `# comment\n\n${read("ec PKCS#8 AES-256")}`;
  t.match(errorOf(() => softwareSigner(text, { file: "/x" })).location, { file: "/x", line: 3 });
  const damaged = text.replace("-----END", "----END");
  t.match(
    errorOf(() => softwareSigner(damaged, { file: "/x" })),
    { code: "PEM_INVALID", location: { file: "/x", line: 3 } },
  );
});

await t.test("schemes are those of the key's own kind, the one of DDS first", async (t) => {
  const expected: Record<string, string> = {
    prime256v1: "ecdsa_p256_sha256",
    secp384r1: "ecdsa_p384_sha384",
    secp521r1: "ecdsa_p521_sha256",
  };
  for (const [namedCurve, first] of Object.entries(expected)) {
    const signer = softwareSigner(pemOf(generateKeyPairSync("ec", { namedCurve })));
    t.equal(signer.schemes.length, 3);
    t.equal(signer.schemes[0]?.name, first);
    t.ok(await verifies(signer), namedCurve);
  }
  const ed = softwareSigner(pemOf(generateKeyPairSync("ed25519")));
  t.same(ed.schemes, [signatureSchemes.ed25519]);
  t.ok(await verifies(ed), "ed25519");
  const rsa = softwareSigner(rsaPem);
  t.equal(rsa.schemes[0]?.name, "rsa_pss_sha256");
  t.equal(rsa.schemes.length, 6);
});

await t.test("a short RSA key has only the schemes for which its modulus has room", async (t) => {
  const signer = softwareSigner(pemOf(generateKeyPairSync("rsa", { modulusLength: 1024 })));
  t.notOk(signer.schemes.includes(signatureSchemes.rsa_pss_sha512));
  t.equal(signer.schemes.length, 5);
  t.ok(await verifies(signer));
});

await t.test(
  "a curve without a scheme opens with no schemes, and signing is MECHANISM_UNSUPPORTED",
  async (t) => {
    for (const namedCurve of ["secp256k1", "brainpoolP256r1"]) {
      const signer = softwareSigner(pemOf(generateKeyPairSync("ec", { namedCurve })));
      t.same(signer.schemes, []);
      await t.rejects(signer.sign(signatureSchemes.ecdsa_p256_sha256, message), {
        code: "MECHANISM_UNSUPPORTED",
      });
    }
    const pss = softwareSigner(pemOf(generateKeyPairSync("rsa-pss", { modulusLength: 2048 })));
    t.same(pss.schemes, [], "a key bound to RSASSA-PSS");
  },
);

await t.test(
  "an EC key with explicit parameters or a compressed point opens with no schemes",
  { skip: noOpenssl },
  async (t) => {
    for (const [option = "", form = ""] of [
      ["-conv_form", "compressed"],
      ["-param_enc", "explicit"],
    ]) {
      t.same(softwareSigner(openssl("ec", "-in", "ec.pem", option, form) ?? "").schemes, [], form);
    }
  },
);

await t.test("a scheme of another kind of key is MECHANISM_UNSUPPORTED", async (t) => {
  const signer = softwareSigner(pemOf(generateKeyPairSync("ec", { namedCurve: "prime256v1" })), {
    uri: "file:x",
  });
  for (const scheme of [
    signatureSchemes.rsa_pss_sha256,
    signatureSchemes.ecdsa_p384_sha256,
    signatureSchemes.ed25519,
  ]) {
    await t.rejects(signer.sign(scheme, message), { code: "MECHANISM_UNSUPPORTED", uri: "file:x" });
  }
});

await t.test("keys that cannot sign here are KEY_UNSUPPORTED", { skip: noOpenssl }, async (t) => {
  const generated = [
    generateKeyPairSync("x25519"),
    generateKeyPairSync("x448"),
    generateKeyPairSync("ed448"),
    generateKeyPairSync("dsa", { modulusLength: 1024, divisorLength: 160 }),
  ];
  for (const pair of generated)
    t.equal(
      codeOf(() => softwareSigner(pemOf(pair))),
      "KEY_UNSUPPORTED",
      String(pair.privateKey.asymmetricKeyType),
    );
  // Nobody checks at loading that the parts of an RSA key make sense, so a huge one need not be generated.
  const number = der(0x02, Buffer.alloc(1100, 0x7f));
  const huge = der(0x30, der(0x02, Buffer.from([0])), ...Array.from({ length: 8 }, () => number));
  t.match(
    errorOf(() => softwareSigner(huge)),
    { code: "KEY_UNSUPPORTED", message: /8799 bits/ },
  );
  const ssh = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
  t.match(
    errorOf(() => softwareSigner(ssh)),
    { code: "KEY_UNSUPPORTED", hint: /ssh-keygen/ },
  );
});

await t.test("an algorithm or a curve that is unknown is KEY_UNSUPPORTED", async (t) => {
  const der = generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey.export({
    format: "der",
    type: "pkcs8",
  });
  const curve = Buffer.from(der);
  curve[curve.indexOf(Buffer.from("2a8648ce3d030107", "hex")) + 7] = 0x77;
  t.equal(
    codeOf(() => softwareSigner(curve)),
    "KEY_UNSUPPORTED",
    "curve",
  );
  const algorithm = Buffer.from(der);
  algorithm[algorithm.indexOf(Buffer.from("2a8648ce3d0201", "hex")) + 6] = 0x77;
  t.equal(
    codeOf(() => softwareSigner(algorithm)),
    "KEY_UNSUPPORTED",
    "algorithm",
  );
});

await t.test("a cipher that node:crypto lacks is KEY_UNSUPPORTED", { skip: noOpenssl }, async (t) => {
  const old = ["-provider", "legacy", "-provider", "default", "-passout", `pass:${CANARY}`];
  const made = [
    openssl("pkcs8", "-topk8", "-in", "ec.pem", "-v1", "PBE-MD5-DES", ...old),
    openssl("ec", "-in", "ec.pem", "-des", ...old),
    read("ec traditional AES-256").replace("AES-256-CBC", "NONSENSE"),
  ];
  for (const key of made.filter((key) => key !== undefined)) {
    t.match(
      errorOf(() => softwareSigner(key, { passphrase })),
      { code: "KEY_UNSUPPORTED", hint: /openssl pkcs8/ },
    );
  }
});

await t.test("an encryption that would take minutes to open is KEY_UNSUPPORTED at once", async (t) => {
  const salt = der(0x04, Buffer.alloc(8));
  const integer = (hex: string) => der(0x02, Buffer.from(hex, "hex"));
  const pbkdf2 = (iterations: string) => pbes2(der(0x30, OID_PBKDF2, der(0x30, salt, integer(iterations))));
  const scrypt = (n: string, r: string, p: string) =>
    pbes2(der(0x30, OID_SCRYPT, der(0x30, salt, integer(n), integer(r), integer(p))));
  const pbes1 = (iterations: string) =>
    encryptedInfo(der(0x30, OID_PBE_SHA1_3DES, der(0x30, salt, integer(iterations))));
  const codes = (keys: Buffer[]) => keys.map((key) => codeOf(() => softwareSigner(key, { passphrase })));
  t.same(
    codes([pbkdf2("0800"), pbes1("0800"), scrypt("4000", "08", "01")]),
    Array(3).fill("PASSPHRASE_INCORRECT"),
    "usual costs",
  );
  const costly = [
    pbkdf2("7fffffff"),
    pbkdf2(`7f${"ff".repeat(60)}`),
    pbes1("7fffffff"),
    scrypt("4000", "01", "7fffff"),
    scrypt("020000", "08", "10"),
  ];
  t.same(codes(costly), Array(5).fill("KEY_UNSUPPORTED"), "costs beyond the limit");
  t.same(
    codes([pbkdf2("00"), pbes1("ff"), pbes2(der(0x30, OID_PBKDF2))]),
    Array(3).fill("KEY_INVALID"),
    "no cost at all",
  );
});

await t.test("what is damaged is KEY_INVALID", { skip: noOpenssl }, async (t) => {
  const der = readFileSync(at("ec PKCS#8 DER"));
  t.equal(
    codeOf(() => softwareSigner(der.subarray(0, -1))),
    "KEY_INVALID",
    "cut off",
  );
  t.equal(
    codeOf(() => softwareSigner(Buffer.concat([der, der]))),
    "KEY_INVALID",
    "trailing bytes",
  );
  t.equal(
    codeOf(() => softwareSigner(new Uint8Array(100))),
    "KEY_INVALID",
    "zeros",
  );
  t.equal(
    codeOf(() => softwareSigner(new Uint8Array())),
    "KEY_INVALID",
    "nothing",
  );
  const point = Buffer.from(der);
  point[point.length - 1] = (point.at(-1) ?? 0) ^ 1;
  t.equal(
    codeOf(() => softwareSigner(point)),
    "KEY_INVALID",
    "public point off the curve",
  );
  const scalar = Buffer.from(der);
  scalar[40] = (scalar[40] ?? 0) ^ 1;
  t.equal(
    codeOf(() => softwareSigner(scalar)),
    "KEY_INVALID",
    "public half of another key",
  );
  const certificate = new X509Certificate(read("certificate")).raw;
  t.equal(
    codeOf(() => softwareSigner(certificate)),
    "KEY_INVALID",
    "a certificate in DER",
  );
  const mislabelled = read("ec SEC1").replaceAll("EC PRIVATE", "RSA PRIVATE");
  t.match(
    errorOf(() => softwareSigner(mislabelled)),
    { code: "KEY_INVALID", message: /EC PRIVATE KEY/ },
  );
  const encrypted = read("ec traditional AES-256");
  for (const change of [
    encrypted.replace(/^DEK-Info.*\n/m, ""),
    encrypted.replace("4,ENCRYPTED", "4,MIC-ONLY"),
    encrypted.replace(/(CBC,)../, "$1zz"),
  ]) {
    t.equal(
      codeOf(() => softwareSigner(change, { passphrase })),
      "KEY_INVALID",
      "damaged headers",
    );
  }
});

await t.test(
  "any single damaged byte of a key ends in a CredentialError or in a key that is whole",
  { skip: noOpenssl },
  async (t) => {
    for (const file of ["ec PKCS#8 DER", "ec SEC1 DER", "ec PKCS#8 AES-256 DER"]) {
      const der = readFileSync(at(file));
      for (let index = 0; index < der.length; index += 1) {
        const damaged = Uint8Array.from(der);
        damaged[index] = (damaged[index] ?? 0) ^ 0x41;
        try {
          softwareSigner(damaged, { passphrase });
        } catch (error) {
          if (!(error instanceof CredentialError)) t.fail(`${file} at ${index}: ${String(error)}`);
        }
      }
    }
    t.pass("all bytes");
    t.end();
  },
);

await t.test("an aborted signature is ABORTED, before it begins and when it ends", async (t) => {
  const signer = softwareSigner(pemOf(generateKeyPairSync("rsa", { modulusLength: 3072 })));
  const scheme = signatureSchemes.rsa_pss_sha256;
  await t.rejects(signer.sign(scheme, message, { signal: AbortSignal.abort() }), { code: "ABORTED" });
  const controller = new AbortController();
  const signature = signer.sign(scheme, message, { signal: controller.signal });
  controller.abort();
  await t.rejects(signature, { code: "ABORTED" });
});

await t.test(
  "the message is taken at the call: changing it later does not change the signature",
  async (t) => {
    const signer = softwareSigner(rsaPem);
    const scheme = signatureSchemes.rsa_pkcs1_sha256;
    const changing = Uint8Array.from(message);
    const signature = signer.sign(scheme, changing);
    changing.fill(0);
    t.ok(await nodeCrypto().verify(signer.publicKey, scheme, message, await signature));
  },
);

await t.test("openssl verifies what the signer made", { skip: noOpenssl }, async (t) => {
  writeFileSync(at("message"), message);
  for (const key of ["rsa", "ec"]) {
    openssl("pkey", "-in", `${key}.pem`, "-pubout", "-out", `${key}.pub`);
    const signer = softwareSigner(read(`${key}.pem`));
    const [scheme] = signer.schemes;
    if (scheme === undefined) throw new Error("no scheme");
    writeFileSync(at("signature"), await signer.sign(scheme, message));
    const pss = key === "rsa" ? ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"] : [];
    t.match(
      openssl("dgst", "-sha256", "-verify", `${key}.pub`, ...pss, "-signature", "signature", "message"),
      /Verified OK/,
    );
  }
});

await t.test(
  "neither the signer nor its printing holds the key or the passphrase",
  { skip: noOpenssl },
  async (t) => {
    const signer = softwareSigner(read("ec PKCS#8 AES-256"), { passphrase });
    const shown = `${inspect(signer, { showHidden: true, depth: 9 })} ${JSON.stringify(signer)}`;
    t.notOk(shown.includes(CANARY));
    t.same(Object.keys(signer).sort(), ["extractable", "publicKey", "schemes"]);
  },
);

await t.test("arguments of a wrong type are TypeErrors", async (t) => {
  t.throws(() => softwareSigner(7 as never), TypeError);
  t.throws(() => softwareSigner("x", { passphrase: CANARY as never }), TypeError);
  const signer = softwareSigner(pemOf(generateKeyPairSync("ed25519")));
  await t.rejects(signer.sign(signatureSchemes.ed25519, "text" as never), TypeError);
  await t.rejects(signer.sign("ed25519" as never, message), TypeError);
});

await t.test("the program of the README works when pasted", async (t) => {
  // Inside the package, so that its own name and its dependencies resolve as they do for a user.
  const home = mkdtempSync(fileURLToPath(new URL("readme-", import.meta.url)));
  t.teardown(() => rmSync(home, { recursive: true }));
  const program =
    /```js\n([^]*?)```/.exec(readFileSync(new URL("../README.md", import.meta.url), "utf8"))?.[1] ?? "";
  const printed = execFileSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: home,
    encoding: "utf8",
  });
  t.match(printed, /^rsa_pss_sha256 true\n$/);
});

/** EncryptedPrivateKeyInfo (RFC 5958 3) over 64 zero bytes, with PBES2 (RFC 8018 6.2) and this derivation. */
function pbes2(derivation: Buffer): Buffer {
  return encryptedInfo(der(0x30, OID_PBES2, der(0x30, derivation, AES_256_CBC)));
}

function encryptedInfo(algorithm: Buffer): Buffer {
  return der(0x30, algorithm, der(0x04, Buffer.alloc(64)));
}

function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const bytes = content.length < 0x100 ? [content.length] : [content.length >> 8, content.length & 0xff];
  const length = content.length < 0x80 ? bytes : [0x80 | bytes.length, ...bytes];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function pemOf({ privateKey }: { privateKey: ReturnType<typeof createPrivateKey> }): string {
  return privateKey.export({ format: "pem", type: "pkcs8" }).toString();
}

function publicOf(file: string): Uint8Array {
  return new Uint8Array(
    createPublicKey(createPrivateKey(read(file))).export({ format: "der", type: "spki" }),
  );
}
