import { execFileSync, spawnSync } from "node:child_process";
import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Certificate, type CredentialError, certificatesFromPem, parseCertificate } from "@ddscred/core";
import type { Test } from "tap";

/** A temporary folder, gone at the end of the test. */
export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const shared = (archive: string) =>
  fileURLToPath(new URL(`../../../../shared/vectors/${archive}`, import.meta.url));

/** Options of a test that needs an archive of vectors: skipped, with the reason, where it is not there. */
export function needsVectors(archive: string): { skip?: string } {
  return existsSync(shared(archive)) ? {} : { skip: `the vectors ${archive} are not there` };
}

/** Unpacks an archive of vectors into a temporary folder. */
export function unpackVectors(t: Test, archive: string): string {
  const folder = temporaryFolder(t);
  execFileSync("tar", ["xzf", shared(archive), "-C", folder]);
  return join(folder, archive.replace(/\.tar\.gz$/, ""));
}

export const needsOpenssl: { skip?: string } =
  spawnSync("openssl", ["version"]).status === 0 ? {} : { skip: "openssl is not installed" };

/** Runs openssl in a folder; its stdout. */
export function openssl(folder: string, ...parameters: string[]): string {
  return execFileSync("openssl", parameters, {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Runs openssl in a folder, for commands that may say no; whether it succeeded. */
export function opensslSays(folder: string, ...parameters: string[]): boolean {
  return spawnSync("openssl", parameters, { cwd: folder }).status === 0;
}

export function readCertificate(...path: string[]): Certificate {
  const [certificate] = certificatesFromPem(readFileSync(join(...path)));
  if (certificate === undefined) throw new Error("no certificate");
  return certificate;
}

export function writePem(folder: string, name: string, certificate: Certificate): void {
  const base64 = Buffer.from(certificate.der).toString("base64");
  writeFileSync(join(folder, name), `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`);
}

/** The CredentialError of a call that must fail with one; anything else fails the test. */
export async function failure(call: () => unknown): Promise<CredentialError> {
  try {
    await call();
  } catch (error) {
    if ((error as Error).name === "CredentialError") return error as CredentialError;
    throw error;
  }
  throw new Error("it was accepted");
}

// --- DER, written by hand

export type Octets = Uint8Array;

export function tlv(identifier: number, ...contents: readonly Octets[]): Octets {
  const content = Buffer.concat(contents);
  const octets = [content.length >> 16, (content.length >> 8) & 0xff, content.length & 0xff];
  while (octets[0] === 0) octets.shift();
  const length = content.length < 0x80 ? [content.length] : [0x80 | octets.length, ...octets];
  return new Uint8Array(Buffer.concat([Uint8Array.from([identifier, ...length]), content]));
}

export const hex = (text: string): Octets => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));
export const sequence = (...contents: readonly Octets[]): Octets => tlv(0x30, ...contents);
export const integer = (value: number): Octets => tlv(0x02, Uint8Array.of(value));
const text = (identifier: number, value: string) =>
  tlv(identifier, new Uint8Array(Buffer.from(value, "utf8")));

export function oid(dotted: string): Octets {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const arc = (value: number): number[] => {
    const octets = [value & 0x7f];
    for (let left = value >>> 7; left > 0; left >>>= 7) octets.unshift((left & 0x7f) | 0x80);
    return octets;
  };
  return tlv(0x06, Uint8Array.from([first * 40 + second, ...rest].flatMap(arc)));
}

/** `CN=text` in a UTF8String, or in another string type. */
export function commonName(value: string, stringType = 0x0c): Octets {
  return sequence(tlv(0x31, sequence(oid("2.5.4.3"), text(stringType, value))));
}

export function extension(dotted: string, value: Octets, critical = false): Octets {
  return sequence(oid(dotted), ...(critical ? [hex("0101ff")] : []), tlv(0x04, value));
}

export const CA_TRUE = extension("2.5.29.19", hex("30030101ff"), true);
export const CA_FALSE = extension("2.5.29.19", hex("3000"), true);
export const caWithPathLength = (length: number): Octets =>
  extension("2.5.29.19", sequence(hex("0101ff"), integer(length)), true);
/** keyCertSign, cRLSign */
export const KEY_CERT_SIGN = extension("2.5.29.15", hex("03020106"), true);
/** digitalSignature */
export const DIGITAL_SIGNATURE = extension("2.5.29.15", hex("03020780"), true);
export const subjectKeyId = (octet: number): Octets =>
  extension("2.5.29.14", tlv(0x04, Uint8Array.of(octet)));
export const authorityKeyId = (octet: number): Octets =>
  extension("2.5.29.35", sequence(tlv(0x80, Uint8Array.of(octet))));

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}
export const ecKey = (namedCurve = "P-256"): KeyPair => generateKeyPairSync("ec", { namedCurve });

export interface CertificateParts {
  readonly subject: string | Octets;
  readonly issuer?: string | Octets;
  readonly key: KeyPair;
  readonly signedBy?: KeyPair;
  readonly extensions?: readonly Octets[];
  readonly version?: Octets | undefined;
  readonly serial?: Octets;
  /** UTCTime texts. */
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly algorithm?: Octets;
  readonly outerAlgorithm?: Octets;
  readonly spki?: Octets;
  readonly hash?: string;
  readonly validity?: Octets;
}

const ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));
const V3 = tlv(0xa0, integer(2));

/** DER of a certificate as told, signed with an EC key (self-signed unless told otherwise). */
export function certificateDer(parts: CertificateParts): Octets {
  const name = (value: string | Octets) => (typeof value === "string" ? commonName(value) : value);
  const algorithm = parts.algorithm ?? ECDSA_SHA256;
  const extensions = parts.extensions ?? [];
  const tbs = sequence(
    ...("version" in parts ? (parts.version ? [parts.version] : []) : extensions.length > 0 ? [V3] : []),
    parts.serial ?? integer(1),
    algorithm,
    name(parts.issuer ?? parts.subject),
    parts.validity ??
      sequence(text(0x17, parts.notBefore ?? "200101000000Z"), text(0x17, parts.notAfter ?? "400101000000Z")),
    name(parts.subject),
    parts.spki ?? new Uint8Array(parts.key.publicKey.export({ type: "spki", format: "der" })),
    ...(extensions.length > 0 ? [tlv(0xa3, sequence(...extensions))] : []),
  );
  const signature = createSign(parts.hash ?? "sha256")
    .update(tbs)
    .sign((parts.signedBy ?? parts.key).privateKey);
  return sequence(
    tbs,
    parts.outerAlgorithm ?? algorithm,
    tlv(0x03, Uint8Array.of(0), new Uint8Array(signature)),
  );
}

export const certificate = (parts: CertificateParts): Certificate => parseCertificate(certificateDer(parts));

/** An INTEGER of four octets, each number another one. */
export const serialNumber = (number: number): Octets =>
  tlv(0x02, Uint8Array.of(0x40 | (number >> 24), number >> 16, number >> 8, number));

export interface RevocationListParts {
  readonly issuer: string | Octets;
  readonly signedBy: KeyPair;
  readonly entries?: readonly { readonly serial: Octets; readonly extensions?: readonly Octets[] }[];
  readonly extensions?: readonly Octets[];
  /** UTCTime texts; an empty nextUpdate is none. */
  readonly thisUpdate?: string;
  readonly nextUpdate?: string;
}

/** DER of a CertificateList as told, of version 2, signed with an EC key. */
export function revocationListDer(parts: RevocationListParts): Octets {
  const { issuer, signedBy, entries = [], extensions = [], nextUpdate = "400101000000Z" } = parts;
  const revoked = entries.map(({ serial, extensions: own = [] }) =>
    sequence(serial, text(0x17, "290101000000Z"), ...(own.length > 0 ? [sequence(...own)] : [])),
  );
  const tbs = sequence(
    integer(1),
    ECDSA_SHA256,
    typeof issuer === "string" ? commonName(issuer) : issuer,
    text(0x17, parts.thisUpdate ?? "290101000000Z"),
    ...(nextUpdate === "" ? [] : [text(0x17, nextUpdate)]),
    ...(revoked.length > 0 ? [sequence(...revoked)] : []),
    ...(extensions.length > 0 ? [tlv(0xa0, sequence(...extensions))] : []),
  );
  const signature = createSign("sha256").update(tbs).sign(signedBy.privateKey);
  return sequence(tbs, ECDSA_SHA256, tlv(0x03, Uint8Array.of(0), new Uint8Array(signature)));
}
