import { CredentialError } from "../errors/credential-error.ts";
import { utf8Text } from "../host.ts";
import { type PeerReading, skipBlanks } from "./peer-reading.ts";
import { brokenEscape, percentDecode } from "./percent.ts";

/** What a file: URI names. */
export interface FileUri {
  /** As the file system knows it: decoded, and otherwise verbatim, trailing blanks included. */
  readonly path: string;
  /** Relative to a folder that the text does not name. */
  readonly relative: boolean;
  readonly readings: readonly PeerReading[];
}

/**
 * Reads a file: URI by RFC 8089 (`file:/abs`, `file:///abs`, `file://localhost/abs`, the scheme in any case,
 * escapes as UTF-8), and the plain forms of DDS implementations: `file:relative.pem`, raw blanks, raw
 * non-ASCII, and "?" and "#" as parts of the path.
 *
 * `URI_INVALID` with `rule`, `section` and `position` for another host, an escape that is broken or no UTF-8,
 * NUL, an escaped "/", and an empty path.
 */
export function parseFileUri(text: string): FileUri {
  if (typeof text !== "string") throw new TypeError("a file: URI is a string");
  const start = skipBlanks(text);
  if (!/^file:/i.test(text.slice(start, start + 5))) {
    throw invalid(
      text,
      0,
      "bad-scheme",
      'the text does not begin with "file:"',
      "Write file: before the path.",
    );
  }
  if (text.length > MAX_LENGTH) {
    throw invalid(
      text,
      MAX_LENGTH,
      "too-long",
      `the URI has ${text.length} characters; at most ${MAX_LENGTH} are read`,
    );
  }
  const pathStart = start + 5 + authorityLength(text, start + 5);
  const path = decodePath(text, pathStart);
  return { path, relative: !/^(?:\/|[a-z]:[\\/])/i.test(path), readings: readingsOf(text, start, path) };
}

/** Length of "//" and the host, which is empty or localhost (RFC 8089 2). */
function authorityLength(text: string, start: number): number {
  if (!text.startsWith("//", start)) return 0;
  const slash = text.indexOf("/", start + 2);
  const host = text.slice(start + 2, slash === -1 ? text.length : slash);
  if (slash === -1 || (host !== "" && host.toLowerCase() !== "localhost")) {
    const rest = text.slice(start + 2);
    throw invalid(
      text,
      start + 2,
      rest === "" ? "empty-path" : "foreign-host",
      rest === ""
        ? "the URI names no file"
        : 'what follows "file://" up to the next "/" is a host, and only localhost is read',
      "Write file:relative/path for a relative path, file:///absolute/path for an absolute one.",
    );
  }
  return 2 + host.length;
}

function decodePath(text: string, start: number): string {
  const raw = text.slice(start);
  if (raw === "")
    throw invalid(text, start, "empty-path", "the URI names no file", "Write file: and then a path.");
  const broken = brokenEscape(raw);
  if (broken !== -1) {
    throw invalid(
      text,
      start + broken,
      "bad-percent-encoding",
      '"%" is not followed by two hexadecimal digits',
      'Write a percent sign in a path as "%25".',
    );
  }
  const nul = raw.search(/%00|\0/);
  if (nul !== -1)
    throw invalid(text, start + nul, "nul-in-path", "the path holds NUL, which no file name can");
  const slash = raw.search(/%2f/i);
  if (slash !== -1) {
    throw invalid(
      text,
      start + slash,
      "escaped-separator",
      'the path holds "%2F", a "/" that separates nothing; no file name can',
      'Write "/".',
    );
  }
  const path = /\p{Surrogate}/u.test(raw) ? undefined : utf8Text(percentDecode(raw));
  if (path === undefined) throw invalid(text, start, "bad-utf8", "the path is not UTF-8 after decoding");
  return path;
}

/** Cyclone DDS: the lower-case prefix, without "//" if it follows, and the rest verbatim. Fast DDS: "file://" and the rest verbatim. */
function readingsOf(text: string, start: number, path: string): readonly PeerReading[] {
  const rest = text.slice(start + 5);
  const afterSlashes = rest.startsWith("//") ? rest.slice(2) : undefined;
  const lowerCase = text.startsWith("file:", start);
  const readings: PeerReading[] = [];
  if (!lowerCase)
    readings.push({
      peer: "cyclonedds",
      accepted: false,
      reads: 'no URI it knows: it takes "file:" in lower case only',
    });
  else if ((afterSlashes ?? rest) !== path) readings.push(reading("cyclonedds", afterSlashes ?? rest));
  if (!lowerCase || afterSlashes === undefined || start > 0) {
    readings.push({
      peer: "fastdds",
      accepted: false,
      reads: 'no URI it knows: it takes "file://" and a path only',
    });
  } else if (afterSlashes !== path) readings.push(reading("fastdds", afterSlashes));
  return readings;
}

function reading(peer: PeerReading["peer"], path: string): PeerReading {
  const kind = path.startsWith("/") ? "path" : "path, relative to its working folder,";
  return { peer, accepted: true, reads: `the ${kind} "${path}", nothing decoded` };
}

function invalid(
  uri: string,
  position: number,
  rule: string,
  message: string,
  hint?: string,
): CredentialError {
  const section = rule === "bad-percent-encoding" ? "RFC 3986 2.1" : "RFC 8089 2";
  return new CredentialError("URI_INVALID", `${message} (${section})`, {
    rule,
    section,
    position,
    uri,
    ...(hint === undefined ? {} : { hint }),
  });
}

const MAX_LENGTH = 16_384;
