import { type DerContext, DerFields, malformed } from "../der/fields.ts";
import { contextTag, type DerNode, DerTag, derContent } from "../der/node.ts";
import { derBoolean, derOid, derSmallInteger } from "../der/values.ts";
import type { ErrorCode } from "../errors/codes.ts";
import type { Certificate } from "./certificate.ts";
import { decodeExtension, type Extended } from "./extension-decode.ts";
import { decodeGeneralNames, type GeneralName } from "./general-name.ts";

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

export function basicConstraints(certificate: Certificate): BasicConstraints | undefined {
  return decodeExtension(certificate, "basicConstraints", (bytes, node, context) => {
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
  return decodeExtension(certificate, "keyUsage", (bytes, node, context) => {
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
  return decodeExtension(certificate, "extendedKeyUsage", (bytes, node, context) => {
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
  return decodeExtension(certificate, "subjectKeyIdentifier", (bytes, node, context) => {
    if (node.identifier !== DerTag.OCTET_STRING) throw malformed(context, node, "it is no OCTET STRING");
    return derContent(bytes, node);
  });
}

/** Also of a revocation list, whose code is `CRL_INVALID`. */
export function authorityKeyIdentifier(
  holder: Extended,
  code: ErrorCode = "CERTIFICATE_INVALID",
): AuthorityKeyIdentifier | undefined {
  const read = (bytes: Uint8Array, node: DerNode, context: DerContext): AuthorityKeyIdentifier => {
    const fields = new DerFields(node, context);
    const keyIdentifier = fields.optional(contextTag(0, "primitive"));
    fields.optional(contextTag(1));
    const serialNumber = fields.optional(contextTag(2, "primitive"));
    fields.end();
    return {
      ...(keyIdentifier === undefined ? {} : { keyIdentifier: derContent(bytes, keyIdentifier) }),
      ...(serialNumber === undefined ? {} : { serialNumber: derContent(bytes, serialNumber) }),
    };
  };
  return decodeExtension(holder, "authorityKeyIdentifier", read, code);
}

/** The names as they stand, undecoded. */
export function subjectAltName(certificate: Certificate): readonly GeneralName[] | undefined {
  return decodeExtension(certificate, "subjectAltName", (bytes, node, context) => {
    if (node.identifier !== DerTag.SEQUENCE) throw malformed(context, node, "it is no list of names");
    return decodeGeneralNames(bytes, node, context);
  });
}
