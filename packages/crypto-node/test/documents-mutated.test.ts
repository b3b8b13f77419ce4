// Every byte of signed documents changed, one at a time: never accepted, but in the places named here, on which nothing
// rests. DDSCRED_TEST_LONG=1 changes every bit.

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
  readDer,
  signDocument,
  verifyDocument,
} from "@ddscred/core";
import { nodeCrypto, softwareSigner } from "@ddscred/crypto-node";
import t from "tap";

const skip = spawnSync("openssl", ["version"]).status === 0 ? false : "openssl is not installed";
const masks = process.env["DDSCRED_TEST_LONG"] === "1" ? [1, 2, 4, 8, 16, 32, 64, 128] : [0x01];
t.setTimeout(600_000);
const crypto = nodeCrypto();
const XML = "<?xml version='1.0'?>\n<dds>\n  <permissions/>  \n</dds>\n";
const CANONICAL = XML.replaceAll("\n", "\r\n");

interface Sample {
  readonly name: string;
  readonly bytes: Buffer;
  readonly ca: Certificate;
}

async function samples(): Promise<Sample[]> {
  const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const openssl = (...args: readonly string[]) =>
    execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  writeFileSync(join(folder, "x.xml"), XML);
  const made: Sample[] = [];
  for (const [name, ...newkey] of [
    ["P-256", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ["RSA", "rsa:2048"],
  ] as const) {
    const files = ["-keyout", `${name}.key`, "-out", `${name}.pem`];
    openssl("req", "-x509", "-nodes", "-newkey", ...newkey, ...files, "-subj", "/O=DDS/CN=permissions ca");
    const [ca] = certificatesFromPem(readFileSync(join(folder, `${name}.pem`)));
    if (ca === undefined) throw new Error("no certificate");
    const key = ["-signer", `${name}.pem`, "-inkey", `${name}.key`];
    const by = (program: string, ...options: readonly string[]) =>
      openssl(program, "-sign", "-text", "-in", "x.xml", ...key, ...options);
    made.push({ name: `openssl smime, ${name}`, bytes: by("smime"), ca });
    made.push({ name: `openssl smime -noattr, ${name}`, bytes: by("smime", "-noattr", "-nocerts"), ca });
    made.push({ name: `openssl cms -keyid -nodetach, ${name}`, bytes: by("cms", "-keyid", "-nodetach"), ca });
    const signer = softwareSigner(readFileSync(join(folder, `${name}.key`)));
    const ours = await signDocument(Buffer.from(XML), { certificate: ca, signer, crypto, at: new Date() });
    made.push({ name: `signed here, ${name}`, bytes: Buffer.from(ours.bytes), ca });
  }
  return made;
}

/** The places where a change of a document goes unnoticed; undefined anywhere else. */
function places(document: Buffer): (at: number, changed: Buffer) => string | undefined {
  const text = document.toString("latin1");
  const part = text.search(/\n------[^\n]*\nContent-Type: text\/plain/);
  const signature = text.search(/Content-Type: application\/(?:x-)?pkcs7-signature;/);
  const base64 = text.search(/(?<=\n\n)MI/);
  const behind = text.indexOf("\n\n", base64);
  const original = decodeBase64(text.slice(base64, behind)) ?? new Uint8Array();
  const root = readDer(original).children[1]?.children[0]?.children ?? [];
  const signerInfo = root.at(-1)?.children[0]?.children ?? [];
  const within = (node: DerNode | undefined, at: number) =>
    node !== undefined && at >= node.start && at < node.end;
  const derPlace = (at: number, mask: number): string | undefined => {
    if (within(root[0], at)) return "the version of the SignedData";
    if (root.some((node) => node.identifier === 0xa0 && within(node, at)))
      return "certificates that came along, which are never trusted";
    // RFC 5280 7.1
    if (mask === 0x20 && within(signerInfo[1]?.children[0], at))
      return "the case of letters in the name of the signer's issuer";
    // UTF8String to TeletexString: names of the same letters are the same name
    if (mask === 0x18 && original[at] === 0x0c && within(signerInfo[1]?.children[0], at))
      return "the kind of string in the name of the signer's issuer";
    return undefined;
  };
  return (at, changed) => {
    if (signature < 0 && at < base64) return "headers of the document";
    if (part >= 0 && at <= part) return "headers of the document, and the text before the first part";
    if (signature >= 0 && at >= signature - 1 && at < base64) return "headers of the signature";
    if (at >= behind) return "what follows the signature";
    if (at < base64) return undefined;
    const der = decodeBase64(changed.toString("latin1").slice(base64, behind));
    if (der?.length !== original.length) return undefined;
    const found = new Set(
      [...original.keys()].flatMap((i) => {
        const mask = (original[i] ?? 0) ^ (der[i] ?? 0);
        return mask === 0 ? [] : [derPlace(i, mask) ?? "covered"];
      }),
    );
    if (found.size === 0) return "blanks and line ends in base64";
    return found.has("covered") ? undefined : [...found].join(" and ");
  };
}

t.test("no changed byte is accepted but in the places named", { skip }, async (t) => {
  for (const { name, bytes, ca } of await samples()) {
    const placeOf = places(bytes);
    const [refused, accepted]: [Record<string, number>, Record<string, number>] = [{}, {}];
    for (let at = 0; at < bytes.length; at += 1) {
      for (const mask of masks) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ mask;
        const result: unknown = await verifyDocument(changed, { ca, crypto }).catch(
          (error: unknown) => error,
        );
        if (result instanceof CredentialError) {
          refused[result.code] = (refused[result.code] ?? 0) + 1;
          continue;
        }
        if (result instanceof Error) t.fail(`${name}: byte ${at} ^ ${mask}: ${inspect(result)}`);
        const place = placeOf(at, changed);
        if (place === undefined) t.fail(`${name}: byte ${at} ^ ${mask} is accepted`);
        else accepted[place] = (accepted[place] ?? 0) + 1;
        const { content } = result as { content: Uint8Array };
        if (Buffer.from(content).toString() !== CANONICAL)
          t.fail(`${name}: byte ${at} ^ ${mask}: another text`);
      }
    }
    t.ok((refused["CMS_INVALID"] ?? 0) > 100, `${name}: ${JSON.stringify({ refused, accepted })}`);
  }
});
