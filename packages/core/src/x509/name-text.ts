import type { DerContext } from "../der/fields.ts";
import { readDer } from "../der/read.ts";
import { attributeType } from "./attribute-types.ts";
import { decodeString } from "./name.ts";
import { readSlash } from "./name-text-slash.ts";
import { nameInvalid, ValueText } from "./name-text-value.ts";

/** A distinguished name as a person wrote it. Compare it with `subjectMatches`. */
export interface NameText {
  /** `CN=x,O=y` or `/O=y/CN=x`. */
  readonly form: "rfc4514" | "slash";
  /** RDNs most significant first, as certificates encode them (the text of RFC 4514 has them last first). */
  readonly rdns: readonly (readonly NameTextAttribute[])[];
}

export interface NameTextAttribute {
  /** Dotted OID. */
  readonly type: string;
  /** The text; for a value written in hex that is no string type, `#` and the hex of its DER. */
  readonly value: string;
}

/**
 * Reads a subject name as DDS documents hold it: RFC 4514 (with what RFC 2253 allowed: blanks and line ends
 * around separators, `"quotes"`, `;`), or the slash form of OpenSSL's one-line output (`/C=NL/CN=x`, escapes
 * `\x41`, `\/`). In slash form a slash is a separator only before an attribute type, so `/CN=/talker/node` is one.
 *
 * @throws CredentialError `NAME_INVALID` with `position`
 */
export function nameFromText(text: string): NameText {
  if (typeof text !== "string") throw new TypeError("a name is given as a string");
  if (text.length > MAX_LENGTH) throw nameInvalid(0, `the name is longer than ${MAX_LENGTH} characters`);
  const start = text.search(/\S/);
  if (start < 0) return { form: "rfc4514", rdns: [] };
  return text[start] === "/"
    ? { form: "slash", rdns: readSlash(text, start) }
    : { form: "rfc4514", rdns: readRfc4514(text).toReversed() };
}

const MAX_LENGTH = 65_536;

function readRfc4514(text: string): NameTextAttribute[][] {
  const rdns: NameTextAttribute[][] = [[]];
  for (let at = 0; ; ) {
    const { type, next } = readType(text, at);
    const { value, end } = readValue(text, skipBlanks(text, next));
    rdns.at(-1)?.push({ type, value });
    if (end === text.length) return rdns;
    if (text[end] !== "+") rdns.push([]);
    at = end + 1;
  }
}

/** An attribute type and its equals sign. */
function readType(text: string, from: number): { type: string; next: number } {
  const at = skipBlanks(text, from);
  const equals = text.slice(at, at + 160).search(/[=,;+]/);
  const keyword = text.slice(at, at + Math.max(equals, 0)).trim();
  if (equals < 0 || text[at + equals] !== "=" || keyword === "") {
    throw nameInvalid(at, "an attribute type and = are expected, such as CN=");
  }
  const type = attributeType(keyword);
  if (type === undefined) throw nameInvalid(at, `the attribute type ${JSON.stringify(keyword)} is not known`);
  return { type, next: at + equals + 1 };
}

function readValue(text: string, at: number): { value: string; end: number } {
  if (text[at] === "#") return readHex(text, at);
  if (text[at] === '"') return readQuoted(text, at);
  const value = new ValueText();
  let position = at;
  for (; position < text.length && !SEPARATORS.has(text.charAt(position)); ) {
    const character = text.charAt(position);
    if (character === '"') throw nameInvalid(position, "a quote must be escaped");
    position = character === "\\" ? readEscape(text, position, value) : value.plain(text, position);
  }
  return { value: value.finish(at), end: position };
}

const SEPARATORS = new Set([",", ";", "+"]);

function readQuoted(text: string, at: number): { value: string; end: number } {
  const value = new ValueText();
  let position = at + 1;
  while (text[position] !== '"') {
    if (position >= text.length) throw nameInvalid(at, "the quoted value has no closing quote");
    position =
      text[position] === "\\" ? readEscape(text, position, value) : value.significant(text, position);
  }
  return { value: value.finish(at), end: separatorAt(text, position + 1) };
}

/** `#` and the hex of the DER of the value (RFC 4514 2.4). */
function readHex(text: string, at: number): { value: string; end: number } {
  const digits = /^(?:[0-9a-f]{2})+/i.exec(text.slice(at + 1))?.[0] ?? "";
  if (digits === "") throw nameInvalid(at, "hex digits are expected behind #");
  const end = separatorAt(text, at + 1 + digits.length);
  const der = Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  try {
    const value = decodeString(der, readDer(der), HEX_CONTEXT) ?? `#${digits.toUpperCase()}`;
    return { value, end };
  } catch (cause) {
    throw nameInvalid(at, "the value behind # is not the hex of DER", cause);
  }
}

const HEX_CONTEXT: DerContext = { code: "NAME_INVALID", what: "the value" };

/** A backslash with a special character or two hex digits (RFC 4514 2.4 and 3). */
function readEscape(text: string, at: number, value: ValueText): number {
  const pair = /^[0-9a-f]{2}/i.exec(text.slice(at + 1, at + 3))?.[0];
  if (pair !== undefined) return value.octet(parseInt(pair, 16), at + 3);
  if (!/^[ "#+,;<=>\\]/.test(text.slice(at + 1, at + 2))) {
    throw nameInvalid(at, "the backslash is followed by neither a special character nor two hex digits");
  }
  return value.significant(text, at + 1);
}

function separatorAt(text: string, from: number): number {
  const at = skipBlanks(text, from);
  if (at < text.length && !SEPARATORS.has(text.charAt(at))) {
    throw nameInvalid(at, "a comma is expected behind the value");
  }
  return at;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && /\s/.test(text.charAt(at))) at += 1;
  return at;
}
