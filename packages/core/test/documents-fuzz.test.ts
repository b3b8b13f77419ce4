// Whatever comes in place of a document, a signature, PEM or DER: a CredentialError, in bounded time, and no text that
// nobody signed. 100,000 inputs; DDSCRED_TEST_LONG=1 makes ten times as many.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import {
  type Certificate,
  CredentialError,
  certificatesFromPem,
  decodeBase64,
  der,
  encodeBase64,
  parseCertificate,
  readDer,
  readPem,
  verifyDocument,
  verifySignedData,
  webCrypto,
} from "@ddscred/core";
import * as fc from "fast-check";
import t, { type Test } from "tap";

const skip = spawnSync("openssl", ["version"]).status === 0 ? false : "openssl is not installed";
const scale = process.env["DDSCRED_TEST_LONG"] === "1" ? 10 : 1;
t.setTimeout(scale * 180_000);
const crypto = webCrypto();

const XML = "<?xml version='1.0'?>\n<dds>\n  <permissions/>  \n</dds>\n";
const seeds: Buffer[] = [];
const pems: Buffer[] = [];
const authorities: Certificate[] = [];
if (!skip) {
  const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const openssl = (...args: readonly string[]) =>
    execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  writeFileSync(join(folder, "x.xml"), XML);
  for (const [name, ...newkey] of [
    ["ec", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ["rsa", "rsa:2048"],
  ] as const) {
    const key = ["-signer", `${name}.pem`, "-inkey", `${name}.key`];
    openssl(
      "req",
      "-x509",
      "-nodes",
      "-newkey",
      ...newkey,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.pem`,
      "-subj",
      `/O=DDS/CN=${name}`,
    );
    pems.push(readFileSync(join(folder, `${name}.pem`)), readFileSync(join(folder, `${name}.key`)));
    authorities.push(...certificatesFromPem(readFileSync(join(folder, `${name}.pem`))));
    for (const options of [["-nocerts"], ["-noattr"], ["-nodetach"], ["-nodetach", "-stream"], ["-crlfeol"]])
      seeds.push(openssl("smime", "-sign", "-text", "-in", "x.xml", ...key, ...options));
    seeds.push(openssl("cms", "-sign", "-text", "-keyid", "-in", "x.xml", ...key));
  }
}

/** A generator of numbers below n, the same in every run (mulberry32). */
function numbers(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), 1 | state);
    z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z;
    return ((z ^ (z >>> 14)) >>> 0) % n;
  };
}

/** What parsers trip over. */
const TOKENS = [
  "",
  "\r\n",
  "\n\n",
  "\r\r\n",
  "\0",
  "--",
  "--\n",
  "; ",
  '"',
  "=",
  "Content-Type: ",
  "text/plain",
  "boundary=",
  "MII",
  "MIAG",
  "====",
  "\ufeff",
  "\t",
  "0\x80",
  "\xa0\x80",
  "\x30\x84\xff\xff\xff\xff",
  "\x24\x80",
  "\x04\x82\xff\xff",
  "\x05\x00",
  "\x31\x00",
  "\x02\x01\x00",
  "\x00\x00",
  "-----BEGIN CERTIFICATE-----\n",
  "-----END CERTIFICATE-----\n",
].map((text) => Buffer.from(text, "latin1"));

/** One to four small changes: bytes, tokens, pieces left out, doubled, or taken from another input. */
function mutated(seed: Buffer, others: readonly Buffer[], random: (n: number) => number): Buffer {
  let bytes: Buffer = Buffer.from(seed);
  for (let count = 1 + random(4); count > 0; count -= 1) {
    const at = random(bytes.length + 1);
    const end = Math.min(bytes.length, at + random(64));
    const [before, piece, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
    const other = others[random(others.length)] ?? seed;
    const from = random(other.length);
    const replacements: readonly (() => readonly Buffer[])[] = [
      () => [Buffer.of(random(256)), bytes.subarray(Math.min(at + 1, bytes.length))],
      () => [Buffer.of((bytes[at] ?? 0) ^ (1 << random(8))), bytes.subarray(Math.min(at + 1, bytes.length))],
      () => [TOKENS[random(TOKENS.length)] ?? piece, piece, after],
      () => [after],
      () => [piece, piece, after],
      () => [other.subarray(from, from + random(200)), after],
      () => [],
    ];
    // Cutting all that follows is the last and the least interesting.
    const choice = random(40) === 0 ? replacements.length - 1 : random(replacements.length - 1);
    bytes = Buffer.concat([before, ...(replacements[choice]?.() ?? [])]);
  }
  return bytes;
}

interface Tally {
  readonly codes: Record<string, number>;
  slowest: number;
}

/** Runs one input; anything but a result or a CredentialError fails. */
async function tried(t: Test, tally: Tally, what: string, work: () => unknown): Promise<unknown> {
  const start = processorTime();
  let [code, result]: [string, unknown] = ["good", undefined];
  try {
    result = await work();
  } catch (error) {
    code = error instanceof CredentialError ? error.code : "";
    if (code === "" || code === "INTERNAL") t.fail(`${what}: ${inspect(error)}`);
  }
  tally.slowest = Math.max(tally.slowest, processorTime() - start);
  tally.codes[code] = (tally.codes[code] ?? 0) + 1;
  return result;
}

function finish(t: Test, { codes, slowest }: Tally, atLeast: number): void {
  const count = Object.values(codes).reduce((sum, n) => sum + n, 0);
  t.ok(count >= atLeast, `${count} inputs: ${JSON.stringify(codes)}`);
  t.ok(slowest < SOON, `the slowest took ${Math.round(slowest)} ms`);
}

/** Milliseconds that this process has computed. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Milliseconds. The machine may be busy; what is not bounded takes minutes. */
const SOON = 20_000;

const SIGNED = new Set(["\r\n", "\n"].map((end) => XML.replaceAll("\n", end)));
const pkcs7Of = (document: Buffer) =>
  Buffer.from(
    decodeBase64(/(?<=\n\r?\n)MI[A-Za-z0-9+/=\s]+/.exec(document.toString("latin1"))?.[0] ?? "") ?? [],
  );

t.test("documents, changed anywhere", { skip }, async (t) => {
  const [tally, random] = [{ codes: {}, slowest: 0 }, numbers(1)];
  for (let i = 0; i < 32_000 * scale; i += 1) {
    const seed = i % seeds.length;
    const bytes = mutated(seeds[seed] ?? Buffer.of(), seeds, random);
    const ca = authorities[seed < seeds.length / 2 ? 0 : 1];
    if (ca === undefined) throw new Error("no CA");
    const verified = await tried(t, tally, `document ${i}`, () => verifyDocument(bytes, { ca, crypto }));
    if (verified === undefined) continue;
    const { content } = verified as { content: Uint8Array };
    if (!SIGNED.has(Buffer.from(content).toString())) t.fail(`document ${i} verifies with another text`);
  }
  finish(t, tally, 32_000);
});

t.test("SignedData, changed anywhere, alone and inside a document", { skip }, async (t) => {
  const [tally, random] = [{ codes: {}, slowest: 0 }, numbers(2)];
  const structures = seeds.map(pkcs7Of);
  const content = Buffer.from(`Content-Type: text/plain\r\n\r\n${XML.replaceAll("\n", "\r\n")}`);
  for (let i = 0; i < 28_000 * scale; i += 1) {
    const seed = structures[i % structures.length] ?? Buffer.of();
    const bytes = mutated(seed, structures, random);
    const opaque = Buffer.from(`Content-Type: application/pkcs7-mime\n\n${encodeBase64(bytes)}\n`);
    const [ca] = authorities;
    if (ca === undefined) throw new Error("no CA");
    const verified = await tried(t, tally, `SignedData ${i}`, () =>
      i % 2 === 0
        ? verifySignedData(bytes, { crypto, signers: authorities, ...(i % 4 === 0 && { content }) })
        : verifyDocument(opaque, { ca, crypto }),
    );
    if (verified === undefined) continue;
    const text = Buffer.from((verified as { content: Uint8Array }).content).toString();
    if (![...SIGNED].some((signed) => text.endsWith(signed)))
      t.fail(`SignedData ${i} verifies with another text`);
  }
  finish(t, tally, 28_000);
});

t.test("PEM and DER, changed anywhere", { skip }, async (t) => {
  const [tally, random] = [{ codes: {}, slowest: 0 }, numbers(3)];
  const ders = [...authorities.map((ca) => Buffer.from(ca.der)), ...seeds.map(pkcs7Of)];
  for (let i = 0; i < 34_000 * scale; i += 1) {
    if (i % 2 === 0) {
      const bytes = mutated(pems[(i / 2) % pems.length] ?? Buffer.of(), pems, random);
      await tried(t, tally, `PEM ${i}`, () => (i % 4 === 0 ? readPem(bytes) : certificatesFromPem(bytes)));
    } else {
      const bytes = mutated(ders[i % ders.length] ?? Buffer.of(), ders, random);
      await tried(t, tally, `DER ${i}`, () => (i % 4 === 1 ? readDer(bytes) : parseCertificate(bytes)));
    }
  }
  finish(t, tally, 34_000);
});

t.test("documents put together of right and wrong parts", { skip }, async (t) => {
  const tally = { codes: {}, slowest: 0 };
  const [seed] = seeds;
  const [ca] = authorities;
  if (seed === undefined || ca === undefined) throw new Error("no seed");
  const text = seed.toString("latin1");
  const boundary = /boundary="([^"]*)"/.exec(text)?.[1] ?? "";
  const base64 = encodeBase64(pkcs7Of(seed));
  const mostly = <T>(right: T, ...wrong: readonly T[]) =>
    fc.oneof(
      { weight: 8, arbitrary: fc.constant(right) },
      { weight: 1, arbitrary: fc.constantFrom(...wrong) },
    );
  const parts = fc.record({
    type: mostly("multipart/signed", "Multipart/Signed", "multipart/mixed", "application/pkcs7-mime"),
    quote: mostly('"', "", "'"),
    fold: fc.constantFrom("", "\n ", "\r\n\t"),
    extra: mostly<readonly string[]>(
      ["MIME-Version: 1.0"],
      [],
      ["Subject: x"],
      ["Content-Type: text/plain"],
      ["junk"],
    ),
    preamble: mostly("", "a preamble", `--${boundary}x`, `--${boundary}--`),
    lineEnd: fc.constantFrom("\n", "\r\n", "\r\r\n"),
    blank: fc.constantFrom("", " ", "\t", "  "),
    body: mostly("Content-Type: text/plain", "content-type:TEXT/PLAIN; charset=utf-8", "", "X: y"),
    xml: fc.oneof(
      { weight: 8, arbitrary: fc.constant(XML) },
      { weight: 1, arbitrary: fc.constant(XML.trimEnd()) },
      { weight: 1, arbitrary: fc.string({ maxLength: 40 }) },
    ),
    second: mostly("application/x-pkcs7-signature", "application/pkcs7-signature; name=x", "text/plain"),
    width: fc.constantFrom(1, 63, 64, 65, 76, 1000, 100_000),
    end: mostly("--", "", "-- ", "x"),
    binary: fc.uint8Array({ maxLength: 20 }),
  });
  await fc.assert(
    fc.asyncProperty(parts, async (p) => {
      const e = p.lineEnd;
      const lines = [
        ...p.extra,
        `Content-Type:${p.blank}${p.type};${p.fold} boundary=${p.quote}${boundary}${p.quote}${p.blank}`,
        "",
        p.preamble,
        `--${boundary}${p.blank}`,
        p.body,
        "",
        p.xml.replaceAll("\n", e),
        `--${boundary}`,
        `Content-Type: ${p.second}`,
        "",
        base64.replaceAll(new RegExp(`.{${p.width}}`, "g"), `$&${e}`),
        "",
        `--${boundary}${p.end}`,
        Buffer.from(p.binary).toString("latin1"),
      ];
      const bytes = Buffer.from(lines.join(e), "latin1");
      const verified = await tried(t, tally, JSON.stringify(p), () => verifyDocument(bytes, { ca, crypto }));
      if (verified === undefined) return true;
      return SIGNED.has(Buffer.from((verified as { content: Uint8Array }).content).toString());
    }),
    { numRuns: 6000 * scale, seed: 4 },
  );
  finish(t, tally, 6000);
  t.ok(((tally.codes as Record<string, number>)["good"] ?? 0) > 1000, "some are right");
});

t.test("a mebibyte of anything is refused soon", { skip }, async (t) => {
  const mebibyte = (unit: string | Buffer) => Buffer.alloc(1 << 20, Buffer.from(unit as string, "latin1"));
  const [ca] = authorities;
  if (ca === undefined) throw new Error("no CA");
  const name = der.sequence(der.setOf(der.sequence(der.oid("2.5.4.3"), der.utf8String("x"))));
  const hash = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"));
  const signer = der.sequence(
    der.integer(1),
    der.sequence(name, der.integer(1)),
    hash,
    der.sequence(der.oid("1.2.840.10045.4.3.2")),
    der.octetString(new Uint8Array(8)),
  );
  const signedData = (certificates: readonly Uint8Array[], signers: readonly Uint8Array[]) =>
    der.sequence(
      der.oid("1.2.840.113549.1.7.2"),
      der.tagged(
        0,
        der.sequence(
          der.integer(1),
          der.setOf(hash),
          der.sequence(der.oid("1.2.840.113549.1.7.1")),
          der.tagged(0, ...certificates),
          der.element(0x31, ...signers),
        ),
      ),
    );
  const nested = (open: number[], depth: number) => Buffer.alloc(depth * open.length, Buffer.from(open));
  const head = 'Content-Type: multipart/signed; boundary="b"\n\n';
  const structures: Readonly<Record<string, Uint8Array>> = {
    "10,000 signerInfos": signedData(
      [],
      Array.from({ length: 10_000 }, () => signer),
    ),
    "1,000 signerInfos": signedData(
      [],
      Array.from({ length: 1_000 }, () => signer),
    ),
    "10,000 certificates": signedData(
      Array.from({ length: 10_000 }, () => name),
      [signer],
    ),
    "1,000 real certificates": signedData(
      Array.from({ length: 1000 }, () => ca.der),
      [signer],
    ),
    "500,000 indefinite lengths": nested([0x30, 0x80], 500_000),
    "indefinite octet strings": nested([0x24, 0x80], 500_000),
    "deep definite lengths": nested([0x30, 0x83, 0x0f, 0xff, 0xff], 200_000),
    "empty elements": der.sequence(new Uint8Array(mebibyte("\x05\x00"))),
    "empty octet strings, streamed": Buffer.concat([Buffer.of(0x24, 0x80), mebibyte("\x04\x00")]),
    "a long OBJECT IDENTIFIER": der.sequence(der.element(0x06, new Uint8Array(mebibyte("\x81")))),
    "a long INTEGER": der.sequence(der.element(0x02, new Uint8Array(mebibyte("\x7f")))),
  };
  const texts: Readonly<Record<string, Buffer>> = {
    headers: mebibyte("A: b\n"),
    "one header": mebibyte("A"),
    "folded lines": Buffer.concat([Buffer.from("Content-Type: multipart/signed;\n"), mebibyte(" a\n")]),
    "empty folded lines": Buffer.concat([Buffer.from("Content-Type: multipart/signed;\n"), mebibyte(" \n")]),
    parameters: Buffer.concat([Buffer.from("Content-Type: multipart/signed"), mebibyte("; a=b")]),
    quotes: Buffer.concat([Buffer.from('Content-Type: multipart/signed; boundary="'), mebibyte("\\")]),
    blanks: Buffer.concat([Buffer.from("Content-Type: multipart/signed"), mebibyte(" ")]),
    boundaries: Buffer.concat([Buffer.from(head), mebibyte("--b\n")]),
    "almost boundaries": Buffer.concat([Buffer.from(head), mebibyte("--a\n")]),
    hyphens: Buffer.concat([Buffer.from(head), mebibyte("-")]),
    CRs: Buffer.concat([Buffer.from(head), mebibyte("\r")]),
    "CRs in a part": Buffer.concat([
      Buffer.from(`${head}--b\n`),
      mebibyte("\r"),
      Buffer.from("x\n--b\nContent-Type: application/pkcs7-signature\n\nMA==\n--b--\n"),
    ]),
    "CR lines in a part": Buffer.concat([
      Buffer.from(`${head}--b\n`),
      mebibyte("\r\r\r\n"),
      Buffer.from("x\n--b\nContent-Type: application/pkcs7-signature\n\nMA==\n--b--\n"),
    ]),
    "blanks in base64": Buffer.concat([
      Buffer.from("Content-Type: application/pkcs7-mime\n\n"),
      mebibyte(" \t"),
    ]),
    "padding in base64": Buffer.concat([
      Buffer.from("Content-Type: application/pkcs7-mime\n\n"),
      mebibyte("="),
    ]),
    "PEM labels": mebibyte("-----BEGIN CERTIFICATE-----\n"),
    "hyphens only": mebibyte("-----BEGIN "),
    "blank lines": mebibyte("\n"),
    NULs: mebibyte("\0"),
    ...Object.fromEntries(
      Object.entries(structures).map(([what, bytes]) => [
        `${what} in a document`,
        Buffer.from(`Content-Type: application/pkcs7-mime\n\n${encodeBase64(bytes)}\n`),
      ]),
    ),
  };
  const timed = async (what: string, work: () => unknown) => {
    const start = processorTime();
    const error: unknown = await (async () => await work())().catch((error: unknown) => error);
    const time = processorTime() - start;
    t.ok(
      error instanceof CredentialError && error.message.length < 400,
      `${what}: ${String(error).slice(0, 200)}`,
    );
    t.ok(time < SOON, `${what}: ${Math.round(time)} ms`);
  };
  for (const [what, bytes] of Object.entries(texts)) {
    await timed(what, () => verifyDocument(bytes, { ca, crypto }));
    await timed(`${what}, as PEM`, () => certificatesFromPem(bytes));
  }
  for (const [what, bytes] of Object.entries(structures)) {
    await timed(what, () => verifySignedData(bytes, { crypto, content: new Uint8Array(), signers: [] }));
    await timed(`${what}, as a certificate`, () => parseCertificate(bytes));
  }
});
