import { der } from "@ddscred/core";

/**
 * Name (RFC 5280 4.1.2.4) from `CN=alice,O=Example` (RFC 4514: most specific first, `\` before a comma or a
 * plus in a value) or `/O=Example/CN=alice`.
 */
export function nameDer(text: string): Uint8Array {
  if (text === "") return der.sequence();
  const parts = text.startsWith("/")
    ? text.slice(1).split(/(?<!\\)\/(?=[A-Za-z]+=)/)
    : text.split(/(?<!\\),/).toReversed();
  return der.sequence(...parts.map((part) => der.setOf(...part.split(/(?<!\\)\+/).map(attribute))));
}

function attribute(part: string): Uint8Array {
  const [, type = "", value = ""] = /^\s*([A-Za-z]+|\d+(?:\.\d+)+)\s*=\s*([^]*)$/.exec(part) ?? [];
  const dotted = TYPES[type.toUpperCase()] ?? (/^\d/.test(type) ? type : undefined);
  if (dotted === undefined) throw new TypeError(`"${part}" is no attribute of a name, such as CN=alice`);
  return der.sequence(der.oid(dotted), directoryString(type.toUpperCase(), value.replace(/\\(.)/g, "$1")));
}

function directoryString(type: string, value: string): Uint8Array {
  if (type === "C") return der.printableString(value);
  return type === "EMAILADDRESS" || type === "DC" ? der.ia5String(value) : der.utf8String(value);
}

const TYPES: Readonly<Record<string, string>> = {
  CN: "2.5.4.3",
  SERIALNUMBER: "2.5.4.5",
  C: "2.5.4.6",
  L: "2.5.4.7",
  ST: "2.5.4.8",
  O: "2.5.4.10",
  OU: "2.5.4.11",
  EMAILADDRESS: "1.2.840.113549.1.9.1",
  DC: "0.9.2342.19200300.100.1.25",
};
