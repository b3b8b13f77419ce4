import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { conformanceMaterial as material } from "@ddscred/backend-conformance";
import { fileBackend } from "@ddscred/backend-file";
import {
  CredentialError,
  type CredentialSource,
  createResolver,
  Secret,
  signatureSchemes,
} from "@ddscred/core";
import t from "tap";

const CANARY = "canary-9dQ4passphrase";
const passphrase = new Secret(CANARY);
const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
t.teardown(() => rmSync(folder, { recursive: true }));

const source = fileBackend({ bases: [folder] });
const at = (name: string) => join(folder, name);
const put = (name: string, content: string | Uint8Array) => writeFileSync(at(name), content);
const noOpenssl = openssl("version") === undefined ? "needs the program openssl" : false;

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

/** The error of a call; the canary must be in no part of it. */
async function errorOf(call: Promise<unknown>): Promise<CredentialError> {
  const error: unknown = await call.then(
    () => new Error("there was no error"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof CredentialError)) throw new Error("not a CredentialError", { cause: error });
  const shown = [inspect(error, { showHidden: true, depth: 9 }), JSON.stringify(error), error.stack];
  if (shown.join().includes(CANARY)) throw new Error(`the canary is part of ${error.code}`);
  return error;
}

put("ec.pem", material.ec.certificate.pem);
put("ec.key.pem", material.ec.privateKey.pem);
put("ca.pem", material.ca.certificate.pem);

await t.test("a chain comes in the order of the file, text around the blocks passed over", async (t) => {
  put("chain.pem", `subject: leaf\n${material.ec.certificate.pem}\nissuer\n${material.ca.certificate.pem}`);
  put("reversed.pem", material.ca.certificate.pem + material.ec.certificate.pem);
  const ders = async (uri: string) => (await source.certificates(uri)).map(({ der }) => der);
  t.same(await ders("file:chain.pem"), [material.ec.certificate.der, material.ca.certificate.der]);
  t.same(await ders("file:reversed.pem"), [material.ca.certificate.der, material.ec.certificate.der]);
});

await t.test("certificate and key in one file: each call finds its own", async (t) => {
  put("both.pem", material.ec.certificate.pem + material.ec.privateKey.pem);
  const resolver = createResolver([source]);
  const credential = await resolver.credential(
    { certificate: "file:both.pem", privateKey: "file:both.pem" },
    { proofOfPossession: true },
  );
  t.same(credential.certificate.der, material.ec.certificate.der);
});

await t.test("an encrypted key file opens with its passphrase only", { skip: noOpenssl }, async (t) => {
  const protect = ["-passout", `pass:${CANARY}`];
  openssl("pkcs8", "-topk8", "-in", "ec.key.pem", "-out", "pkcs8.pem", ...protect);
  openssl("ec", "-in", "ec.key.pem", "-aes128", "-out", "traditional.pem", ...protect);
  for (const uri of ["file:pkcs8.pem", `data:,${readFileSync(at("traditional.pem"), "utf8")}`]) {
    t.same((await source.signer(uri, { passphrase })).publicKey, spki());
    t.match(await errorOf(source.signer(uri)), { code: "PASSPHRASE_REQUIRED" });
    const wrong = new Secret("wrong");
    t.match(await errorOf(source.signer(uri, { passphrase: wrong })), { code: "PASSPHRASE_INCORRECT" });
  }
  const error = await errorOf(source.signer("file:pkcs8.pem"));
  t.match(error, { uri: "file:pkcs8.pem", location: { file: at("pkcs8.pem"), line: 1 } });
});

await t.test("a file of several CRLs gives each", async (t) => {
  put("crls.pem", material.revocationList.pem.repeat(2));
  t.same(await source.revocationLists("file:crls.pem"), [
    material.revocationList.der,
    material.revocationList.der,
  ]);
});

await t.test("a document comes byte for byte, whatever it holds", async (t) => {
  const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 251);
  put("document", bytes);
  t.same(await source.document("file:document"), bytes);
  t.same(await source.document(`data:;base64,${Buffer.from(bytes).toString("base64")}`), bytes);
});

await t.test("relative paths start in the bases, in their order", async (t) => {
  for (const name of ["first", "second"]) mkdirSync(at(name));
  put("second/x.pem", material.ec.certificate.pem);
  const both = fileBackend({ bases: [at("first"), at("second")] });
  t.same((await both.certificates("file:x.pem"))[0]?.der, material.ec.certificate.der);
  put("first/x.pem", material.ca.certificate.pem);
  t.same((await both.certificates("file:x.pem"))[0]?.der, material.ca.certificate.der);
  t.same((await both.certificates("file:../second/x.pem"))[0]?.der, material.ec.certificate.der);
  const error = await errorOf(both.certificates("file:y.pem"));
  t.equal(error.code, "FILE_NOT_FOUND");
  t.ok(
    error.message.includes(at("first/y.pem")) && error.message.includes(at("second/y.pem")),
    "all paths tried",
  );
  t.same(error.candidates, [`file:${at("first/x.pem")}`, `file:${at("second/x.pem")}`]);
  t.match(await errorOf(fileBackend({ bases: [] }).certificates("file:x.pem")), { code: "FILE_NOT_FOUND" });
});

await t.test("a base that holds the file, but cannot give it, ends the search", async (t) => {
  mkdirSync(at("first/z.pem"));
  put("second/z.pem", material.ec.certificate.pem);
  const both = fileBackend({ bases: [at("first"), at("second")] });
  t.match(await errorOf(both.certificates("file:z.pem")), { code: "FILE_NOT_REGULAR" });
});

await t.test("without bases relative paths start in the working directory", async (t) => {
  const error = await errorOf(fileBackend().certificates("file:no-such-file.pem"));
  t.ok(error.message.includes(join(process.cwd(), "no-such-file.pem")));
});

await t.test("what is no PEM key is PEM_NOT_FOUND and says what it is", { skip: noOpenssl }, async (t) => {
  openssl("pkcs8", "-topk8", "-nocrypt", "-in", "ec.key.pem", "-outform", "DER", "-out", "key.der");
  openssl(
    "pkcs12",
    "-export",
    "-in",
    "ec.pem",
    "-inkey",
    "ec.key.pem",
    "-out",
    "key.p12",
    "-passout",
    "pass:x",
  );
  put("utf16.pem", Buffer.from(`\ufeff${material.ec.privateKey.pem}`, "utf16le"));
  put("key.p11", "pkcs11:token=x?pin-value=1234");
  put("text.pem", CANARY);
  const expected: [string, RegExp, RegExp][] = [
    ["key.der", /binary \(DER\)/, /openssl pkey -inform DER/],
    ["key.p12", /PKCS#12/, /openssl pkcs12/],
    ["utf16.pem", /UTF-16/, /UTF-8/],
    ["key.p11", /pkcs11: URI/, /that URI itself/],
    ["text.pem", /no PEM block/, /BEGIN PRIVATE KEY/],
    ["ec.pem", /no private key, only CERTIFICATE/, /name the file of its private key/],
  ];
  for (const [name, message, hint] of expected) {
    const error = await errorOf(source.signer(`file:${name}`));
    t.match(error, { code: "PEM_NOT_FOUND", message, hint, uri: `file:${name}` }, name);
    t.ok(error.message.includes(at(name)), "the message names the file");
  }
  const inline = await errorOf(source.signer(`data:,${CANARY}`));
  t.match(inline, { code: "PEM_NOT_FOUND", message: /^the data: URI/ });
});

await t.test("a private key where a certificate is wanted is PEM_NOT_FOUND and says so", async (t) => {
  for (const uri of ["file:ec.key.pem", `data:,${material.ec.privateKey.pem}`]) {
    t.match(await errorOf(source.certificates(uri)), { code: "PEM_NOT_FOUND", message: /private key/ });
    t.match(await errorOf(source.revocationLists(uri)), { code: "PEM_NOT_FOUND", message: /private key/ });
  }
});

await t.test("a damaged block is an error with file and line", async (t) => {
  put("damaged.pem", `# comment\n${material.ec.certificate.pem}`.replace("MII", "M*I"));
  const location = { file: at("damaged.pem"), line: 3 };
  t.match(await errorOf(source.certificates("file:damaged.pem")), { code: "PEM_INVALID", location });
  put("damaged.key.pem", `# comment\n${material.ec.privateKey.pem}`.replace("-----END", "---END"));
  const keyLocation = { file: at("damaged.key.pem"), line: 2 };
  t.match(await errorOf(source.signer("file:damaged.key.pem")), {
    code: "PEM_INVALID",
    location: keyLocation,
  });
});

await t.test("the content of data: is in no error", async () => {
  const pem = (label: string) => `-----BEGIN ${label}-----\n${CANARY}\n-----END ${label}-----\n`;
  const contents = [
    CANARY,
    pem("PRIVATE KEY"),
    pem("CERTIFICATE"),
    pem("X509 CRL"),
    `${pem("PRIVATE KEY")}%`,
    `\0${CANARY}`,
  ];
  for (const uri of contents.flatMap((content) => [`data:,${content}`, `DATA:text/plain,${content}`])) {
    await errorOf(source.signer(uri));
    await errorOf(source.certificates(uri));
    await errorOf(source.revocationLists(uri));
  }
});

await t.test("a data: URI that holds too much, or nothing, is refused like a file", async (t) => {
  t.match(await errorOf(source.certificates("data:,")), { code: "FILE_EMPTY" });
  t.match(await errorOf(source.document("data:;base64,")), { code: "FILE_EMPTY" });
  t.match(await errorOf(source.signer(`data:,${"a".repeat(1024 * 1024 + 1)}`)), { code: "FILE_TOO_LARGE" });
});

await t.test("exposure() says who may read or change the file", async (t) => {
  put("exposed.pem", "x");
  const expected: [number, boolean, boolean][] = [
    [0o600, false, false],
    [0o400, false, false],
    [0o640, true, false],
    [0o604, true, false],
    [0o644, true, false],
    [0o602, false, true],
    [0o660, true, true],
    [0o711, false, false],
  ];
  for (const [mode, readableByOthers, writableByOthers] of expected) {
    chmodSync(at("exposed.pem"), mode);
    t.same(await source.exposure("file:exposed.pem"), { mode, readableByOthers, writableByOthers });
  }
  t.equal(await source.exposure(`data:,${material.ec.privateKey.pem}`), undefined);
  t.match(await errorOf(source.exposure("file:no-such")), { code: "FILE_NOT_FOUND" });
});

await t.test("wrong options are TypeErrors", async (t) => {
  t.throws(() => fileBackend({ bases: folder as never }), TypeError);
  t.throws(() => fileBackend({ bases: [7 as never] }), TypeError);
  await t.rejects(source.signer("file:ec.key.pem", { passphrase: CANARY as never }), TypeError);
  const signer = await source.signer("file:ec.key.pem");
  await t.rejects(signer.sign(signatureSchemes.ecdsa_p256_sha256, "text" as never), TypeError);
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
  t.match(
    printed,
    /^true\n\{ mode: 384, readableByOthers: false, writableByOthers: false \}\nFILE_NOT_FOUND .*identity\.key\.pem\n$/,
  );
});

const shared = new URL("../../../../shared/vectors/deployments.tar.gz", import.meta.url);
const noVectors = existsSync(shared) ? false : "needs ../shared/vectors/deployments.tar.gz";

interface Case {
  readonly id: string;
  readonly properties: Readonly<Record<string, string>>;
}

await t.test("real deployments: how the URI and identity cases read", { skip: noVectors }, async (t) => {
  execFileSync("tar", ["xzf", fileURLToPath(shared), "-C", folder]);
  const home = at("deployments");
  const deployments = fileBackend({ bases: [home] });
  const cases = JSON.parse(readFileSync(join(home, "cases.json"), "utf8")) as Case[];
  const ca = readFileSync(join(home, "ec/identity_ca.pem"), "utf8");
  const property = (id: string, name: string): string => {
    const value = cases.find((one) => one.id === id)?.properties[name] ?? "";
    if (!value.startsWith("RAW ")) return `file:${value}`;
    return value
      .slice(4)
      .replace("{abs}", home)
      .replace("{pem}", ca)
      .replace("{pct}", encodeURIComponent(ca));
  };
  const identityCa = (id: string, from: CredentialSource = deployments) =>
    from.certificates(property(id, "identity_ca"));

  for (const id of [
    "uri-file-3slash",
    "uri-file-localhost",
    "uri-upper-scheme",
    "uri-data",
    "uri-data-percent",
    "uri-data-type",
  ]) {
    t.same((await identityCa(id))[0]?.der, new Uint8Array(new X509Certificate(ca).raw), id);
  }
  const near = [`file:${home}/ec/identity_ca.pem`];
  const refused: Record<string, object> = {
    "uri-noscheme": { code: "URI_INVALID", hint: /file:/ },
    "uri-http": { code: "URI_INVALID" },
    "uri-missing": { code: "FILE_NOT_FOUND", candidates: Array },
    "uri-trailing-space": { code: "FILE_NOT_FOUND", candidates: near },
    "uri-dir": { code: "FILE_NOT_REGULAR", message: /directory/ },
    "uri-env": { code: "FILE_NOT_FOUND" },
  };
  for (const [id, wanted] of Object.entries(refused)) t.match(await errorOf(identityCa(id)), wanted, id);

  const certificate = async (id: string) =>
    await deployments.certificates(property(id, "identity_certificate"));
  const key = async (id: string, password?: string) =>
    await deployments.signer(
      property(id, "private_key"),
      password === undefined ? {} : { passphrase: new Secret(password) },
    );
  t.same((await certificate("id-crlf-pem"))[0]?.publicKey.spki, (await key("id-crlf-pem")).publicKey);
  t.match(await errorOf(certificate("id-der")), { code: "PEM_NOT_FOUND", hint: /openssl x509 -inform DER/ });
  t.match(await errorOf(key("id-enc-nopw")), { code: "PASSPHRASE_REQUIRED" });
  const password = cases.find(({ id }) => id === "id-enc-pw")?.properties.password;
  t.same((await certificate("id-enc-pw"))[0]?.publicKey.spki, (await key("id-enc-pw", password)).publicKey);
  t.match(await errorOf(key("id-enc-pw", `${password}!`)), { code: "PASSPHRASE_INCORRECT" });
  t.notSame((await certificate("id-wrongkey"))[0]?.publicKey.spki, (await key("id-wrongkey")).publicKey);
});

function spki(): Uint8Array {
  const { publicKey } = new X509Certificate(material.ec.certificate.pem);
  return new Uint8Array(publicKey.export({ format: "der", type: "spki" }));
}
