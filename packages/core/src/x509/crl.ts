import { type DerContext, DerFields, malformed } from "../der/fields.ts";
import { contextTag, type DerNode, DerTag, derContent, derElement } from "../der/node.ts";
import { readDer } from "../der/read.ts";
import { derBitStringOctets, derSmallInteger, derTime, sameBytes } from "../der/values.ts";
import { CredentialError } from "../errors/credential-error.ts";
import { decodeAlgorithm } from "./algorithm-id.ts";
import type { AlgorithmId, Extension } from "./certificate.ts";
import { type IssuingDistributionPoint, issuingDistributionPoint } from "./distribution-points.ts";
import { decodeExtension, decodeExtensionList, type Extended } from "./extension-decode.ts";
import { ExtensionOid, extensionName } from "./extension-oids.ts";
import { authorityKeyIdentifier } from "./extensions.ts";
import { decodeGeneralNames, directoryName } from "./general-name.ts";
import { type DistinguishedName, decodeName } from "./name.ts";
import { nameKey } from "./name-compare.ts";

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
  find(certificate: { issuer: DistinguishedName; serialNumber: Uint8Array }): RevokedCertificate | undefined;
}

export interface RevokedCertificate {
  readonly revocationDate: Date;
  readonly reason: RevocationReason;
}

/** CRLReason (RFC 5280 5.3.1), by number; 7 is not used. */
const reasons = [
  "unspecified",
  "keyCompromise",
  "cACompromise",
  "affiliationChanged",
  "superseded",
  "cessationOfOperation",
  "certificateHold",
  undefined,
  "removeFromCRL",
  "privilegeWithdrawn",
  "aACompromise",
] as const;
export type RevocationReason = NonNullable<(typeof reasons)[number]>;

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
  const thisUpdate = decodeTime(bytes, fields.required("thisUpdate"), "thisUpdate");
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
    ...(nextNode && { nextUpdate: decodeTime(bytes, nextNode, "nextUpdate") }),
    signatureAlgorithm: decodeAlgorithm(bytes, algorithm, CONTEXT),
    signature,
    extensions,
    ...(number === undefined ? {} : { number }),
    ...(baseNumber === undefined ? {} : { baseNumber }),
    ...(distributionPoint && { distributionPoint }),
    ...(keyIdentifier && { keyIdentifier }),
    ...(unknownCritical === undefined ? {} : { unknownCritical: extensionName(unknownCritical) }),
    size: entries.found.size,
    find: (certificate) => entries.found.get(entryKey(nameKey(certificate.issuer), certificate.serialNumber)),
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
const CONTEXT: DerContext = { code: "CRL_INVALID", what: "the revocation list" };
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

function decodeTime(bytes: Uint8Array, node: DerNode, name: string): Date {
  const date = derTime(bytes, node);
  if (date === undefined) throw malformed(CONTEXT, node, `${name} is no time of RFC 5280 5.1.2.4`);
  return date;
}

function decodeWrapped(bytes: Uint8Array, wrapper: DerNode, isVersion2: boolean): readonly Extension[] {
  if (!isVersion2) throw malformed(CONTEXT, wrapper, "only version 2 has extensions (RFC 5280 5.1.2.1)");
  const fields = new DerFields(wrapper, CONTEXT, wrapper.identifier);
  const list = fields.required("extensions", DerTag.SEQUENCE);
  fields.end();
  return decodeExtensionList(bytes, list, CONTEXT);
}

interface Entries {
  readonly found: ReadonlyMap<string, RevokedCertificate>;
  readonly unknownCritical: string | undefined;
}

function decodeEntries(
  bytes: Uint8Array,
  list: DerNode | undefined,
  issuer: DistinguishedName,
  isVersion2: boolean,
): Entries {
  const found = new Map<string, RevokedCertificate>();
  let unknownCritical: string | undefined;
  let issuerKey = nameKey(issuer);
  for (const node of list?.children ?? []) {
    const fields = new DerFields(node, CONTEXT);
    const serial = derContent(bytes, fields.required("a serial number", DerTag.INTEGER));
    const revocationDate = decodeTime(bytes, fields.required("revocationDate"), "revocationDate");
    const extensionList = fields.optional(DerTag.SEQUENCE);
    fields.end();
    let reason: RevocationReason = "unspecified";
    if (extensionList !== undefined) {
      if (!isVersion2) throw malformed(CONTEXT, extensionList, "only version 2 has extensions");
      const entry: Extended = { extensions: decodeExtensionList(bytes, extensionList, CONTEXT) };
      reason = reasonOf(entry);
      // It holds for the entries that follow, too (5.3.3).
      issuerKey = issuerOf(entry) ?? issuerKey;
      unknownCritical ??= entry.extensions.find(
        ({ oid, critical }) => critical && !UNDERSTOOD_IN_ENTRIES.has(oid),
      )?.oid;
    }
    const key = entryKey(issuerKey, serial);
    const known = found.get(key);
    if (known === undefined || known.reason === "removeFromCRL") found.set(key, { revocationDate, reason });
  }
  return { found, unknownCritical };
}

const UNDERSTOOD_IN_ENTRIES = new Set<string>([
  ExtensionOid.reasonCode,
  ExtensionOid.invalidityDate,
  ExtensionOid.certificateIssuer,
]);

function entryKey(issuerKey: string, serial: Uint8Array): string {
  const text = serial.length <= 64 ? String.fromCharCode(...serial) : serial.join();
  return `${text.length}:${text}${issuerKey}`;
}

function reasonOf(entry: Extended): RevocationReason {
  const read = (bytes: Uint8Array, node: DerNode, context: DerContext) => {
    const number = node.identifier === DerTag.ENUMERATED ? derSmallInteger(bytes, node) : undefined;
    const reason = number === undefined ? undefined : reasons[number];
    if (reason === undefined) throw malformed(context, node, "it is no CRLReason");
    return reason;
  };
  return decodeExtension(entry, "reasonCode", read, "CRL_INVALID") ?? "unspecified";
}

/** The key of the name of certificateIssuer. */
function issuerOf(entry: Extended): string | undefined {
  const read = (bytes: Uint8Array, node: DerNode, context: DerContext) => {
    if (node.identifier !== DerTag.SEQUENCE) throw malformed(context, node, "it is no list of names");
    const names = decodeGeneralNames(bytes, node, context).flatMap((name) => directoryName(name) ?? []);
    const [name] = names;
    if (name === undefined || names.length > 1) throw malformed(context, node, "it names no one issuer");
    return nameKey(name);
  };
  return decodeExtension(entry, "certificateIssuer", read, "CRL_INVALID");
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
