import { CredentialError } from "../errors/credential-error.ts";
import { displayText, utf8Bytes } from "../host.ts";
import { decodeBase64 } from "../pem/base64.ts";
import { type PeerReading, skipBlanks } from "./peer-reading.ts";
import { brokenEscape, percentDecode } from "./percent.ts";

/** What a data: URI holds. */
export interface DataUri {
  /** Without ";base64"; RFC 2397's default where none is written. */
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly readings: readonly PeerReading[];
}

/**
 * Reads a data: URI by RFC 2397: media type, base64, escapes. Raw blanks and raw non-ASCII (as UTF-8) are taken
 * too, and "+" is a plus sign.
 *
 * The plain form of DDS implementations, `data:,-----BEGIN ...` with raw line ends, is taken verbatim: a line
 * end cannot stand in a URI, so it says that nothing in the text is an escape.
 *
 * `URI_INVALID` with `rule`, `section` and `position`; the content is never part of it.
 */
export function parseDataUri(text: string): DataUri {
  if (typeof text !== "string") throw new TypeError("a data: URI is a string");
  const start = skipBlanks(text);
  if (!/^data:/i.test(text.slice(start, start + 5))) {
    throw invalid(0, "bad-scheme", 'the text does not begin with "data:"');
  }
  if (text.length > MAX_LENGTH) {
    throw invalid(
      MAX_LENGTH,
      "too-long",
      `the URI has ${text.length} characters; at most ${MAX_LENGTH} are read`,
    );
  }
  const { mediaType, base64, contentStart } = readHeader(text, start + 5);
  const content = text.slice(contentStart);
  const verbatim = !base64 && /[\r\n]/.test(content.trimEnd());
  const decoded = verbatim ? utf8Bytes(content) : decodeEscapes(content, contentStart);
  const bytes = base64 ? base64Content(decoded, contentStart) : decoded;
  return { mediaType, bytes, readings: readingsOf(text, start, !verbatim && content.includes("%")) };
}

/** [ mediatype ] [ ";base64" ] "," */
function readHeader(text: string, start: number) {
  const comma = text.slice(start, start + MAX_HEADER).indexOf(",");
  if (comma === -1) {
    throw invalid(
      start,
      "comma-missing",
      'the "," that begins the content is missing',
      "Write data:, before the text itself.",
    );
  }
  const header = text.slice(start, start + comma);
  const match = HEADER.exec(header);
  if (match === null) {
    throw invalid(
      start,
      "bad-media-type",
      'what stands between "data:" and "," is no media type',
      "Write data:, before the text itself.",
    );
  }
  const [, type = "", parameters = "", base64] = match;
  const written = `${type}${parameters}`;
  const mediaType = written === "" ? DEFAULT_MEDIA_TYPE : `${type === "" ? "text/plain" : type}${parameters}`;
  return { mediaType, base64: base64 !== undefined, contentStart: start + comma + 1 };
}

function decodeEscapes(content: string, start: number): Uint8Array {
  const broken = brokenEscape(content);
  if (broken === -1) return percentDecode(content);
  throw invalid(
    start + broken,
    "bad-percent-encoding",
    '"%" is not followed by two hexadecimal digits',
    'Write a percent sign as "%25".',
  );
}

function base64Content(text: Uint8Array, start: number): Uint8Array {
  const bytes = decodeBase64(displayText(text));
  if (bytes !== undefined) return bytes;
  throw invalid(start, "bad-base64", "the content is not base64", "Encode it again: `base64 -w0 FILE`.");
}

/** Cyclone DDS takes "data:," in lower case and the rest verbatim. Fast DDS takes no data: at all. */
function readingsOf(text: string, start: number, escaped: boolean): readonly PeerReading[] {
  const fastdds: PeerReading = {
    peer: "fastdds",
    accepted: false,
    reads: "no URI it knows: it takes no data:",
  };
  if (!text.startsWith("data:,", start)) {
    const reads = 'no URI it knows: it takes "data:," in lower case, without media type and base64';
    return [{ peer: "cyclonedds", accepted: false, reads }, fastdds];
  }
  if (!escaped) return [fastdds];
  return [
    { peer: "cyclonedds", accepted: true, reads: "the text as it stands, its escapes not decoded" },
    fastdds,
  ];
}

/** The URI itself stays out: nothing of it may be shown. */
function invalid(position: number, rule: string, message: string, hint?: string): CredentialError {
  const section = rule === "bad-percent-encoding" ? "RFC 3986 2.1" : "RFC 2397 3";
  return new CredentialError("URI_INVALID", `${message} (${section})`, {
    rule,
    section,
    position,
    uri: "data:,",
    ...(hint === undefined ? {} : { hint }),
  });
}

const DEFAULT_MEDIA_TYPE = "text/plain;charset=US-ASCII";
const TOKEN = "[-!#$&^_.+a-z0-9]{1,127}";
const HEADER = new RegExp(`^(${TOKEN}/${TOKEN})?((?:;${TOKEN}=(?:${TOKEN}|"[^"]{0,127}"))*)(;base64)?$`, "i");
const MAX_HEADER = 1_024;
/** A document of 16 MiB in base64, and some room. */
const MAX_LENGTH = 24 * 1_048_576;
