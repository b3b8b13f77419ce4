import { der, encodeBase64 } from "@ddscred/core";
import { cmsSignatureAlgorithm, hashAlgorithm } from "./algorithms.ts";
import type { MockCertificate } from "./certificate.ts";
import { type MockKey, type MockSignature, sign, usualHash } from "./key.ts";
import { nameDer } from "./name.ts";
import { utf8 } from "./text.ts";

export interface MockDocumentOptions {
  /** Default: SHA-256, RSA with PKCS#1 v1.5. */
  readonly signature?: MockSignature;
  /** Signs instead of the certificate's key: a document whose signature is invalid. */
  readonly signedBy?: MockKey;
  /** Written in front of the content before it is signed, as `-text` does. Default true. */
  readonly textHeader?: boolean;
  /** Whether the signer's certificate is in the signature. Default true. */
  readonly includeCertificate?: boolean;
  /** Changes the content after it was signed. */
  readonly alter?: (content: string) => string;
  /** Default: now. */
  readonly signingTime?: Date;
}

/**
 * Signs a document as `openssl smime -sign -text` does: S/MIME multipart/signed (RFC 5751 3.4.3) around a
 * detached CMS SignedData (RFC 5652 5) with signed attributes.
 */
export async function signMockDocument(
  content: string,
  signer: MockCertificate,
  options: MockDocumentOptions = {},
): Promise<string> {
  const header = (options.textHeader ?? true) ? "Content-Type: text/plain\r\n\r\n" : "";
  const signed = header + content.replace(/\r*\n/g, "\r\n");
  const signature = await signedData(utf8(signed), signer, options);
  const { hash } = options.signature ?? { hash: usualHash(signer.key.kind) };
  const boundary = "----6D6F636B0000000000000000000000";
  return [
    "MIME-Version: 1.0\n",
    `Content-Type: multipart/signed; protocol="application/x-pkcs7-signature"; `,
    `micalg="${hash.toLowerCase()}"; boundary="${boundary}"\n\n`,
    "This is an S/MIME signed message\n\n",
    `--${boundary}\n`,
    options.alter?.(signed) ?? signed,
    `\n--${boundary}\n`,
    'Content-Type: application/x-pkcs7-signature; name="smime.p7s"\n',
    "Content-Transfer-Encoding: base64\n",
    'Content-Disposition: attachment; filename="smime.p7s"\n\n',
    `${encodeBase64(signature).replace(/.{64}(?=.)/g, "$&\n")}\n\n`,
    `--${boundary}--\n\n`,
  ].join("");
}

/** ContentInfo with a SignedData that does not hold its content. */
async function signedData(
  content: Uint8Array,
  signer: MockCertificate,
  options: MockDocumentOptions,
): Promise<Uint8Array> {
  const how = options.signature ?? { hash: usualHash(signer.key.kind) };
  const digest = new Uint8Array(await globalThis.crypto.subtle.digest(how.hash, content));
  const attributes = [
    attribute("1.2.840.113549.1.9.3", der.oid(DATA)),
    attribute("1.2.840.113549.1.9.5", der.time(options.signingTime ?? new Date())),
    attribute("1.2.840.113549.1.9.4", der.octetString(digest)),
  ];
  // Signed as a SET OF, stored as [0] IMPLICIT: the same bytes but the first (RFC 5652 5.4).
  const set = der.setOf(...attributes);
  const signature = await sign(options.signedBy ?? signer.key, how, set);
  const stored = set.slice();
  stored[0] = 0xa0;
  const signerInfo = der.sequence(
    der.integer(1),
    der.sequence(nameDer(signer.issuer), der.integer(signer.serialNumber)),
    hashAlgorithm(how.hash),
    stored,
    cmsSignatureAlgorithm(signer.key, how),
    der.octetString(signature),
  );
  const body = der.sequence(
    der.integer(1),
    der.setOf(hashAlgorithm(how.hash)),
    der.sequence(der.oid(DATA)),
    ...((options.includeCertificate ?? true) ? [der.tagged(0, signer.der)] : []),
    der.setOf(signerInfo),
  );
  return der.sequence(der.oid("1.2.840.113549.1.7.2"), der.tagged(0, body));
}

const DATA = "1.2.840.113549.1.7.1";

function attribute(type: string, value: Uint8Array): Uint8Array {
  return der.sequence(der.oid(type), der.setOf(value));
}
