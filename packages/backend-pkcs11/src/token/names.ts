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
  const expressible = Object.entries(attributes).filter(([name, value]) => {
    if (value === undefined || value === "" || (value instanceof Uint8Array && value.length === 0))
      return false;
    if (typeof value === "string" && value.includes("\u{FFFD}")) return false;
    try {
      formatPkcs11Uri({ [name]: value });
      return true;
    } catch {
      return false;
    }
  });
  // RFC 7512 lets an apostrophe stand; a URI that is pasted into a shell between two of them does not.
  return formatPkcs11Uri(Object.fromEntries(expressible)).replaceAll("'", "%27");
}
