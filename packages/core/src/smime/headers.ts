import { displayText } from "../host.ts";
import { lineAt } from "./lines.ts";

/** MIME headers (RFC 2045) as they begin a document or a part of one. */
export interface MimeHeaders {
  /** Values by lower-case name, unfolded. */
  readonly fields: ReadonlyMap<string, string>;
  /** Where the body starts, behind the empty line. */
  readonly body: number;
  /** Lines taken up, the empty one included. */
  readonly lines: number;
}

/** Why a text does not begin with headers: the line counts from 1 at the text's start. */
export interface HeaderProblem {
  readonly problem: string;
  readonly line: number;
}

/**
 * Headers up to the first empty line: names in any case, folded lines, any line ends. Strict in all that
 * readers disagree on: every line is a header, and the content headers stand only once.
 */
export function readHeaders(bytes: Uint8Array, start: number): MimeHeaders | HeaderProblem {
  const fields = new Map<string, string>();
  let name = "";
  let [at, lines] = [start, 0];
  while (at < bytes.length) {
    const line = lineAt(bytes, at);
    lines += 1;
    if (line.next - start > MAX_HEADER_BYTES || fields.size > MAX_HEADERS) {
      return { problem: "the headers are longer than any signed document's", line: lines };
    }
    at = line.next;
    const text = displayText(bytes.subarray(line.start, line.end));
    if (text === "") {
      return fields.size > 0
        ? { fields, body: at, lines }
        : { problem: "an empty line comes first", line: lines };
    }
    const header = /^([!-9;-~]+)[ \t]*:(.*)$/s.exec(text);
    if (header) {
      name = (header[1] ?? "").toLowerCase();
      if (fields.has(name) && name.startsWith("content-")) {
        return { problem: "a Content header stands twice", line: lines };
      }
      fields.set(name, (header[2] ?? "").trim());
    } else if (/^[ \t]/.test(text) && name !== "") {
      const value = fields.get(name) ?? "";
      if (value === "" && name.startsWith("content-")) {
        return { problem: "the value of a Content header begins on the next line", line: lines };
      }
      fields.set(name, `${value} ${text.trim()}`.trim());
    } else {
      // The line is not quoted: where a key or a PIN file is named by mistake, it is the secret.
      return { problem: 'the line is not a MIME header ("Name: value")', line: lines };
    }
  }
  return { problem: "no empty line ends the headers", line: Math.max(lines, 1) };
}

/** A media type (RFC 2045 5.1), both in lower case; values of parameters as they are. */
export interface ContentType {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** The value of a Content-Type header; undefined where it is malformed or names a parameter twice. */
export function parseContentType(value: string): ContentType | undefined {
  const type = /^[!#$%&'*+.^_`|~0-9a-z-]+\/[!#$%&'*+.^_`|~0-9a-z-]+(?=$|[ \t;])/i.exec(value)?.[0];
  if (type === undefined) return undefined;
  const parameters = new Map<string, string>();
  let at = type.length;
  while (at < value.length) {
    PARAMETER.lastIndex = at;
    const match = PARAMETER.exec(value);
    if (match === null) {
      const rest = value.slice(at).trim();
      return rest === "" || rest === ";" ? { type: type.toLowerCase(), parameters } : undefined;
    }
    const name = (match[1] ?? "").toLowerCase();
    if (parameters.has(name)) return undefined;
    parameters.set(name, match[2] ?? match[3] ?? "");
    at = PARAMETER.lastIndex;
  }
  return { type: type.toLowerCase(), parameters };
}

/** A foreign text, fit for a message: no control characters, and no runs of base64, which may be of a key. */
export function shown(text: string): string {
  const line = text.replace(/\p{Cc}/gu, "\ufffd").replace(/[a-z0-9+]{24,}/gi, "...");
  return line.length > 60 ? `${line.slice(0, 60)}...` : line;
}

/**
 * `; name=token` or `; name="quoted string"`, with the blanks before it. Without backslashes: some readers take them for
 * characters, others for escapes, and then the string ends elsewhere.
 */
const PARAMETER = /[ \t]*;[ \t]*([^ \t;="]+)=(?:"([^"\\]*)"|([^ \t;"\\]+))/sy;

const MAX_HEADER_BYTES = 65_536;
const MAX_HEADERS = 100;
