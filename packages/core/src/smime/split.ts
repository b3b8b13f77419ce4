import { CredentialError } from "../errors/credential-error.ts";
import { displayText } from "../host.ts";
import { decodeBase64 } from "../pem/base64.ts";
import { type ContentType, type MimeHeaders, parseContentType, readHeaders, shown } from "./headers.ts";
import { canonicalLines, lineAt } from "./lines.ts";
import { notSmime, refuseOtherForms } from "./other-forms.ts";

/** A signed document taken apart; nothing of it is verified. */
export interface SmimeParts {
  readonly form: "multipart/signed" | "opaque";
  /** The PKCS#7 structure, BER as decoded from base64. */
  readonly pkcs7: Uint8Array;
  /** Characters in the longest line of its base64. */
  readonly base64Line: number;
  /** multipart/signed: the first part in its canonical form, which is what is signed. */
  readonly content?: Uint8Array;
  /** Line of the file, from 1, on which that part starts. */
  readonly contentLine: number;
}

/**
 * Takes apart a document in S/MIME (RFC 8551 3.5) as DDS implementations write and read it: multipart/signed,
 * or application/pkcs7-mime. MIME headers come first; micalg and protocol are not needed; other headers, a
 * text before the first boundary and one behind the last are ignored.
 *
 * @throws CredentialError `DOCUMENT_NOT_SMIME`, `DOCUMENT_FORM_REFUSED`, `CMS_INVALID`, `FILE_TOO_LARGE`,
 * with `location` where a line is at fault
 */
export function splitSmime(bytes: Uint8Array): SmimeParts {
  if (bytes.length > MAX_SIZE) {
    throw new CredentialError("FILE_TOO_LARGE", `the document has ${bytes.length} bytes, more than 16 MiB`);
  }
  refuseOtherForms(bytes);
  const headers = headersAt(bytes, 0, 1);
  const contentType = contentTypeOf(headers, 1, "the document");
  if (contentType.type === "multipart/signed") return splitMultipart(bytes, headers, contentType);
  if (!/^application\/(?:x-)?pkcs7-mime$/.test(contentType.type)) {
    throw notSmime(`its Content-Type is ${shown(contentType.type)}`, 1);
  }
  const kind = contentType.parameters.get("smime-type")?.toLowerCase() ?? "signed-data";
  if (kind !== "signed-data") throw notSmime(`its smime-type is ${shown(kind)}, not signed-data`, 1);
  return { form: "opaque", ...base64Body(bytes.subarray(headers.body), headers, 1), contentLine: 1 };
}

function splitMultipart(bytes: Uint8Array, headers: MimeHeaders, type: ContentType): SmimeParts {
  const boundary = type.parameters.get("boundary") ?? "";
  if (!BOUNDARY.test(boundary)) throw notSmime("its Content-Type has no valid boundary", 1);
  const [content, signature, ...others] = partsBetween(bytes, headers, `--${boundary}`);
  if (content === undefined || signature === undefined || others.length > 0) {
    throw notSmime("multipart/signed has exactly two parts: content and signature", 1);
  }
  const part = headersAt(bytes.subarray(0, signature.end), signature.start, signature.line);
  const partType = contentTypeOf(part, signature.line, "the second part").type;
  if (!/^application\/(?:x-)?pkcs7-signature$/.test(partType)) {
    throw notSmime(`its second part is ${shown(partType)}, not a PKCS#7 signature`, signature.line);
  }
  return {
    form: "multipart/signed",
    content: canonicalLines(bytes.subarray(content.start, content.end)),
    contentLine: content.line,
    ...base64Body(bytes.subarray(part.body, signature.end), part, signature.line),
  };
}

interface Part {
  readonly start: number;
  readonly end: number;
  readonly line: number;
}

/**
 * The parts of a multipart body (RFC 2046 5.1.1). A line that begins with the delimiter and goes on is refused:
 * some readers would take it for the delimiter, others for content.
 */
function partsBetween(bytes: Uint8Array, headers: MimeHeaders, delimiter: string): Part[] {
  const mark = Uint8Array.from(delimiter, (character) => character.charCodeAt(0));
  const parts: Part[] = [];
  let open: { start: number; line: number } | undefined;
  let number = headers.lines + 1;
  for (let at = headers.body; at < bytes.length; number += 1) {
    const line = lineAt(bytes, at);
    at = line.next;
    // Nearly every line is content, and does not begin with a hyphen.
    if (bytes[line.start] !== HYPHEN || !mark.every((octet, i) => bytes[line.start + i] === octet)) continue;
    const rest = displayText(bytes.subarray(line.start + mark.length, line.end)).trimEnd();
    if (rest !== "" && rest !== "--") throw notSmime("a line begins like the boundary but goes on", number);
    if (open) parts.push({ ...open, end: line.start });
    if (rest === "--" || parts.length > 2) return parts;
    open = { start: line.next, line: number + 1 };
  }
  if (open === undefined) throw notSmime("the boundary does not occur", number - 1);
  const hint = "Copy the whole file again from where it was signed.";
  throw notSmime("the end boundary is missing; the file is cut off", number - 1, hint);
}

function headersAt(bytes: Uint8Array, start: number, line: number): MimeHeaders {
  const headers = readHeaders(bytes, start);
  if ("problem" in headers) {
    const place =
      start === 0 ? "it must begin with MIME headers, but" : "a part must begin with MIME headers, but";
    throw notSmime(`${place} ${headers.problem}`, line + headers.line - 1);
  }
  return headers;
}

function contentTypeOf(headers: MimeHeaders, line: number, what: string): ContentType {
  const value = headers.fields.get("content-type");
  if (value === undefined) throw notSmime(`${what} has no Content-Type`, line);
  const contentType = parseContentType(value);
  if (contentType === undefined) throw notSmime(`the Content-Type of ${what} is malformed`, line);
  return contentType;
}

/** The PKCS#7 structure of a body. Implementations read base64 whatever the header says; here it may say nothing else. */
function base64Body(
  body: Uint8Array,
  headers: MimeHeaders,
  line: number,
): Pick<SmimeParts, "pkcs7" | "base64Line"> {
  const encoding = headers.fields.get("content-transfer-encoding")?.toLowerCase() ?? "base64";
  if (encoding !== "base64")
    throw notSmime(`the signature's encoding is ${shown(encoding)}, not base64`, line);
  const start = line + headers.lines;
  const text = displayText(body);
  const pkcs7 = decodeBase64(text);
  if (pkcs7 !== undefined && pkcs7.length > 0) return { pkcs7, base64Line: longestLine(body) };
  const bad = text.search(/[^A-Za-z0-9+/=\s]/);
  const at = bad < 0 ? start : start + (text.slice(0, bad).match(/\n/g)?.length ?? 0);
  const problem = pkcs7 ? "is empty" : bad < 0 ? "is base64 that is cut off" : "is not base64";
  throw new CredentialError("CMS_INVALID", `the PKCS#7 signature ${problem} (line ${at})`, {
    location: { line: at, column: 1 },
  });
}

function longestLine(text: Uint8Array): number {
  let longest = 0;
  for (let at = 0; at < text.length; ) {
    const { start, end, next } = lineAt(text, at);
    longest = Math.max(longest, end - start);
    at = next;
  }
  return longest;
}

const HYPHEN = 0x2d;
/** RFC 2046 5.1.1. */
const BOUNDARY = /^[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]$/;
const MAX_SIZE = 16 * 1024 * 1024;
