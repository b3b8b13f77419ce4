import { CredentialError } from "../../errors/credential-error.ts";
import type { Pkcs11Uri } from "./attributes.ts";
import { formatPkcs11Uri } from "./format.ts";
import { normalPath } from "./normal-path.ts";
import { type Pkcs11ParseOptions, parsePkcs11Uri } from "./parse.ts";

/**
 * Whether two texts are the same PKCS#11 URI by RFC 7512 2.6: the same attributes in any order, each compared after
 * decoding, numbers as numbers, pin-source and module-path after normalisation (RFC 3986 6.2.2). Unicode is not
 * normalised. Of vendor attributes, which 2.6 leaves to the application, names count as written and repeated ones
 * in their order. A text that is no PKCS#11 URI equals only itself. Nothing is thrown but a TypeError.
 */
export function comparePkcs11Uris(a: string, b: string, options: Pkcs11ParseOptions = {}): boolean {
  if (typeof a !== "string" || typeof b !== "string") throw new TypeError("PKCS#11 URIs are strings");
  if (a === b) return true;
  const canonical = comparable(a, options);
  return canonical !== undefined && canonical === comparable(b, options);
}

function comparable(text: string, options: Pkcs11ParseOptions): string | undefined {
  try {
    const uri = parsePkcs11Uri(text, options);
    return formatPkcs11Uri({ ...uri, query: normalQuery(uri.query) }, { secrets: true });
  } catch (error) {
    if (error instanceof CredentialError) return undefined;
    throw error;
  }
}

function normalQuery(query: Pkcs11Uri["query"]): Pkcs11Uri["query"] {
  const { "pin-source": source, "module-path": path } = query;
  return {
    ...query,
    ...(source === undefined ? {} : { "pin-source": normalSource(source) }),
    ...(path === undefined ? {} : { "module-path": normalPath(path) }),
  };
}

/** A URI, "|" and a command, or a path. */
function normalSource(source: string): string {
  const command = /^\|(\S*)([^]*)$/.exec(source);
  if (command !== null) return `|${normalPath(command[1] ?? "")}${command[2]}`;
  const uri = /^([a-z][a-z0-9+.-]*):(?:\/\/([^/?#]*))?([^?#]*)([^]*)$/i.exec(source);
  if (uri === null) return normalPath(source);
  const [, scheme = "", authority, path = "", rest = ""] = uri;
  const host = authority === undefined ? "" : `//${normalAuthority(authority)}`;
  return `${scheme.toLowerCase()}:${host}${normalPath(normalEscapes(path))}${normalEscapes(rest)}`;
}

/** The host is case-insensitive, the user before it is not. */
function normalAuthority(authority: string): string {
  const host = authority.lastIndexOf("@") + 1;
  return normalEscapes(authority.slice(0, host) + authority.slice(host).toLowerCase());
}

/** Escapes in upper case, none for unreserved characters (RFC 3986 6.2.2.1, 6.2.2.2). */
function normalEscapes(text: string): string {
  return text.replace(/%[0-9a-f]{2}/gi, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[-A-Za-z0-9._~]/.test(character) ? character : escape.toUpperCase();
  });
}
