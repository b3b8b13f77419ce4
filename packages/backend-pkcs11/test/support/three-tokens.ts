import { generateKeyPairSync } from "node:crypto";
import { conformanceMaterial as material } from "@ddscred/backend-conformance";
import { parseCertificate } from "@ddscred/core";
import {
  certificateObject,
  dataObject,
  ecPublicKeyObject,
  privateKeyObject,
  secretKeyObject,
  type TokenObjectSpec,
} from "./objects.ts";
import type { TokenFolder } from "./softhsm.ts";

const { ca, ec, rsa, twins } = material;

/** Three tokens: one with objects of every kind and fault that the tests need, another, and an empty one. */
export function fillTokens(into: TokenFolder): void {
  const made = (namedCurve: string) => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
    const point = publicKey.export({ format: "der", type: "spki" });
    return { pkcs8: privateKey.export({ format: "der", type: "pkcs8" }), spki: point };
  };
  const withPoint = (
    label: string,
    id: string,
    curve: "P-256" | "P-384" | "P-521",
    pair: { pkcs8: Uint8Array; spki: Uint8Array },
  ): TokenObjectSpec[] => {
    const point = pair.spki.subarray(pair.spki.length - pointLengths[curve]);
    return [
      privateKeyObject(pair.pkcs8, { label, id }),
      ecPublicKeyObject(curve, wrapped(point), { label, id }),
    ];
  };
  const rsa1024 = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
  const point = spki(ec.certificate.der).subarray(-65);
  const ecKey = ec.privateKey.der;
  into.add("objects", [
    certificateObject(ec.certificate.der, { label: "ec", id: "01" }),
    privateKeyObject(ecKey, { label: "ec", id: "01" }),
    certificateObject(rsa.certificate.der, { label: "rsa", id: "02" }),
    privateKeyObject(rsa.privateKey.der, { label: "rsa", id: "02" }),
    ...withPoint("p-384", "03", "P-384", made("P-384")),
    ...withPoint("p-521", "04", "P-521", made("P-521")),
    ...twins.flatMap(({ certificate, privateKey }, n) => [
      certificateObject(certificate.der, { label: "twin", id: `1${n}` }),
      privateKeyObject(privateKey.der, { label: "twin", id: `1${n}` }),
    ]),
    certificateObject(ca.certificate.der, { label: "chain", id: "20" }),
    certificateObject(ec.certificate.der, { label: "chain", id: "21" }),
    certificateObject(rsa.certificate.der, { label: "schlüssel-nfc".normalize("NFC"), id: "22" }),
    certificateObject(rsa.certificate.der, { label: "schlüssel-nfd".normalize("NFD"), id: "23" }),
    certificateObject(Buffer.from("no DER"), { label: "damaged", id: "24" }),
    certificateObject(ec.certificate.der, { label: "half-damaged", id: "25" }),
    certificateObject(Buffer.from("no DER"), { label: "half-damaged", id: "26" }),
    certificateObject(ec.certificate.der, { label: Uint8Array.of(...Buffer.from("latin "), 0xe9) }),
    certificateObject(rsa.certificate.der, { label: Uint8Array.of(...Buffer.from("latin "), 0xe8) }),
    certificateObject(ec.certificate.der, { label: "same-label" }),
    certificateObject(ec.certificate.der, { label: "same-label", id: "27" }),
    privateKeyObject(ecKey, { label: "with-point", id: "30" }),
    ecPublicKeyObject("P-256", point, { label: "with-point", id: "30" }),
    privateKeyObject(ecKey, { label: "with-wrapped-point", id: "31" }),
    ecPublicKeyObject("P-256", wrapped(point), { label: "other-label", id: "31" }),
    privateKeyObject(ecKey, { label: "with-certificate", id: "32" }),
    certificateObject(ec.certificate.der, { label: "other-label", id: "32" }),
    privateKeyObject(ecKey, { label: "alone", id: "33" }),
    privateKeyObject(ecKey, { label: "mispaired", id: "34" }),
    certificateObject(twins[0].certificate.der, { label: "mispaired", id: "34" }),
    privateKeyObject(rsa1024.export({ format: "der", type: "pkcs8" }), { label: "rsa-1024", id: "35" }),
    privateKeyObject(made("secp256k1").pkcs8, { label: "secp256k1", id: "37" }),
    privateKeyObject(ecKey, { label: "no-sign", id: "01", sign: false }),
    privateKeyObject(ecKey, { label: "extractable", id: "01", extractable: true }),
    dataObject({ label: "data" }),
    secretKeyObject({ label: "secret", id: "36" }),
  ]);
  into.add("other", [certificateObject(ec.certificate.der, { label: "ec", id: "01" })]);
  into.add("empty");
}

/** CKA_EC_POINT as the standard wants it: inside an OCTET STRING. */
function wrapped(point: Uint8Array): Uint8Array {
  const header = point.length < 0x80 ? [4, point.length] : [4, 0x81, point.length];
  return Buffer.from([...header, ...point]);
}

const pointLengths = { "P-256": 65, "P-384": 97, "P-521": 133 };

/** The SubjectPublicKeyInfo of a certificate. */
export function spki(certificate: Uint8Array): Uint8Array {
  return parseCertificate(certificate).publicKey.spki;
}
