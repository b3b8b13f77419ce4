import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  certificatesFromPem,
  crlsFromPem,
  decodeBase64,
  encodeBase64,
  encodePem,
  formatName,
  looksLikeCrl,
  readPem,
} from "@ddscred/core";
import * as fc from "fast-check";
import t from "tap";
import { certificateDer, ecKey, failure, needsOpenssl, openssl, temporaryFolder } from "./x509-support.ts";

const CANARY = "Y2FuYXJ5LTczOTE=";
const block = (label: string, lines: readonly string[], end = "\n") =>
  [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join(end);

t.test("base64 is what Node.js writes, and nothing else is read", async (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = Buffer.from(bytes).toString("base64");
      const read = decodeBase64(text);
      return encodeBase64(bytes) === text && read !== undefined && Buffer.from(bytes).equals(read);
    }),
  );
  t.same(decodeBase64("QUJD\r\n QQ =\t="), new Uint8Array(Buffer.from("ABCA")));
  for (const text of [
    "Q",
    "QQ",
    "QQ=",
    "QQ===",
    "=",
    "QQ==QQ==",
    "QR==",
    "QUF=",
    "Q-==",
    "QQ\u00e9=",
    "QUJD=",
  ]) {
    t.equal(decodeBase64(text), undefined, text);
  }
});

t.test("blocks are read in order, with label, headers and line", async (t) => {
  const blocks = readPem(
    `Bag Attributes\n    friendlyName: x\n${block("A", ["QUJD"])}text\n${block("RSA PRIVATE KEY", [
      "Proc-Type: 4,ENCRYPTED",
      "DEK-Info: AES-256-CBC,",
      "  00112233",
      "",
      "QUJDRA==",
    ])}`,
  );
  t.match(blocks, [
    { label: "A", line: 3, der: new Uint8Array(Buffer.from("ABC")) },
    { label: "RSA PRIVATE KEY", line: 7, der: new Uint8Array(Buffer.from("ABCD")) },
  ]);
  t.same(
    [...(blocks[1]?.headers ?? [])],
    [
      ["Proc-Type", "4,ENCRYPTED"],
      ["DEK-Info", "AES-256-CBC,00112233"],
    ],
  );
  t.equal(blocks[0]?.headers.size, 0);
  t.same(readPem("no block"), []);
  t.same(readPem(new Uint8Array(0)), []);
});

t.test("line ends, blanks, byte order mark and line lengths are as files have them", async (t) => {
  const long = "A".repeat(4000);
  for (const [name, text] of [
    ["CRLF", block("X", ["QUJD", "QUJD"], "\r\n")],
    ["CR", block("X", ["QUJD", "QUJD"], "\r")],
    ["byte order mark", `\ufeff${block("X", ["QUJDQUJD"])}`],
    ["blanks at line ends", block("X", ["QUJD \t", "QUJD  "]).replaceAll("-----\n", "-----  \n")],
    ["an empty line first", block("X", ["", "QUJDQUJD"])],
    ["no line end at the end", block("X", ["QUJDQUJD"]).trimEnd()],
    ["text that is not UTF-8", new Uint8Array(Buffer.from(`\xe9\n${block("X", ["QUJDQUJD"])}`, "latin1"))],
  ] as const) {
    t.match(readPem(text), [{ label: "X", der: new Uint8Array(Buffer.from("ABCABC")) }], name);
  }
  t.equal(readPem(block("X", [long]))[0]?.der.length, 3000, "one long line");
});

t.test("a damaged block is refused with its line", async (t) => {
  for (const [name, line, text] of [
    ["no END", 2, `x\n-----BEGIN X-----\nQUJD\n`],
    ["END of another label", 3, "-----BEGIN X-----\nQUJD\n-----END Y-----\n"],
    ["a BEGIN before the END", 3, "-----BEGIN X-----\nQUJD\n-----BEGIN X-----\nQUJD\n-----END X-----\n"],
    ["hyphens missing in END", 3, "-----BEGIN X-----\nQUJD\n-----END X---\n"],
    ["hyphens missing in BEGIN", 1, "-----BEGIN X---\nQUJD\n-----END X-----\n"],
    ["a character that is not base64", 3, "-----BEGIN X-----\nQUJD\nQU*D\n-----END X-----\n"],
    ["cut off", 3, "-----BEGIN X-----\nQUJDQ\n-----END X-----\n"],
    ["padding inside", 4, "-----BEGIN X-----\nQQ==\nQUJD\n-----END X-----\n"],
    ["empty", 1, "-----BEGIN X-----\n-----END X-----\n"],
    ["headers only", 1, "-----BEGIN X-----\nA: b\n-----END X-----\n"],
    ["no empty line behind the headers", 3, "-----BEGIN X-----\nA: b\nQUJD\n-----END X-----\n"],
    ["line breaks lost", 1, "-----BEGIN X----- QUJD -----END X-----\n"],
  ] as const) {
    t.match(await failure(() => readPem(text)), { code: "PEM_INVALID", location: { line } }, name);
  }
});

t.test("size and count are limited, and time grows with the size only", async (t) => {
  t.equal((await failure(() => readPem("x".repeat(4 * 1024 * 1024 + 1)))).code, "PEM_INVALID");
  t.equal((await failure(() => readPem(block("X", ["QUJD"]).repeat(1001)))).code, "PEM_INVALID");
  const started = performance.now();
  for (const part of [
    "-----BEGIN ",
    "-----BEGIN X-----\n",
    "a:b\n",
    " \t",
    "\n",
    "-",
    "-----BEGIN X-----\nA: b\n c\n",
  ]) {
    const text = part.repeat(Math.floor((4 * 1024 * 1024) / part.length));
    try {
      readPem(text);
    } catch (error) {
      t.match(error, { code: "PEM_INVALID" });
    }
  }
  t.ok(performance.now() - started < 60_000, "seven hostile texts of 4 MiB end soon");
});

t.test("encodePem writes what openssl and readPem read", needsOpenssl, async (t) => {
  const folder = temporaryFolder(t);
  const der = certificateDer({ subject: "pem", key: ecKey() });
  const text = encodePem("CERTIFICATE", der);
  t.ok(text.split("\n").every((line) => line.length <= 64));
  writeFileSync(join(folder, "c.pem"), text);
  t.equal(openssl(folder, "x509", "-in", "c.pem"), text);
  t.same(readPem(text)[0]?.der, der);
  t.throws(() => encodePem("X-----\n", der), TypeError);
});

t.test("certificates are returned in file order, blocks of other kinds passed over", async (t) => {
  const [a, b] = [
    certificateDer({ subject: "a", key: ecKey() }),
    certificateDer({ subject: "b", key: ecKey() }),
  ];
  const text =
    encodePem("PRIVATE KEY", Uint8Array.of(1)) +
    encodePem("CERTIFICATE", a) +
    encodePem("X509 CERTIFICATE", b);
  t.same(
    certificatesFromPem(text).map(({ subject }) => formatName(subject)),
    ["CN=a", "CN=b"],
  );
});

t.test("an error in a certificate names file and line", async (t) => {
  const der = certificateDer({ subject: "a", key: ecKey() });
  const text = encodePem("CERTIFICATE", der) + encodePem("CERTIFICATE", der.slice(0, -1));
  const line = encodePem("CERTIFICATE", der).split("\n").length;
  const error = await failure(() => certificatesFromPem(text, { uri: "file:a.pem", file: "a.pem" }));
  t.match(error, { code: "DER_INVALID", uri: "file:a.pem", location: { file: "a.pem", line, column: 1 } });
  const broken = await failure(() =>
    certificatesFromPem("-----BEGIN CERTIFICATE-----\n*", { file: "b.pem" }),
  );
  t.match(broken, { code: "PEM_INVALID", location: { file: "b.pem", line: 1 } });
});

t.test("PEM_NOT_FOUND says what the bytes are instead, and how to convert them", needsOpenssl, async (t) => {
  const folder = temporaryFolder(t);
  openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "k.pem");
  openssl(folder, "req", "-x509", "-new", "-key", "k.pem", "-subj", "/CN=x", "-days", "9", "-out", "c.pem");
  openssl(folder, "x509", "-in", "c.pem", "-outform", "DER", "-out", "c.der");
  openssl(folder, "x509", "-in", "c.pem", "-trustout", "-addtrust", "serverAuth", "-out", "trusted.pem");
  openssl(folder, "req", "-new", "-key", "k.pem", "-subj", "/CN=x", "-out", "csr.pem");
  openssl(folder, "req", "-in", "csr.pem", "-outform", "DER", "-out", "csr.der");
  openssl(folder, "crl2pkcs7", "-nocrl", "-certfile", "c.pem", "-out", "p7.pem");
  openssl(folder, "crl2pkcs7", "-nocrl", "-certfile", "c.pem", "-outform", "DER", "-out", "p7.der");
  openssl(
    folder,
    "pkcs12",
    "-export",
    "-inkey",
    "k.pem",
    "-in",
    "c.pem",
    "-passout",
    "pass:x",
    "-out",
    "c.p12",
  );
  openssl(folder, "pkcs8", "-topk8", "-nocrypt", "-in", "k.pem", "-outform", "DER", "-out", "p8.der");
  openssl(folder, "ec", "-in", "k.pem", "-outform", "DER", "-out", "sec1.der");
  openssl(folder, "ec", "-in", "k.pem", "-pubout", "-outform", "DER", "-out", "pub.der");
  openssl(folder, "ec", "-in", "k.pem", "-pubout", "-out", "pub.pem");
  writeFileSync(join(folder, "m.xml"), "<dds/>");
  openssl(
    folder,
    "smime",
    "-sign",
    "-in",
    "m.xml",
    "-text",
    "-signer",
    "c.pem",
    "-inkey",
    "k.pem",
    "-out",
    "m.p7s",
  );
  const pem = readFileSync(join(folder, "c.pem"), "utf8");
  const file = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
  const bytes = (text: string) => new Uint8Array(Buffer.from(text));
  for (const [content, found, hint] of [
    [file("c.der"), /certificate in DER/, /openssl x509 -inform DER/],
    [file("trusted.pem"), /TRUSTED CERTIFICATE/, /openssl x509 -in/],
    [file("csr.pem"), /signing request/, /CA/],
    [file("csr.der"), /signing request.*DER/, /CA/],
    [file("p7.pem"), /PKCS#7.*PEM/, /openssl pkcs7 -print_certs/],
    [file("p7.der"), /PKCS#7.*DER/, /openssl pkcs7 -inform DER/],
    [file("c.p12"), /PKCS#12/, /openssl pkcs12/],
    [file("k.pem"), /private key only/, /certificate that belongs to it/],
    [file("p8.der"), /private key in DER/, /certificate/],
    [file("sec1.der"), /private key in DER/, /certificate/],
    [file("pub.der"), /public key in DER/, /certificate/],
    [file("pub.pem"), /public key only/, /certificate/],
    [file("m.p7s"), /S\/MIME/, /Governance/],
    [file("m.xml"), /XML/, /configuration/],
    [bytes("<!DOCTYPE html><html>"), /HTML/, /download/],
    [bytes("pkcs11:token=a?pin-value=canary"), /a pkcs11: URI/, /property/],
    [bytes("file:/etc/a.pem"), /a URI/, /property/],
    [bytes("ssh-rsa AAAA"), /OpenSSH/, /X\.509/],
    [bytes(pem.replace(/-----.*-----\n/g, "")), /without the BEGIN/, /-----BEGIN/],
    [bytes(pem.replaceAll("\n", "\\n").slice(5)), /line breaks/, /line breaks/],
    [bytes(pem.replace(/^/gm, "  ")), /indented/, /blanks/],
    [new Uint8Array(Buffer.from(`\ufeff${pem}`, "utf16le")), /UTF-16/, /iconv/],
    [new Uint8Array(Buffer.from(pem, "utf16le")), /UTF-16/, /iconv/],
    [file("c.der").subarray(0, 60), /cut off/, /./],
    [Uint8Array.of(0xff, 0, 0x80, 7, 9), /binary/, /PEM/],
    [new Uint8Array(0), /empty/, /./],
    [bytes(CANARY.repeat(2)), /another kind/, /./],
  ] as const) {
    const error = await failure(() => certificatesFromPem(content, { uri: "file:x" }));
    t.match(error, { code: "PEM_NOT_FOUND", uri: "file:x", message: found, hint }, String(found));
    t.notMatch(`${error.message} ${error.hint}`, /canary|Y2FuYXJ5/, "nothing of the content is quoted");
  }
});

t.test("the conversions that are hinted work", needsOpenssl, async (t) => {
  const folder = temporaryFolder(t);
  const key = ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "k.pem"];
  openssl(folder, ...key);
  openssl(folder, "req", "-x509", "-new", "-key", "k.pem", "-subj", "/CN=x", "-days", "9", "-out", "c.pem");
  openssl(folder, "x509", "-in", "c.pem", "-outform", "DER", "-out", "c.der");
  openssl(folder, "x509", "-in", "c.pem", "-trustout", "-addtrust", "serverAuth", "-out", "trusted.pem");
  openssl(folder, "crl2pkcs7", "-nocrl", "-certfile", "c.pem", "-outform", "DER", "-out", "p7.der");
  for (const name of ["c.der", "trusted.pem", "p7.der"]) {
    const { hint } = await failure(() => certificatesFromPem(readFileSync(join(folder, name))));
    const command = /`([^`]+)`/.exec(hint)?.[1]?.replace("FILE.pem", "out.pem").replace("FILE", name) ?? "";
    execFileSync("sh", ["-c", command], { cwd: folder, stdio: "ignore" });
    t.equal(certificatesFromPem(readFileSync(join(folder, "out.pem"))).length, 1, command);
  }
});

t.test("revocation lists are checked as DER and by their outer structure", needsOpenssl, async (t) => {
  const folder = temporaryFolder(t);
  openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "k.pem");
  openssl(folder, "req", "-x509", "-new", "-key", "k.pem", "-subj", "/CN=x", "-days", "9", "-out", "c.pem");
  writeFileSync(join(folder, "index.txt"), "");
  writeFileSync(join(folder, "n"), "01\n");
  writeFileSync(
    join(folder, "ca.cnf"),
    "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=n\ndefault_md=sha256\ndefault_crl_days=9\n",
  );
  openssl(
    folder,
    "ca",
    "-gencrl",
    "-config",
    "ca.cnf",
    "-keyfile",
    "k.pem",
    "-cert",
    "c.pem",
    "-out",
    "crl.pem",
  );
  const pem = readFileSync(join(folder, "crl.pem"), "utf8");
  const [der] = crlsFromPem(pem);
  t.ok(der !== undefined && looksLikeCrl(der));
  const certificate = readPem(readFileSync(join(folder, "c.pem")))[0]?.der ?? new Uint8Array();
  t.notOk(looksLikeCrl(certificate));
  t.equal((await failure(() => crlsFromPem(encodePem("X509 CRL", certificate)))).code, "CRL_INVALID");
  const longer = encodePem("X509 CRL", Uint8Array.of(...(der ?? []), 0));
  t.equal((await failure(() => crlsFromPem(longer))).code, "CRL_INVALID");
  t.match(await failure(() => crlsFromPem(der ?? "")), {
    code: "PEM_NOT_FOUND",
    hint: /openssl crl -inform DER/,
  });
  t.match(await failure(() => crlsFromPem(encodePem("CERTIFICATE", certificate))), {
    code: "PEM_NOT_FOUND",
    message: /this is a certificate/,
  });
  t.match(await failure(() => certificatesFromPem(pem)), {
    code: "PEM_NOT_FOUND",
    message: /a revocation list/,
  });
});

t.test("a wrong argument is a programming mistake", async (t) => {
  t.throws(() => certificatesFromPem(7 as unknown as string), TypeError);
});
