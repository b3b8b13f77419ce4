import { type DerContext, DerFields, malformed } from "../der/fields.ts";
import { contextTag, type DerNode, DerTag, derContent, derElement } from "../der/node.ts";
import { readDer } from "../der/read.ts";
import { derBoolean, derOid, derSmallInteger } from "../der/values.ts";
import { CredentialError } from "../errors/credential-error.ts";
import type { Certificate } from "./certificate.ts";

/**
 * The extensions of RFC 5280 4.2.1 that are looked into. Each function decodes one, strictly; it returns
 * undefined where the certificate has no such extension, and throws `CERTIFICATE_INVALID` naming the
 * extension where it is malformed.
 */

/** RFC 5280 4.2.1.9. */
export interface BasicConstraints {
  readonly ca: boolean;
  /** How many intermediate certificates that are not self-issued may follow. */
  readonly pathLength?: number;
}

/** The bits of RFC 5280 4.2.1.3, in their order. */
export const keyUsages = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;
export type KeyUsage = (typeof keyUsages)[number];

/** RFC 5280 4.2.1.1. */
export interface AuthorityKeyIdentifier {
  readonly keyIdentifier?: Uint8Array;
  /** Content octets of the issuer's serial number. */
  readonly serialNumber?: Uint8Array;
}

/** One GeneralName (RFC 5280 4.2.1.6): its context tag, and the octets behind the tag as they stand. */
export interface GeneralName {
  /** 0 otherName, 1 rfc822Name, 2 dNSName, 4 directoryName, 6 URI, 7 iPAddress, 8 registeredID. */
  readonly tag: number;
  readonly content: Uint8Array;
  readonly der: Uint8Array;
}

export const ExtensionOid = {
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  certificatePolicies: "2.5.29.32",
  policyMappings: "2.5.29.33",
  authorityKeyIdentifier: "2.5.29.35",
  policyConstraints: "2.5.29.36",
  extendedKeyUsage: "2.5.29.37",
  inhibitAnyPolicy: "2.5.29.54",
} as const;
export type ExtensionName = keyof typeof ExtensionOid;

/** The name of an extension of {@link ExtensionOid}, or its OID. */
export function extensionName(oid: string): string {
  return NAMES.get(oid) ?? oid;
}

export function basicConstraints(certificate: Certificate): BasicConstraints | undefined {
  return decode(certificate, "basicConstraints", (bytes, node, context) => {
    const fields = new DerFields(node, context);
    const caNode = fields.optional(DerTag.BOOLEAN);
    const lengthNode = fields.optional(DerTag.INTEGER);
    fields.end();
    const ca = caNode !== undefined && derBoolean(bytes, caNode);
    if (lengthNode === undefined) return { ca };
    const pathLength = derSmallInteger(bytes, lengthNode);
    if (pathLength === undefined || pathLength < 0) {
      throw malformed(context, lengthNode, "pathLenConstraint is no number from 0");
    }
    return { ca, pathLength };
  });
}

export function keyUsage(certificate: Certificate): ReadonlySet<KeyUsage> | undefined {
  return decode(certificate, "keyUsage", (bytes, node, context) => {
    if (node.identifier !== DerTag.BIT_STRING) throw malformed(context, node, "it is no BIT STRING");
    const bits = derContent(bytes, node).subarray(1);
    const isSet = (bit: number) => ((bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0;
    const usages = new Set(keyUsages.filter((_, bit) => isSet(bit)));
    if (usages.size === 0) throw malformed(context, node, "no usage is set");
    return usages;
  });
}

/** Dotted OIDs of the purposes (RFC 5280 4.2.1.12). */
export function extendedKeyUsage(certificate: Certificate): readonly string[] | undefined {
  return decode(certificate, "extendedKeyUsage", (bytes, node, context) => {
    const fields = new DerFields(node, context);
    const purposes = node.children.map(() =>
      derOid(bytes, fields.required("a purpose", DerTag.OBJECT_IDENTIFIER)),
    );
    if (purposes.length === 0) throw malformed(context, node, "the list of purposes is empty");
    return purposes;
  });
}

/** RFC 5280 4.2.1.2. */
export function subjectKeyIdentifier(certificate: Certificate): Uint8Array | undefined {
  return decode(certificate, "subjectKeyIdentifier", (bytes, node, context) => {
    if (node.identifier !== DerTag.OCTET_STRING) throw malformed(context, node, "it is no OCTET STRING");
    return derContent(bytes, node);
  });
}

export function authorityKeyIdentifier(certificate: Certificate): AuthorityKeyIdentifier | undefined {
  return decode(certificate, "authorityKeyIdentifier", (bytes, node, context) => {
    const fields = new DerFields(node, context);
    const keyIdentifier = fields.optional(contextTag(0, "primitive"));
    fields.optional(contextTag(1));
    const serialNumber = fields.optional(contextTag(2, "primitive"));
    fields.end();
    return {
      ...(keyIdentifier === undefined ? {} : { keyIdentifier: derContent(bytes, keyIdentifier) }),
      ...(serialNumber === undefined ? {} : { serialNumber: derContent(bytes, serialNumber) }),
    };
  });
}

/** The names as they stand, undecoded. */
export function subjectAltName(certificate: Certificate): readonly GeneralName[] | undefined {
  return decode(certificate, "subjectAltName", (bytes, node, context) => {
    if (node.identifier !== DerTag.SEQUENCE || node.children.length === 0) {
      throw malformed(context, node, "it is no list of names");
    }
    return node.children.map((name) => {
      if (name.tagClass !== "context" || name.tag > 8) throw malformed(context, name, "it is no GeneralName");
      return { tag: name.tag, content: derContent(bytes, name), der: derElement(bytes, name) };
    });
  });
}

const NAMES = new Map<string, string>(Object.entries(ExtensionOid).map(([name, oid]) => [oid, name]));

function decode<T>(
  certificate: Certificate,
  name: ExtensionName,
  read: (bytes: Uint8Array, node: DerNode, context: DerContext) => T,
): T | undefined {
  const bytes = certificate.extensions.find(({ oid }) => oid === ExtensionOid[name])?.value;
  if (bytes === undefined) return undefined;
  const context: DerContext = { code: "CERTIFICATE_INVALID", what: `extension ${name}` };
  let node: DerNode;
  try {
    node = readDer(bytes);
  } catch (cause) {
    if (!(cause instanceof CredentialError)) throw cause;
    throw new CredentialError("CERTIFICATE_INVALID", `extension ${name} is ${cause.message}`, { cause });
  }
  return read(bytes, node, context);
}
