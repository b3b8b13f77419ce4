import { der, encodePem } from "@ddscred/core";
import { signatureAlgorithm } from "./algorithms.ts";
import { generateMockKey, type MockKey, type MockSignature, sign, usualHash } from "./key.ts";
import { nameDer } from "./name.ts";
import { utf8 } from "./text.ts";

/** A certificate with its private key, for tests alone. */
export interface MockCertificate {
  readonly der: Uint8Array;
  readonly pem: string;
  readonly key: MockKey;
  /** As it was given: `CN=alice,O=Example`. */
  readonly subject: string;
  readonly issuer: string;
  /** Content octets of the serial number. */
  readonly serialNumber: Uint8Array;
}

export interface MockCertificateOptions {
  /** `CN=alice,O=Example` or `/O=Example/CN=alice`. */
  readonly subject: string;
  /** Default: a new EC P-256 key. */
  readonly key?: MockKey;
  /** Who issues it. Default: itself. */
  readonly issuer?: MockCertificate;
  /** A CA: basicConstraints CA:TRUE and the right to sign. Default: true where it issues itself. */
  readonly ca?: boolean;
  readonly pathLength?: number;
  /** Default: a day before now. */
  readonly notBefore?: Date;
  /** Default: ten years after notBefore. */
  readonly notAfter?: Date;
  /** Default: eight bytes made of the subject and the key. */
  readonly serialNumber?: number | Uint8Array;
  /** Default: SHA-256 (SHA-384 for P-384), RSA with PKCS#1 v1.5. */
  readonly signature?: MockSignature;
  /** Signs instead of the issuer's key: a certificate whose signature is invalid. */
  readonly signedBy?: MockKey;
  /** Further extensions; `value` is the DER of the extension's own type. */
  readonly extensions?: readonly { oid: string; critical?: boolean; value: Uint8Array }[];
}

/** Issues an X.509 v3 certificate (RFC 5280 4.1). */
export async function issueMockCertificate(options: MockCertificateOptions): Promise<MockCertificate> {
  const key = options.key ?? (await generateMockKey());
  const { subject, issuer } = options;
  const issuerKey = issuer?.key ?? key;
  const how = options.signature ?? { hash: usualHash(issuerKey.kind) };
  const serial = options.serialNumber ?? shortHash(subject, key.publicKey);
  const algorithm = signatureAlgorithm(issuerKey, how);
  const notBefore = options.notBefore ?? new Date(Date.now() - DAY);
  const notAfter = options.notAfter ?? new Date(notBefore.getTime() + 3650 * DAY);
  const tbs = der.sequence(
    der.tagged(0, der.integer(2)),
    der.integer(serial),
    algorithm,
    nameDer(issuer?.subject ?? subject),
    der.sequence(der.time(notBefore), der.time(notAfter)),
    nameDer(subject),
    key.publicKey,
    der.tagged(3, der.sequence(...extensions(options, key, issuerKey))),
  );
  const signature = await sign(options.signedBy ?? issuerKey, how, tbs);
  const whole = der.sequence(tbs, algorithm, der.bitString(signature));
  return {
    der: whole,
    pem: encodePem("CERTIFICATE", whole),
    key,
    subject,
    issuer: issuer?.subject ?? subject,
    serialNumber: der.integer(serial).subarray(2),
  };
}

const DAY = 86_400_000;

function extensions(options: MockCertificateOptions, key: MockKey, issuerKey: MockKey): Uint8Array[] {
  const ca = options.ca ?? options.issuer === undefined;
  const pathLength = options.pathLength === undefined ? [] : [der.integer(options.pathLength)];
  // A permissions CA signs documents too, so a CA may make digital signatures besides certificates and CRLs.
  const keyUsage = ca ? der.bitString(Uint8Array.of(0x86), 1) : der.bitString(Uint8Array.of(0x80), 7);
  const authority = der.sequence(der.taggedBytes(0, shortHash("key", issuerKey.publicKey)));
  return [
    {
      oid: "2.5.29.19",
      critical: true,
      value: der.sequence(...(ca ? [der.boolean(true), ...pathLength] : [])),
    },
    { oid: "2.5.29.15", critical: true, value: keyUsage },
    { oid: "2.5.29.14", value: der.octetString(shortHash("key", key.publicKey)) },
    { oid: "2.5.29.35", value: authority },
    ...(options.extensions ?? []),
  ].map(({ oid, critical, value }: { oid: string; critical?: boolean; value: Uint8Array }) =>
    der.sequence(der.oid(oid), ...(critical === true ? [der.boolean(true)] : []), der.octetString(value)),
  );
}

/** Eight bytes that tell keys and names apart (FNV-1a, 64 bits); the first is below 0x80. No cryptography. */
export function shortHash(text: string, bytes: Uint8Array): Uint8Array {
  let hash = 0xcbf29ce484222325n;
  for (const byte of [...utf8(text), ...bytes])
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  const digits = Array.from({ length: 8 }, (_, place) => Number((hash >> BigInt(56 - 8 * place)) & 0xffn));
  digits[0] = ((digits[0] ?? 0) & 0x3f) | 0x40;
  return Uint8Array.from(digits);
}
