import { CredentialError } from "../errors/credential-error.ts";
import { isWellFormed, utf8Text } from "../host.ts";
import { type PeerReading, skipBlanks } from "./peer-reading.ts";
import { brokenEscape, percentDecode } from "./percent.ts";

/** What a file: URI names. */
export interface FileUri {
  /** As the file system knows it: decoded, and otherwise verbatim, trailing blanks included. */
  readonly path: string;
  /** Relative to a folder that the text does not name. */
  readonly relative: boolean;
  readonly readings: readonly PeerReading[];
  /** A sentence for the writer where the text was taken by custom and not by the standard. */
  readonly remark?: string;
}

/**
 * Reads a file: URI by RFC 8089 (`file:/abs`, `file:///abs`, `file://localhost/abs`, the scheme in any case,
 * escapes as UTF-8), and the plain forms of DDS implementations: `file:relative.pem`, raw blanks, raw
 * non-ASCII, and "?" and "#" as parts of the path. `file://certs/x.pem`, whose `certs` is a host by the RFC, is
 * the relative path that those implementations read, nothing decoded; `remark` says so.
 *
 * `URI_INVALID` with `rule`, `section` and `position` for a host with a user part, an escape that is broken or no
 * UTF-8, NUL, an escaped "/", and an empty path.
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
  const host = hostOf(text, start + 5);
  const custom = host !== undefined && host !== "" && host.toLowerCase() !== "localhost";
  const pathStart = start + 5 + (host === undefined ? 0 : 2) + (custom ? 0 : (host ?? "").length);
  const path = custom ? verbatimPath(text, pathStart) : decodePath(text, pathStart);
  const relative = !/^(?:\/|[a-z]:[\\/])/i.test(path);
  const readings = readingsOf(text, start, path);
  return { path, relative, readings, ...(custom ? { remark: CUSTOM } : {}) };
}

/** What stands between "//" and the next "/" (RFC 8089 2); undefined without "//". */
function hostOf(text: string, start: number): string | undefined {
  if (!text.startsWith("//", start)) return undefined;
  const slash = text.indexOf("/", start + 2);
  const host = text.slice(start + 2, slash === -1 ? text.length : slash);
  if (host.includes("@")) throw invalid(text, start + 2, "foreign-host", "the host has a user part", REWRITE);
  if (slash === -1 && /^(?:localhost)?$/i.test(host)) {
    throw invalid(text, start + 2, "empty-path", "the URI names no file", REWRITE);
  }
  return host;
}

/** As the peers read it, who decode nothing. */
function verbatimPath(text: string, start: number): string {
  const path = text.slice(start);
  const nul = path.indexOf("\0");
  if (nul !== -1)
    throw invalid(text, start + nul, "nul-in-path", "the path holds NUL, which no file name can");
  if (!isWellFormed(path)) throw invalid(text, start, "bad-utf8", "the path is not UTF-8");
  return path;
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
  const path = isWellFormed(raw) ? utf8Text(percentDecode(raw)) : undefined;
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

const REWRITE = "Write file:relative/path for a relative path, file:///absolute/path for an absolute one.";
const CUSTOM = `by RFC 8089 2, a host follows "file://"; it is read as a relative path, as Cyclone DDS and Fast DDS read it. ${REWRITE}`;
const MAX_LENGTH = 16_384;
