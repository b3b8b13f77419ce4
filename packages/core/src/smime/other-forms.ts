import { CredentialError, type CredentialErrorDetails } from "../errors/credential-error.ts";
import { displayText } from "../host.ts";
import { shown } from "./headers.ts";

/** The error of a document that is not S/MIME, with the line of the file (from 1). */
export function notSmime(problem: string, line: number, hint?: string): CredentialError {
  const place: CredentialErrorDetails = { location: { line, column: 1 } };
  const message = `the document is not S/MIME: ${problem} (line ${line})`;
  return new CredentialError("DOCUMENT_NOT_SMIME", message, hint === undefined ? place : { ...place, hint });
}

/**
 * Says what a document is that people give instead of S/MIME, where that can be told from its beginning.
 *
 * @throws CredentialError `DOCUMENT_FORM_REFUSED` for PKCS#7 in DER or PEM, `DOCUMENT_NOT_SMIME` for an empty
 * file, plain XML, a web page, a certificate or key, other encodings of text
 */
export function refuseOtherForms(bytes: Uint8Array): void {
  if (bytes.length === 0) throw notSmime("the file is empty", 1);
  if (bytes[0] === 0x30 && (bytes[1] ?? 0) >= 0x80) refuseDer(bytes);
  if (isUtf16(bytes)) throw notSmime("it is UTF-16 text", 1, "Save it as it was signed, in UTF-8.");
  const head = displayText(bytes.subarray(0, HEAD));
  const start = head.replace(/^\ufeff/, "").trimStart();
  const label = /^-----BEGIN ([A-Z0-9 #-]{1,40})-----/.exec(start)?.[1];
  if (label !== undefined) refusePem(label);
  if (/^<(?:!doctype\s+html|html)/i.test(start)) {
    throw notSmime(
      "it is a web page",
      1,
      "A download went wrong: fetch the file itself, not the page about it.",
    );
  }
  if (start.startsWith("<")) throw notSmime("it is plain XML, not signed", 1);
  if (start === "" && bytes.length <= HEAD) throw notSmime("the file is blank", 1);
  if (head.startsWith("\ufeff")) {
    throw notSmime("a byte order mark stands before it", 1, "Save it without a byte order mark.");
  }
}

function refuseDer(bytes: Uint8Array): never {
  if (displayBinary(bytes.subarray(0, 40)).includes(SIGNED_DATA)) {
    throw new CredentialError(
      "DOCUMENT_FORM_REFUSED",
      "the document is PKCS#7 in DER; DDS reads S/MIME only",
    );
  }
  throw notSmime("it is binary (DER)", 1);
}

function refusePem(label: string): never {
  if (/^(?:PKCS7|CMS|PKCS #7 SIGNED DATA)$/.test(label)) {
    throw new CredentialError(
      "DOCUMENT_FORM_REFUSED",
      `the document is ${label} in PEM; DDS reads S/MIME only`,
    );
  }
  throw notSmime(`it is a PEM file (${shown(label)})`, 1, "Name the signed document (.p7s) here.");
}

function isUtf16(bytes: Uint8Array): boolean {
  const [a, b] = bytes;
  const marked = (a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff);
  return marked || (a === 0x3c && b === 0) || (a === 0 && b === 0x3c);
}

/** One character an octet. */
const displayBinary = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** The OBJECT IDENTIFIER id-signedData, 1.2.840.113549.1.7.2. */
const SIGNED_DATA = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
const HEAD = 1024;
