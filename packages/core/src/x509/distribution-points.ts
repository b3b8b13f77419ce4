import { type DerContext, DerFields, malformed } from "../der/fields.ts";
import { contextTag, type DerNode, DerTag, derContent } from "../der/node.ts";
import type { Certificate } from "./certificate.ts";
import { decodeExtension, type Extended } from "./extension-decode.ts";
import { decodeGeneralNames, type GeneralName } from "./general-name.ts";
import { decodeRdn, type NameAttribute } from "./name.ts";

/** Why a certificate can be revoked: the bits of ReasonFlags (RFC 5280 4.2.1.13), in their order from bit 1. */
export const revocationFlags = [
  "keyCompromise",
  "cACompromise",
  "affiliationChanged",
  "superseded",
  "cessationOfOperation",
  "certificateHold",
  "privilegeWithdrawn",
  "aACompromise",
] as const;
export type RevocationFlag = (typeof revocationFlags)[number];

/** Where a list is published: names, or an RDN below the name of its issuer. */
export type DistributionPointName =
  | { readonly fullName: readonly GeneralName[] }
  | { readonly relative: readonly NameAttribute[] };

/** RFC 5280 4.2.1.13. */
export interface DistributionPoint {
  readonly name?: DistributionPointName;
  /** Undefined: all reasons. */
  readonly reasons?: ReadonlySet<RevocationFlag>;
  /** Who issues the list, where it is not the certificate's issuer. */
  readonly crlIssuer?: readonly GeneralName[];
}

/** RFC 5280 5.2.5. */
export interface IssuingDistributionPoint {
  readonly name?: DistributionPointName;
  readonly onlyContainsUserCerts: boolean;
  readonly onlyContainsCACerts: boolean;
  readonly onlySomeReasons?: ReadonlySet<RevocationFlag>;
  readonly indirectCRL: boolean;
  readonly onlyContainsAttributeCerts: boolean;
}

/** Decodes cRLDistributionPoints; undefined where the certificate has none. */
export function distributionPoints(certificate: Certificate): readonly DistributionPoint[] | undefined {
  return decodeExtension(certificate, "cRLDistributionPoints", (bytes, node, context) => {
    if (node.identifier !== DerTag.SEQUENCE || node.children.length === 0) {
      throw malformed(context, node, "it is no list, or an empty one");
    }
    return node.children.map((point) => decodePoint(bytes, point, context));
  });
}

/** Decodes issuingDistributionPoint (critical, 5.2.5) of a revocation list. */
export function issuingDistributionPoint(list: Extended): IssuingDistributionPoint | undefined {
  return decodeExtension(
    list,
    "issuingDistributionPoint",
    (bytes, node, context) => {
      const fields = new DerFields(node, context);
      const name = decodePointName(bytes, fields.optional(contextTag(0)), context);
      const flag = (number: number) =>
        decodeFlag(bytes, fields.optional(contextTag(number, "primitive")), context);
      const onlyContainsUserCerts = flag(1);
      const onlyContainsCACerts = flag(2);
      const onlySomeReasons = decodeReasons(bytes, fields.optional(contextTag(3, "primitive")), context);
      const indirectCRL = flag(4);
      const onlyContainsAttributeCerts = flag(5);
      fields.end();
      const only = [onlyContainsUserCerts, onlyContainsCACerts, onlyContainsAttributeCerts];
      if (only.filter(Boolean).length > 1)
        throw malformed(context, node, "its restrictions exclude each other");
      return {
        ...(name && { name }),
        onlyContainsUserCerts,
        onlyContainsCACerts,
        ...(onlySomeReasons && { onlySomeReasons }),
        indirectCRL,
        onlyContainsAttributeCerts,
      };
    },
    "CRL_INVALID",
  );
}

function decodePoint(bytes: Uint8Array, node: DerNode, context: DerContext): DistributionPoint {
  const fields = new DerFields(node, context);
  const name = decodePointName(bytes, fields.optional(contextTag(0)), context);
  const reasons = decodeReasons(bytes, fields.optional(contextTag(1, "primitive")), context);
  const issuerNode = fields.optional(contextTag(2));
  const crlIssuer = issuerNode && decodeGeneralNames(bytes, issuerNode, context);
  fields.end();
  if (name === undefined && crlIssuer === undefined) {
    throw malformed(context, node, "a distribution point has neither a name nor an issuer");
  }
  return { ...(name && { name }), ...(reasons && { reasons }), ...(crlIssuer && { crlIssuer }) };
}

function decodePointName(
  bytes: Uint8Array,
  node: DerNode | undefined,
  context: DerContext,
): DistributionPointName | undefined {
  if (node === undefined) return undefined;
  const [choice, ...rest] = node.children;
  if (choice === undefined || rest.length > 0)
    throw malformed(context, node, "it is no DistributionPointName");
  if (choice.identifier === contextTag(0)) return { fullName: decodeGeneralNames(bytes, choice, context) };
  if (choice.identifier === contextTag(1)) return { relative: decodeRdn(bytes, choice, context) };
  throw malformed(context, choice, "it is no DistributionPointName");
}

/** A BOOLEAN behind an IMPLICIT tag, which readDer has not looked at. */
function decodeFlag(bytes: Uint8Array, node: DerNode | undefined, context: DerContext): boolean {
  if (node === undefined) return false;
  const content = derContent(bytes, node);
  if (content.length !== 1 || (content[0] !== 0xff && content[0] !== 0)) {
    throw malformed(context, node, "a BOOLEAN is neither 00 nor FF");
  }
  return content[0] === 0xff;
}

/** ReasonFlags, a BIT STRING behind an IMPLICIT tag. */
function decodeReasons(
  bytes: Uint8Array,
  node: DerNode | undefined,
  context: DerContext,
): ReadonlySet<RevocationFlag> | undefined {
  if (node === undefined) return undefined;
  const [unused = 8, ...bits] = derContent(bytes, node);
  const last = bits.at(-1) ?? 0;
  if (unused > 7 || bits.length > 2 || (last & ((1 << unused) - 1)) !== 0) {
    throw malformed(context, node, "ReasonFlags is no BIT STRING");
  }
  const isSet = (bit: number) => ((bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0;
  return new Set(revocationFlags.filter((_, index) => isSet(index + 1)));
}
