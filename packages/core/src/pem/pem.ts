import { CredentialError } from "../errors/credential-error.ts";
import { displayText } from "../host.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";

/** One block between `-----BEGIN label-----` and `-----END label-----`. */
export interface PemBlock {
  /** Such as `CERTIFICATE`. */
  readonly label: string;
  readonly der: Uint8Array;
  /** Legacy headers (RFC 1421 4.6), such as `Proc-Type` and `DEK-Info`; empty for most. */
  readonly headers: ReadonlyMap<string, string>;
  /** Line of its BEGIN, from 1. */
  readonly line: number;
}

/**
 * All PEM blocks of a text (RFC 7468), in order; none is an empty list. As files really are: any line ends,
 * blanks at their ends, text around the blocks, a byte order mark, lines of base64 of any length.
 *
 * @throws CredentialError `PEM_INVALID` with `location.line` for a damaged block, or for more than 4 MiB or
 * 1,000 blocks
 */
export function readPem(text: string | Uint8Array): readonly PemBlock[] {
  const lines = pemLines(text);
  const blocks: PemBlock[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const label = beginLabel(lines, at);
    if (label === undefined) continue;
    const end = endOfBlock(lines, at, label);
    blocks.push(readBlock(lines, at, end, label));
    if (blocks.length > MAX_BLOCKS) throw pemInvalid(at, `there are more than ${MAX_BLOCKS} blocks`);
    at = end;
  }
  return blocks;
}

/** A PEM block with lines of 64 characters and a line end behind each (RFC 7468 section 3). */
export function encodePem(label: string, der: Uint8Array): string {
  if (!LABEL.test(label)) throw new TypeError("a PEM label is printable ASCII without leading hyphens");
  const lines = encodeBase64(der).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.map((line) => `${line}\n`).join("")}-----END ${label}-----\n`;
}

const MAX_SIZE = 4 * 1024 * 1024;
const MAX_BLOCKS = 1000;
/** labelchar of RFC 7468 section 3. */
const LABEL = /^[!-,.-~]+(?:[- ][!-,.-~]+)*$/;

/** The lines of a PEM text, without byte order mark and blanks at their ends. */
function pemLines(text: string | Uint8Array): readonly string[] {
  if (text.length > MAX_SIZE) throw pemInvalid(0, "the text is longer than 4 MiB");
  const whole = typeof text === "string" ? text : displayText(text);
  return whole
    .replace(/^\ufeff/, "")
    .split(/\r\n|\n|\r/)
    .map((line) => line.trimEnd());
}

function beginLabel(lines: readonly string[], at: number): string | undefined {
  const line = lines[at] ?? "";
  if (!line.startsWith("-----BEGIN ")) return undefined;
  const label = line.endsWith("-----") ? line.slice(11, -5) : "";
  if (label.includes("-----")) {
    throw pemInvalid(at, "BEGIN, content and END stand on one line; the line breaks were lost");
  }
  if (label.length > 64 || !LABEL.test(label)) throw pemInvalid(at, "the BEGIN line is damaged");
  return label;
}

function endOfBlock(lines: readonly string[], begin: number, label: string): number {
  for (let at = begin + 1; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    if (!line.startsWith("-----")) continue;
    if (line === `-----END ${label}-----`) return at;
    throw pemInvalid(
      at,
      line.startsWith("-----END ")
        ? `the END line does not belong to the BEGIN ${label} of line ${begin + 1}`
        : `BEGIN ${label} of line ${begin + 1} has no END line before this one`,
    );
  }
  throw pemInvalid(begin, `BEGIN ${label} has no END line; the file is cut off`);
}

function readBlock(lines: readonly string[], begin: number, end: number, label: string): PemBlock {
  const { headers, next } = readHeaders(lines, begin + 1, end);
  const der = decodeBase64(lines.slice(next, end).join("\n"));
  if (der === undefined) {
    const bad = lines.findIndex((line, at) => at >= next && at < end && !/^[A-Za-z0-9+/=\s]*$/.test(line));
    throw bad < 0
      ? pemInvalid(end, `the base64 of ${label} is cut off or wrongly padded`)
      : pemInvalid(bad, `the line is not base64`);
  }
  if (der.length === 0) throw pemInvalid(begin, `the block ${label} is empty`);
  return { label, der, headers, line: begin + 1 };
}

/** `Name: value` lines up to an empty one; a line that starts with a blank continues the one before. */
function readHeaders(lines: readonly string[], begin: number, end: number) {
  const headers = new Map<string, string>();
  if (!/^[!-9;-~]+:/.test(lines[begin] ?? "")) return { headers, next: begin };
  let name = "";
  for (let at = begin; at < end; at += 1) {
    const line = lines[at] ?? "";
    if (line === "") return { headers, next: at + 1 };
    const colon = line.indexOf(":");
    if (/^\s/.test(line)) headers.set(name, `${headers.get(name) ?? ""}${line.trim()}`);
    else if (colon > 0) {
      name = line.slice(0, colon);
      headers.set(name, line.slice(colon + 1).trim());
    } else throw pemInvalid(at, "an empty line must follow the headers");
  }
  throw pemInvalid(begin - 1, "the block has headers only");
}

function pemInvalid(index: number, problem: string): CredentialError {
  const location = { line: index + 1, column: 1 };
  return new CredentialError("PEM_INVALID", `line ${index + 1}: ${problem}`, {
    location,
    section: "RFC 7468 3",
  });
}
