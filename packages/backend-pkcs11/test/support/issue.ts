import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { FixtureMaterial, StoredCertificate } from "@ddscred/backend-conformance";
import { der, encodePem, parseCertificate } from "@ddscred/core";

/** Public keys, as SubjectPublicKeyInfo, of keys that a token made itself. */
export interface MadeKeys {
  readonly ec?: Uint8Array;
  readonly rsa: Uint8Array;
  readonly twins: readonly Uint8Array[];
}

/** Certificates for the keys of a token, by a CA of this moment, as the conformance suite wants them. */
export function issueMaterial({ ec, rsa, twins }: MadeKeys): FixtureMaterial {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const own = publicKey.export({ format: "der", type: "spki" });
  const issue = (name: string, id: number, spki: Uint8Array): StoredCertificate => ({
    label: `conformance-${name}`,
    id: Uint8Array.of(0xdd, id),
    certificate: encoded(certificate(name, id, spki, privateKey)),
  });
  return {
    ca: issue("ca", 0xca, own),
    ...(ec === undefined ? {} : { ec: issue("ec", 0xec, ec) }),
    rsa: issue("rsa", 0x25, rsa),
    twins: twins.map((spki, n) => issue("twin", 0x71 + n, spki)),
  };
}

/** What a YubiKey says of a key that was made on it: a certificate for the same key, with extensions of its own. */
export function attestation(spki: Uint8Array): Uint8Array {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const firmware = der.sequence(der.oid("1.3.6.1.4.1.41482.3.3"), der.octetString(Uint8Array.of(5, 2, 4)));
  return certificate("attestation", 1, spki, privateKey, [firmware]);
}

/** SubjectPublicKeyInfo of a key that a tool wrote, with its RSA algorithm as certificates have it. */
export function spkiOf(written: Uint8Array): Uint8Array {
  const key = createPublicKey({ key: Buffer.from(written), format: "der", type: "spki" });
  return key.export({ format: "der", type: "spki" });
}

/** What an object on a token says of its certificate beside it: DER of subject, issuer and serial number. */
export function certificateFields(whole: Uint8Array): Record<"subject" | "issuer" | "serial", Uint8Array> {
  const { subject, issuer, serialNumber } = parseCertificate(whole);
  return { subject: subject.der, issuer: issuer.der, serial: der.element(0x02, serialNumber) };
}

/** X.509 v3 (RFC 5280 4.1), signed with ECDSA on P-256. */
function certificate(
  subject: string,
  serial: number,
  spki: Uint8Array,
  issuer: KeyObject,
  extensions: readonly Uint8Array[] = [],
): Uint8Array {
  const isCa = subject === "ca";
  const algorithm = der.sequence(der.oid("1.2.840.10045.4.3.2"));
  const tbs = der.sequence(
    der.tagged(0, der.integer(2)),
    der.integer(serial),
    algorithm,
    name(extensions.length > 0 ? "maker" : "ca"),
    der.sequence(der.time(new Date("2020-01-01")), der.time(new Date("2046-01-01"))),
    name(subject),
    spki,
    der.tagged(
      3,
      der.sequence(
        extension("2.5.29.19", isCa ? der.sequence(der.boolean(true)) : der.sequence()),
        extension("2.5.29.15", isCa ? der.namedBits(5, 6) : der.namedBits(0)),
        ...extensions,
      ),
    ),
  );
  return der.sequence(tbs, algorithm, der.bitString(sign("sha256", tbs, issuer)));
}

function name(commonName: string): Uint8Array {
  const attribute = der.sequence(der.oid("2.5.4.3"), der.utf8String(`token test ${commonName}`));
  return der.sequence(der.setOf(attribute));
}

function extension(id: string, value: Uint8Array): Uint8Array {
  return der.sequence(der.oid(id), der.boolean(true), der.octetString(value));
}

function encoded(whole: Uint8Array): StoredCertificate["certificate"] {
  return { der: whole, pem: encodePem("CERTIFICATE", whole) };
}
