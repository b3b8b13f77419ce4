import {
  CredentialError,
  type Pkcs11Uri,
  type Pkcs11UriAttributes,
  parsePkcs11Uri,
  Secret,
} from "@ddscred/core";
import { UsageError } from "../exit.ts";

/** What `uri format` was given: a URI, one JSON object, or NAME=VALUE words with plain text. */
export function attributesFrom(args: readonly string[], lenient: boolean): Pkcs11Uri | Pkcs11UriAttributes {
  const [first] = args;
  if (first === undefined) throw new UsageError("give a URI, NAME=VALUE words or a JSON object");
  if (args.length === 1 && /^pkcs11:/i.test(first)) {
    const uri = parsePkcs11Uri(first, { lenient });
    if (uri.query["pin-source"] !== undefined) refuseUnknownSource(uri.query["pin-source"]);
    return uri;
  }
  if (args.length === 1 && first.startsWith("{")) return fromJson(first);
  const entries = args.map((word): [string, string] => {
    const [, name, value] = /^([^=]*)=([^]*)$/.exec(word) ?? [];
    if (name === undefined || value === undefined) throw new UsageError("each word is NAME=VALUE");
    return [name, value];
  });
  const names = entries.map(([name]) => name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw refused(`${twice} is given twice`, "duplicate-attribute");
  return Object.fromEntries(entries.map(([name, value]) => [name, typed(name, value)]));
}

function fromJson(text: string): Pkcs11UriAttributes {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new UsageError("the JSON object does not parse");
  }
  const entries = Object.entries(parsed as Record<string, unknown>);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typed(name, value)]),
  ) as Pkcs11UriAttributes;
}

/** Values as formatPkcs11Uri wants them: bytes, versions and numbers from their texts. */
function typed(
  name: string,
  value: unknown,
): string | Uint8Array | bigint | Secret | { major: number; minor: number } {
  if (name === "id") return bytesFromHex(isObject(value) ? value["hex"] : value);
  if (name === "slot-id") {
    if (/^\d{1,20}$/.test(String(value))) return BigInt(String(value));
    throw refused("slot-id is a number in decimal", "bad-slot-id");
  }
  if (name === "library-version") {
    const [, major, minor = "0"] = /^(\d{1,4})(?:\.(\d{1,4}))?$/.exec(String(value)) ?? [];
    if (major !== undefined) return { major: Number(major), minor: Number(minor) };
    if (isObject(value)) return { major: Number(value["major"]), minor: Number(value["minor"]) };
    throw refused("library-version is M or M.N", "bad-version");
  }
  if (typeof value !== "string") throw refused(`the value of ${name} is no text`, "bad-syntax");
  if (name === "pin-source") refuseUnknownSource(value);
  return name === "pin-value" ? new Secret(value) : value;
}

/** A PIN is easily given as its source, and what is written would show it. */
function refuseUnknownSource(source: string): void {
  if (!/^(?:(?:file|env|fd|systemd):|\|)/i.test(source))
    throw refused("pin-source is none of file:, env:, fd:, systemd: and |", "bad-pin-source");
}

function bytesFromHex(value: unknown): Uint8Array {
  const digits = String(value).replace(/^0x/i, "").replaceAll(":", "");
  if (!/^(?:[0-9a-f]{2})*$/i.test(digits))
    throw refused("id is given as pairs of hexadecimal digits", "bad-syntax");
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

function refused(message: string, rule: string): CredentialError {
  return new CredentialError("URI_INVALID", message, { rule, section: "RFC 7512 2.3" });
}
