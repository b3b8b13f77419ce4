import type { Pkcs11Component } from "./attributes.ts";

/** One attribute as it stands in the text, nothing decoded. */
export interface RawAttribute {
  readonly component: Pkcs11Component;
  /** Offset of the attribute in the text. */
  readonly start: number;
  readonly name: string;
  /** Undefined without "=". */
  readonly value: string | undefined;
  /** Offset of the value in the text. */
  readonly valueStart: number;
}

/** Length of "pkcs11:", or undefined for a text of another scheme. Case-insensitive (RFC 3986 3.1). */
export function schemeLength(text: string): number | undefined {
  return /^pkcs11:/i.exec(text)?.[0].length;
}

/**
 * The attributes between their separators: ";" in the path, "&" in the query, which begins at the first "?".
 * An empty component has none.
 */
export function* rawAttributes(text: string): Generator<RawAttribute> {
  const start = schemeLength(text) ?? 0;
  const question = text.indexOf("?", start);
  const end = question === -1 ? text.length : question;
  yield* attributesOf("path", text.slice(start, end), start, ";");
  if (question !== -1) yield* attributesOf("query", text.slice(question + 1), question + 1, "&");
}

function* attributesOf(
  component: Pkcs11Component,
  text: string,
  offset: number,
  separator: string,
): Generator<RawAttribute> {
  if (text === "") return;
  let start = offset;
  for (const attribute of text.split(separator)) {
    const equals = attribute.indexOf("=");
    const name = equals === -1 ? attribute : attribute.slice(0, equals);
    const value = equals === -1 ? undefined : attribute.slice(equals + 1);
    yield { component, start, name, value, valueStart: start + name.length + 1 };
    start += attribute.length + 1;
  }
}
