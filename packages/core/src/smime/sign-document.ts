import { makeSignedData, type SignOptions, signingScheme } from "../cms/make.ts";
import { sameBytes } from "../der/values.ts";
import { concatenated } from "../der/write.ts";
import { CredentialError } from "../errors/credential-error.ts";
import { hexOf } from "../hex.ts";
import { utf8Bytes } from "../host.ts";
import { encodeBase64 } from "../pem/base64.ts";
import type { HashName } from "../schemes.ts";
import { isParsedCertificate } from "../x509/parse.ts";
import { type VerifiedDocument, verifyDocument } from "./verify-document.ts";

/** A signed document, and what verifying it gave. */
export interface SignedDocument {
  /** The file to write (.p7s): S/MIME, all line ends LF. */
  readonly bytes: Uint8Array;
  readonly verified: VerifiedDocument;
}

/**
 * Signs a Governance or Permissions document (DDS-Security 1.1 9.4.1) so that every implementation reads it:
 * multipart/signed with the text/plain header that `openssl smime -sign -text` writes, detached, with signed
 * attributes and the signer's certificate. Whether the text is a document that anybody accepts is not looked at, nor
 * whether the certificate may sign.
 *
 * The result is verified before it is returned. What verifies is the text given with its line ends as CRLF: LF, CR
 * LF, CR CR LF and a lone CR are one line end each, which is what XML makes of them, nearly; a UTF-8 byte order mark
 * is left out, because not all implementations accept one; a last line without its end stays so.
 *
 * @param content the XML in UTF-8
 * @throws CredentialError `KEY_MISMATCH`, `KEY_UNSUPPORTED`, `MECHANISM_UNSUPPORTED`, the signer's own errors;
 * `XML_INVALID` for a NUL (UTF-16 has them), `FILE_TOO_LARGE` beyond 8 MiB; `SIGNATURE_INVALID`
 * where what the key made does not verify
 */
export async function signDocument(content: Uint8Array, options: SignOptions): Promise<SignedDocument> {
  if (!(content instanceof Uint8Array)) throw new TypeError("signDocument signs a Uint8Array");
  const { certificate, crypto, at, intermediates = [] } = options;
  if (![certificate, ...intermediates].every(isParsedCertificate))
    throw new TypeError("certificates are made by parseCertificate");
  if (!(at instanceof Date) || Number.isNaN(at.getTime())) throw new TypeError("at is a valid Date");
  if (content.length > MAX_SIZE) {
    throw new CredentialError("FILE_TOO_LARGE", `the text has ${content.length} bytes, more than 8 MiB`);
  }
  const scheme = signingScheme(options);
  const text = withLineEnds(withoutByteOrderMark(content), CR_LF);
  const part = concatenated(TEXT_HEADER, text);
  const pkcs7 = await makeSignedData(part, { ...options, scheme });
  // A text cannot hold a piece of its own hash: the boundary stands nowhere in it.
  const digest = await crypto.digest("SHA-256", text);
  const boundary = `----${hexOf(digest.subarray(0, 16)).toUpperCase()}`;
  const bytes = multipart(withLineEnds(part, LF), pkcs7, boundary, scheme.hash);
  const verified = await verifyDocument(bytes, { ca: certificate, crypto });
  if (sameBytes(verified.content, text)) return { bytes, verified };
  throw new CredentialError("INTERNAL", "the signed document does not hold the text that was given");
}

/** multipart/signed (RFC 8551 3.5.3), in the words of `openssl smime`, which all implementations were made to read. */
function multipart(part: Uint8Array, pkcs7: Uint8Array, boundary: string, hash: HashName): Uint8Array {
  const head = [
    "MIME-Version: 1.0",
    `Content-Type: multipart/signed; protocol="application/x-pkcs7-signature"; ` +
      `micalg="${hash.toLowerCase()}"; boundary="${boundary}"`,
    "",
    "This is an S/MIME signed message",
    "",
    `--${boundary}`,
    "",
  ];
  const tail = [
    "",
    `--${boundary}`,
    'Content-Type: application/x-pkcs7-signature; name="smime.p7s"',
    "Content-Transfer-Encoding: base64",
    'Content-Disposition: attachment; filename="smime.p7s"',
    "",
    encodeBase64(pkcs7).replace(/.{64}(?=.)/g, "$&\n"),
    "",
    `--${boundary}--`,
    "",
    "",
  ];
  return concatenated(utf8Bytes(head.join("\n")), part, utf8Bytes(tail.join("\n")));
}

/** The text with this line end in place of each of its own: CRs before an LF, or CRs alone. */
function withLineEnds(text: Uint8Array, lineEnd: readonly number[]): Uint8Array {
  const ends = text.reduce((count, octet) => (octet === 0x0a || octet === 0x0d ? count + 1 : count), 0);
  const whole = new Uint8Array(text.length + ends * (lineEnd.length - 1));
  let length = 0;
  for (let at = 0; at < text.length; ) {
    let next = at;
    while (text[next] === 0x0d) next += 1;
    const lineFeed = text[next] === 0x0a;
    for (let count = lineFeed ? 1 : next - at; count > 0; count -= 1) {
      whole.set(lineEnd, length);
      length += lineEnd.length;
    }
    if (lineFeed) next += 1;
    if (next === at) {
      whole[length] = text[next] ?? 0;
      length += 1;
      next += 1;
    }
    at = next;
  }
  return whole.subarray(0, length);
}

function withoutByteOrderMark(text: Uint8Array): Uint8Array {
  return text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? text.subarray(3) : text;
}

const TEXT_HEADER = utf8Bytes("Content-Type: text/plain\r\n\r\n");
const CR_LF = [0x0d, 0x0a];
const LF = [0x0a];
/** Far above what fits into a handshake. */
const MAX_SIZE = 8 * 1024 * 1024;
