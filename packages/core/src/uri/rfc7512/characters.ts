import { isWellFormed } from "../../host.ts";
import type { Pkcs11Component } from "./attributes.ts";
import type { Fault } from "./fault.ts";

/*
 * pk11-res-avail       = ":" / "[" / "]" / "@" / "!" / "$" / "'" / "(" / ")" / "*" / "+" / "," / "="
 * pk11-path-res-avail  = pk11-res-avail / "&"
 * pk11-query-res-avail = pk11-res-avail / "/" / "?" / "|"
 * pk11-pchar           = unreserved / pk11-path-res-avail / pct-encoded
 * pk11-qchar           = unreserved / pk11-query-res-avail / pct-encoded
 */
const OUTSIDE: Record<Pkcs11Component, RegExp> = {
  path: /[^-A-Za-z0-9._~:[\]@!$'()*+,=&%]/,
  query: /[^-A-Za-z0-9._~:[\]@!$'()*+,=/?|%]/,
};
/** PIN attributes in the path, which only `lenient` takes, are written there as if they stood in the query. */
const OUTSIDE_BOTH = /[^-A-Za-z0-9._~:[\]@!$'()*+,=&/|%]/;

/** pk11-v-attr-nm-char, which standard names are made of too. */
export const ATTRIBUTE_NAME = /^[A-Za-z0-9_-]+$/;

/**
 * What canonical text leaves as it is. "&" is legal in the path and escaped all the same: the URI is often
 * written into XML.
 */
export const KEPT: Record<Pkcs11Component, RegExp> = {
  path: /[-A-Za-z0-9._~:[\]@!$'()*+,=]/,
  query: /[-A-Za-z0-9._~:[\]@!$'()*+,=/?|]/,
};

/** The first character of a raw value that may not stand there. */
export function characterFault(
  value: string,
  component: Pkcs11Component,
  label: string,
  options: { secret: boolean; queryInPath?: boolean },
): (Fault & { offset: number }) | undefined {
  const outside = value.search(options.queryInPath === true ? OUTSIDE_BOTH : OUTSIDE[component]);
  const escape = value.search(/%(?![0-9a-f]{2})/i);
  if (escape !== -1 && (outside === -1 || escape < outside)) {
    return {
      rule: "bad-percent-encoding",
      message: `in ${label}, "%" is not followed by two hexadecimal digits`,
      hint: 'Write a percent sign as "%25".',
      offset: escape,
    };
  }
  if (outside === -1) return undefined;
  const found = {
    rule: "bad-character",
    offset: outside,
  } as const;
  if (options.secret) {
    return {
      ...found,
      message: `${label} holds a character that must be percent-encoded in the ${component}`,
      hint: 'Percent-encode every character of the value that is no letter and no digit: ";" as "%3B", "&" as "%26", "#" as "%23", a blank as "%20".',
    };
  }
  const character = String.fromCodePoint(value.codePointAt(outside) ?? 0);
  return {
    ...found,
    message: `${label} holds ${nameOf(character)}, which must be percent-encoded in the ${component}`,
    hint: hintFor(character, label),
  };
}

function nameOf(character: string): string {
  const code = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
  if (character === " ") return "a blank";
  if (character === "\n" || character === "\r") return `a line end (${code})`;
  return /[!-~]/.test(character) ? `"${character}"` : code;
}

function hintFor(character: string, label: string): string {
  if (character === "\n" || character === "\r") return "Write the URI in one line, and nothing after it.";
  if (/^"?module-(?:name|path)/.test(label))
    return `${label} belongs into the query: write "?" before it, not ";".`;
  if (!isWellFormed(character)) return "Half a surrogate pair is no text; write the character anew.";
  return `Write it as "${encodeURIComponent(character)}".`;
}
