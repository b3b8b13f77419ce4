import { CredentialError } from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import { type PropertyRow, type SecurityProperty, securityProperties } from "../configuration/properties.ts";
import { PeerRefusal } from "./peer-refusal.ts";
import { type PeerUri, shownPath } from "./peer-uri.ts";

/**
 * A URI that Fast DDS does not read. Its own words do not name the property; that, and how the credential is written
 * for Fast DDS, is ours. The value itself is not shown.
 */
export function uriRefusal({ form }: Configuration, property: SecurityProperty, value: string): PeerRefusal {
  const rows: readonly PropertyRow[] = securityProperties;
  const {
    element = property,
    fastdds = property,
    kind,
  } = rows.find((row) => row.property === property) ?? {};
  const [prefix, not] = UNREAD.find(([start]) => value.startsWith(start)) ?? [];
  const what = prefix === undefined ? "does not begin with file:" : `is a ${prefix} URI, and Fast DDS ${not}`;
  const reads = kind === "key" ? "file:///PATH or a pkcs11: URI" : "file:///PATH";
  const set = `Fast DDS is configured by an XML profile of its own: set ${fastdds} there to ${reads}.`;
  const hint =
    form === "sros2"
      ? "Put the PEM file into the enclave in place of the .p11 file."
      : `${not === undefined ? "" : "Put what the URI names into a file. "}${set}`;
  return new PeerRefusal("URI_INVALID", `Unsupported URI format: ${element} ${what}`, { hint });
}

/** Does the work; what stops it is told behind what Fast DDS says then. */
export async function attempt<T>(work: () => Promise<T>, message: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    throw new PeerRefusal(error.code, `${message}: ${error.message}`, { hint: error.hint });
  }
}

/** The path of a URI for a message. */
export const shown = ({ path = "" }: PeerUri): string => shownPath(path);

const UNREAD = [
  ["pkcs11:", "takes nothing but the private key from a token"],
  ["data:", "reads no data: URI"],
] as const;
