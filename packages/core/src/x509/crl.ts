import { type DerContext, DerFields, malformed } from "../der/fields.ts";
import { contextTag, type DerNode, DerTag, derContent, derElement } from "../der/node.ts";
import { readDer } from "../der/read.ts";
import { derBitStringOctets, derSmallInteger, sameBytes } from "../der/values.ts";
import { CredentialError } from "../errors/credential-error.ts";
import { decodeAlgorithm } from "./algorithm-id.ts";
import type { AlgorithmId, Extension } from "./certificate.ts";
import { CRL_CONTEXT as CONTEXT, decodeCrlTime, decodeEntries, type FindEntry } from "./crl-entries.ts";
import { type IssuingDistributionPoint, issuingDistributionPoint } from "./distribution-points.ts";
import { decodeExtension, decodeExtensionList, type Extended } from "./extension-decode.ts";
import { ExtensionOid, extensionName } from "./extension-oids.ts";
import { authorityKeyIdentifier } from "./extensions.ts";
import { type DistinguishedName, decodeName } from "./name.ts";

/**
 * A certificate revocation list (RFC 5280 5) that passed the strict DER check and was decoded. Nothing is said about who
 * signed it.
 */
export interface RevocationList {
  readonly der: Uint8Array;
  /** The signed part: TBSCertList, as received. */
  readonly tbs: Uint8Array;
  readonly issuer: DistinguishedName;
  readonly thisUpdate: Date;
  readonly nextUpdate?: Date;
  readonly signatureAlgorithm: AlgorithmId;
  readonly signature: Uint8Array;
  readonly extensions: readonly Extension[];
  /** cRLNumber (5.2.3). */
  readonly number?: bigint;
  /** deltaCRLIndicator (5.2.4): the number of the list to which this one holds the changes. */
  readonly baseNumber?: bigint;
  readonly distributionPoint?: IssuingDistributionPoint;
  readonly keyIdentifier?: Uint8Array;
  /** A critical extension, of the list or of an entry, that is not understood: the list must not be used (5.3). */
  readonly unknownCritical?: string;
  /** How many certificates it lists. */
  readonly size: number;
  /** The entry of a certificate, in constant time. */
  readonly find: FindEntry;
}

/**
 * Decodes a revocation list of version 1 or 2, after a strict DER check of the whole.
 *
 * @param der the CertificateList, at most 16 MiB; it is copied
 * @throws CredentialError `CRL_INVALID`, with `position` in bytes
 */
export function parseRevocationList(der: Uint8Array): RevocationList {
  if (!(der instanceof Uint8Array)) throw new TypeError("parseRevocationList reads a Uint8Array");
  const bytes = new Uint8Array(der);
  const outer = new DerFields(readStrictly(bytes), CONTEXT);
  const tbs = outer.required("tbsCertList", DerTag.SEQUENCE);
  const algorithm = outer.required("signatureAlgorithm", DerTag.SEQUENCE);
  const signatureNode = outer.required("signatureValue", DerTag.BIT_STRING);
  outer.end();
  // Bits that do not fill octets are no signature of any algorithm: the empty one, which never verifies.
  const signature = derBitStringOctets(bytes, signatureNode) ?? new Uint8Array();

  const fields = new DerFields(tbs, CONTEXT);
  const version = fields.optional(DerTag.INTEGER);
  if (version !== undefined && derSmallInteger(bytes, version) !== 1) {
    throw malformed(CONTEXT, version, "the version is not 2 (RFC 5280 5.1.2.1)");
  }
  const inner = fields.required("signature", DerTag.SEQUENCE);
  if (!sameBytes(derElement(bytes, inner), derElement(bytes, algorithm))) {
    throw malformed(
      CONTEXT,
      inner,
      "the signed signature algorithm differs from the outer one (RFC 5280 5.1.1.2)",
    );
  }
  const issuer = decodeName(bytes, fields.required("issuer"), CONTEXT);
  const thisUpdate = decodeCrlTime(bytes, fields.required("thisUpdate"), "thisUpdate");
  const nextNode = fields.optional(DerTag.UTC_TIME, DerTag.GENERALIZED_TIME);
  const entryList = fields.optional(DerTag.SEQUENCE);
  const wrapper = fields.optional(contextTag(0));
  fields.end();
  const extensions = wrapper === undefined ? [] : decodeWrapped(bytes, wrapper, version !== undefined);
  const entries = decodeEntries(bytes, entryList, issuer, version !== undefined);

  const holder: Extended = { extensions };
  const number = decodeNumber(holder, "cRLNumber");
  const baseNumber = decodeNumber(holder, "deltaCRLIndicator");
  const distributionPoint = issuingDistributionPoint(holder);
  const keyIdentifier = authorityKeyIdentifier(holder, "CRL_INVALID")?.keyIdentifier;
  const unknown = extensions.find(({ oid, critical }) => critical && !UNDERSTOOD.has(oid))?.oid;
  const unknownCritical = unknown ?? entries.unknownCritical;
  const list: RevocationList = {
    der: bytes,
    tbs: derElement(bytes, tbs),
    issuer,
    thisUpdate,
    ...(nextNode && { nextUpdate: decodeCrlTime(bytes, nextNode, "nextUpdate") }),
    signatureAlgorithm: decodeAlgorithm(bytes, algorithm, CONTEXT),
    signature,
    extensions,
    ...(number === undefined ? {} : { number }),
    ...(baseNumber === undefined ? {} : { baseNumber }),
    ...(distributionPoint && { distributionPoint }),
    ...(keyIdentifier && { keyIdentifier }),
    ...(unknownCritical === undefined ? {} : { unknownCritical: extensionName(unknownCritical) }),
    size: entries.size,
    find: entries.find,
  };
  parsed.add(list);
  return Object.freeze(list);
}

/** Whether it was made by {@link parseRevocationList}. */
export function isRevocationList(list: unknown): list is RevocationList {
  return typeof list === "object" && list !== null && parsed.has(list);
}

/**
 * Checks that the bytes are a revocation list, to be verified later. Returns a copy of them.
 *
 * @throws CredentialError `CRL_INVALID`
 */
export function checkCrl(der: Uint8Array): Uint8Array {
  return parseRevocationList(der).der;
}

/** Whether DER bytes are a revocation list. */
export function looksLikeCrl(der: Uint8Array): boolean {
  try {
    parseRevocationList(der);
    return true;
  } catch (error) {
    if (error instanceof CredentialError) return false;
    throw error;
  }
}

const parsed = new WeakSet<object>();
/** A CRL of a large CA has an entry of four elements and more for each revoked certificate. */
const LIMITS = { maxSize: 16 * 1024 * 1024, maxElements: 1_000_000 };

/** Extensions of a list that are processed, or change nothing for one that is complete. */
const UNDERSTOOD = new Set<string>([
  ExtensionOid.authorityKeyIdentifier,
  ExtensionOid.cRLNumber,
  ExtensionOid.deltaCRLIndicator,
  ExtensionOid.issuingDistributionPoint,
  ExtensionOid.freshestCRL,
]);

function readStrictly(bytes: Uint8Array): DerNode {
  try {
    return readDer(bytes, LIMITS);
  } catch (cause) {
    if (!(cause instanceof CredentialError)) throw cause;
    const { position } = cause;
    const details = { cause, ...(position === undefined ? {} : { position }) };
    throw new CredentialError("CRL_INVALID", `the revocation list is ${cause.message}`, details);
  }
}

function decodeWrapped(bytes: Uint8Array, wrapper: DerNode, isVersion2: boolean): readonly Extension[] {
  if (!isVersion2) throw malformed(CONTEXT, wrapper, "only version 2 has extensions (RFC 5280 5.1.2.1)");
  const fields = new DerFields(wrapper, CONTEXT, wrapper.identifier);
  const list = fields.required("extensions", DerTag.SEQUENCE);
  fields.end();
  return decodeExtensionList(bytes, list, CONTEXT);
}

/** A number from 0 of at most 20 octets (5.2.3). */
function decodeNumber(holder: Extended, name: "cRLNumber" | "deltaCRLIndicator"): bigint | undefined {
  const read = (bytes: Uint8Array, node: DerNode, context: DerContext) => {
    const content = derContent(bytes, node);
    const isNumber =
      node.identifier === DerTag.INTEGER && content.length <= 21 && (content[0] ?? 0x80) < 0x80;
    if (!isNumber) throw malformed(context, node, "it is no number from 0 of at most 20 octets");
    return content.reduce((number, octet) => number * 256n + BigInt(octet), 0n);
  };
  return decodeExtension(holder, name, read, "CRL_INVALID");
}
