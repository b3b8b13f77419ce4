import { type DerContext, malformed } from "../der/fields.ts";
import { type DerNode, derContent, derElement } from "../der/node.ts";
import { CredentialError } from "../errors/credential-error.ts";
import { type DistinguishedName, parseName } from "./name.ts";

/** One GeneralName (RFC 5280 4.2.1.6): its context tag, and the octets behind the tag as they stand. */
export interface GeneralName {
  /** 0 otherName, 1 rfc822Name, 2 dNSName, 4 directoryName, 6 URI, 7 iPAddress, 8 registeredID. */
  readonly tag: number;
  readonly content: Uint8Array;
  readonly der: Uint8Array;
}

export const GeneralNameTag = {
  otherName: 0,
  rfc822Name: 1,
  dNSName: 2,
  x400Address: 3,
  directoryName: 4,
  ediPartyName: 5,
  uniformResourceIdentifier: 6,
  iPAddress: 7,
  registeredID: 8,
} as const;

/** GeneralNames: at least one, behind whatever tag the list has. */
export function decodeGeneralNames(
  bytes: Uint8Array,
  list: DerNode,
  context: DerContext,
): readonly GeneralName[] {
  if (list.children.length === 0) throw malformed(context, list, "the list of names is empty");
  return list.children.map((name) => decodeGeneralName(bytes, name, context));
}

export function decodeGeneralName(bytes: Uint8Array, node: DerNode, context: DerContext): GeneralName {
  // otherName, x400Address, directoryName (explicit, as a CHOICE must be) and ediPartyName are constructed.
  if (node.tagClass !== "context" || node.tag > 8 || node.constructed !== CONSTRUCTED.has(node.tag)) {
    throw malformed(context, node, "it is no GeneralName");
  }
  return { tag: node.tag, content: derContent(bytes, node), der: derElement(bytes, node) };
}

/** The Name of a directoryName; undefined where it is malformed. */
export function directoryName({ tag, content }: GeneralName): DistinguishedName | undefined {
  if (tag !== GeneralNameTag.directoryName) return undefined;
  try {
    return parseName(content);
  } catch (error) {
    if (error instanceof CredentialError) return undefined;
    throw error;
  }
}

const CONSTRUCTED = new Set([0, 3, 4, 5]);
