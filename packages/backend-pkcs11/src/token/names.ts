import { formatPkcs11Uri, type Pkcs11UriAttributes } from "@ddscred/core";
import type { Slot } from "../cryptoki/module.ts";

/** A text from a token, as it may stand in a message: quoted, without control characters, not too long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/** The URI of a token: it names the token and no other. */
export function tokenUri({ token }: Pick<Slot, "token">): string {
  return uriOf({
    token: token.label,
    manufacturer: token.manufacturerID,
    serial: token.serialNumber,
    model: token.model,
  });
}

/**
 * The canonical URI of what a token says of itself. What no URI can express (a label that was no UTF-8, a
 * field that is longer than its standard allows) and what is empty is left out.
 */
export function uriOf(attributes: Pkcs11UriAttributes): string {
  const there = Object.entries(attributes).filter(([, value]) => {
    if (value === undefined || value === "" || (value instanceof Uint8Array && value.length === 0))
      return false;
    return typeof value !== "string" || !value.includes("\u{FFFD}");
  });
  try {
    return written(there);
  } catch {
    return written(there.filter(isExpressible));
  }
}

type Entry = [name: string, value: Pkcs11UriAttributes[string]];

function isExpressible(entry: Entry): boolean {
  try {
    written([entry]);
    return true;
  } catch {
    return false;
  }
}

/** RFC 7512 lets an apostrophe stand; a URI that is pasted into a shell between two of them does not. */
function written(entries: readonly Entry[]): string {
  return formatPkcs11Uri(Object.fromEntries(entries)).replaceAll("'", "%27");
}
