import { generateKeyPairSync, sign } from "node:crypto";
import {
  type DistinguishedName,
  issueCertificate,
  nameDer,
  nameFromText,
  parseCertificate,
  parseName,
  type Signer,
  signatureSchemes,
  signDocument,
  utf8Bytes,
  type VerifiedDocument,
  webCrypto,
} from "@ddscred/core";

const crypto = webCrypto();
const at = new Date("2026-11-23T12:00:00Z");
const scheme = signatureSchemes.ecdsa_p256_sha256;

/** A verified document of any text: signed by a CA of this process. */
export async function signedDocument(xml: string): Promise<VerifiedDocument> {
  const { certificate, signer } = await ca;
  return (await signDocument(utf8Bytes(xml), { certificate, signer, crypto, at })).verified;
}

/** A name as a certificate holds it. */
export const subjectOf = (text: string): DistinguishedName => parseName(nameDer(nameFromText(text)));

async function makeCa() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
  const signer: Signer = {
    publicKey: spki,
    schemes: [scheme],
    extractable: true,
    sign: async (_, message) => new Uint8Array(sign("sha256", message, privateKey)),
  };
  const wanted = { subject: nameFromText("CN=Permissions CA"), publicKey: spki, ca: true };
  const dates = { notBefore: new Date("2020-01-01"), notAfter: new Date("2040-01-01") };
  return {
    certificate: parseCertificate(await issueCertificate({ ...wanted, ...dates }, signer, crypto)),
    signer,
  };
}

const ca = makeCa();
