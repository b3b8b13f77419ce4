import { ID_DATA } from "../cms/oids.ts";
import { cmsInvalid, parseSignedData, type SignedData } from "../cms/signed-data.ts";
import { verifyByCa } from "../cms/verify-by-ca.ts";
import { sameBytes } from "../der/values.ts";
import { CredentialError } from "../errors/credential-error.ts";
import type { CryptoProvider } from "../ports/crypto-provider.ts";
import type { SignatureScheme } from "../schemes.ts";
import type { Certificate } from "../x509/certificate.ts";
import { isParsedCertificate } from "../x509/parse.ts";
import { type SmimeParts, splitSmime } from "./split.ts";
import { readTextPart } from "./text-part.ts";

export interface VerifyDocumentOptions {
  /** The permissions CA. That it may be one (validity, key, extensions) is for its caller to judge. */
  readonly ca: Certificate;
  readonly crypto: CryptoProvider;
}

interface VerifiedFacts {
  /** The XML as signed: line ends as CRLF, the text/plain header stripped. */
  readonly content: Uint8Array;
  /**
   * Line of the file, from 1, on which the content starts. In an opaque document no line shows the content; it is
   * 1 there, so that lines count within the content.
   */
  readonly contentLine: number;
  /** The permissions CA that was given. */
  readonly signer: Certificate;
  /** Of the first signature. */
  readonly scheme: SignatureScheme;
  /** As the first signature claims it. */
  readonly signingTime?: Date;
  readonly form: "multipart/signed" | "opaque";
  /** How the first signature names its certificate; not all implementations know the second way. */
  readonly signerIdentifier: "issuerAndSerialNumber" | "subjectKeyIdentifier";
  /** Number of signatures, all of them by the permissions CA and valid. */
  readonly signatures: number;
  /** Whether the first signature covers signed attributes, and through them the content. */
  readonly signedAttributes: boolean;
  /** Whether the permissions CA's certificate came along; nothing rests on it here. */
  readonly signerIncluded: boolean;
  /** Characters in the longest line of the signature's base64: not all implementations read any length. */
  readonly base64Line: number;
}

/** A Governance or Permissions document whose signature was verified: only {@link verifyDocument} makes one. */
export class VerifiedDocument implements VerifiedFacts {
  readonly #verified = true;
  readonly content: Uint8Array;
  readonly contentLine: number;
  readonly signer: Certificate;
  readonly scheme: SignatureScheme;
  readonly signingTime?: Date;
  readonly form: "multipart/signed" | "opaque";
  readonly signerIdentifier: "issuerAndSerialNumber" | "subjectKeyIdentifier";
  readonly signatures: number;
  readonly signedAttributes: boolean;
  readonly signerIncluded: boolean;
  readonly base64Line: number;

  /** Not for callers: `mint` never leaves this module. */
  constructor(mint: typeof MINT, facts: VerifiedFacts) {
    if (mint !== MINT) throw new TypeError("a VerifiedDocument is made by verifyDocument only");
    this.content = facts.content;
    this.contentLine = facts.contentLine;
    this.signer = facts.signer;
    this.scheme = facts.scheme;
    if (facts.signingTime !== undefined) this.signingTime = facts.signingTime;
    this.form = facts.form;
    this.signerIdentifier = facts.signerIdentifier;
    this.signatures = facts.signatures;
    this.signedAttributes = facts.signedAttributes;
    this.signerIncluded = facts.signerIncluded;
    this.base64Line = facts.base64Line;
    Object.freeze(this);
  }

  /** Whether a value was made by {@link verifyDocument}, whatever its type says. */
  static is(value: unknown): value is VerifiedDocument {
    return typeof value === "object" && value !== null && #verified in value && value.#verified;
  }
}

const MINT: unique symbol = Symbol("verifyDocument");

/**
 * Verifies a signed Governance or Permissions document (DDS-Security 1.1 9.4.1): S/MIME as
 * `openssl smime -sign -text` writes it, signed by the permissions CA itself.
 *
 * @param bytes the file as it is, at most 16 MiB
 * @throws CredentialError saying what it is instead (`DOCUMENT_NOT_SMIME`, `DOCUMENT_FORM_REFUSED`,
 * `DOCUMENT_TEXT_HEADER_MISSING`, `CMS_INVALID`, `FILE_TOO_LARGE`), who signed it instead
 * (`DOCUMENT_SIGNER_MISMATCH`), or why the signature is not good (`DOCUMENT_CHANGED`, `SIGNATURE_INVALID`,
 * `ALGORITHM_REFUSED`, `KEY_UNSUPPORTED`); `XML_INVALID` for a NUL in the signed text
 */
export async function verifyDocument(
  bytes: Uint8Array,
  { ca, crypto }: VerifyDocumentOptions,
): Promise<VerifiedDocument> {
  if (!(bytes instanceof Uint8Array)) throw new TypeError("verifyDocument reads a Uint8Array");
  if (!isParsedCertificate(ca)) throw new TypeError("ca is a Certificate made by parseCertificate");
  const parts = splitSmime(bytes);
  const data = parseSignedData(parts.pkcs7);
  if (data.contentType !== ID_DATA)
    throw cmsInvalid(`what is signed is of type ${data.contentType}, not plain data`, "RFC 5652 5.2");
  const signed = signedContent(parts, data);
  // Before the signature: a text signed as binary would otherwise look like one that was changed.
  const { text, headerLines } = readTextPart(signed, parts.contentLine);
  const contentLine = parts.form === "opaque" ? 1 : parts.contentLine + headerLines;
  const [scheme] = await verifyByCa(data, signed, ca, crypto);
  const [first] = data.signers;
  if (scheme === undefined || first === undefined) throw cmsInvalid("the document has no signature");
  refuseNul(text, contentLine);
  return new VerifiedDocument(MINT, {
    content: text,
    contentLine,
    signer: ca,
    scheme,
    ...(first.signedAttributes?.signingTime && { signingTime: first.signedAttributes.signingTime }),
    form: parts.form,
    signerIdentifier: "issuer" in first.signer ? "issuerAndSerialNumber" : "subjectKeyIdentifier",
    signatures: data.signers.length,
    signedAttributes: first.signedAttributes !== undefined,
    signerIncluded: data.certificates.some((der) => sameBytes(der, ca.der)),
    base64Line: parts.base64Line,
  });
}

/** The content is outside the PKCS#7 structure or inside, never both: readers would differ on which counts. */
function signedContent(parts: SmimeParts, data: SignedData): Uint8Array {
  if (parts.content === undefined) {
    if (data.content === undefined) throw cmsInvalid("the opaque document holds no content");
    return data.content;
  }
  if (data.content !== undefined) throw cmsInvalid("the document holds two contents: one in its signature");
  return parts.content;
}

/** No XML holds a NUL; some implementations read no further, and would act on half of what was signed. */
function refuseNul(text: Uint8Array, firstLine: number): void {
  const at = text.indexOf(0);
  if (at < 0) return;
  const line = firstLine + text.subarray(0, at).reduce((n, octet) => (octet === 0x0a ? n + 1 : n), 0);
  throw new CredentialError("XML_INVALID", `the signed text holds a NUL (line ${line})`, {
    location: { line, column: 1 },
    section: "XML 1.0 2.2",
  });
}
