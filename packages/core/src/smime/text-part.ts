import { CredentialError } from "../errors/credential-error.ts";
import { parseContentType, readHeaders, shown } from "./headers.ts";

/** The text of a signed MIME part. */
export interface TextPart {
  /** What follows the headers, a view. */
  readonly text: Uint8Array;
  /** Lines that the headers take up. */
  readonly headerLines: number;
}

/**
 * Strips the MIME headers that `openssl smime -sign -text` puts before the content. They are signed with it, and
 * all DDS implementations demand them.
 *
 * @param line line of the file, from 1, on which the content starts
 * @throws CredentialError `DOCUMENT_TEXT_HEADER_MISSING` where it has none, or another Content-Type than
 * text/plain, or an encoding that hides the text
 */
export function readTextPart(content: Uint8Array, line: number): TextPart {
  const headers = readHeaders(content, 0);
  if ("problem" in headers)
    throw missing("the signed content does not begin with Content-Type: text/plain", line);
  const value = headers.fields.get("content-type");
  if (value === undefined) throw missing("the headers of the signed content have no Content-Type", line);
  const type = parseContentType(value)?.type;
  if (type !== "text/plain") {
    throw missing(`the Content-Type of the signed content is "${shown(value)}", not text/plain`, line);
  }
  const encoding = headers.fields.get("content-transfer-encoding")?.toLowerCase() ?? "8bit";
  if (!/^(?:7bit|8bit|binary)$/.test(encoding)) {
    throw missing(`the signed text is encoded as ${shown(encoding)}, which DDS does not decode`, line);
  }
  return { text: content.subarray(headers.body), headerLines: headers.lines };
}

function missing(problem: string, line: number): CredentialError {
  return new CredentialError("DOCUMENT_TEXT_HEADER_MISSING", `${problem} (line ${line})`, {
    location: { line, column: 1 },
    hint: "Sign again with `-text` and without `-binary`: `openssl smime -sign -text -in X.xml -out X.p7s ...`.",
  });
}
