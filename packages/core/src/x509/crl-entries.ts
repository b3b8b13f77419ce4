import { type DerContext, DerFields, malformed } from "../der/fields.ts";
import { type DerNode, DerTag, derContent } from "../der/node.ts";
import { derSmallInteger, derTime } from "../der/values.ts";
import { decodeExtension, decodeExtensionList, type Extended } from "./extension-decode.ts";
import { ExtensionOid } from "./extension-oids.ts";
import { decodeGeneralNames, directoryName } from "./general-name.ts";
import type { DistinguishedName } from "./name.ts";
import { nameKey } from "./name-compare.ts";

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

/** The entry of a certificate, in constant time. */
export type FindEntry = (certificate: {
  readonly issuer: DistinguishedName;
  readonly serialNumber: Uint8Array;
}) => RevokedCertificate | undefined;

interface Entries {
  readonly size: number;
  readonly find: FindEntry;
  /** A critical extension of an entry that is not understood. */
  readonly unknownCritical: string | undefined;
}

/** What is being decoded, for errors. */
export const CRL_CONTEXT: DerContext = { code: "CRL_INVALID", what: "the revocation list" };

/**
 * The entries of a list (RFC 5280 5.1.2.6, 5.3). They are kept by issuer and then by serial number: a name of any length
 * stands once, however many entries it has.
 *
 * @param list revokedCertificates; undefined where there are none
 * @param issuer of the list, and of the first certificates in it
 */
export function decodeEntries(
  bytes: Uint8Array,
  list: DerNode | undefined,
  issuer: DistinguishedName,
  isVersion2: boolean,
): Entries {
  const byIssuer = new Map<string, Map<string, RevokedCertificate>>();
  let size = 0;
  let unknownCritical: string | undefined;
  let entries = entriesOf(byIssuer, nameKey(issuer));
  for (const node of list?.children ?? []) {
    const fields = new DerFields(node, CRL_CONTEXT);
    const serial = serialKey(derContent(bytes, fields.required("a serial number", DerTag.INTEGER)));
    const revocationDate = decodeCrlTime(bytes, fields.required("revocationDate"), "revocationDate");
    const extensionList = fields.optional(DerTag.SEQUENCE);
    fields.end();
    let reason: RevocationReason = "unspecified";
    if (extensionList !== undefined) {
      if (!isVersion2) throw malformed(CRL_CONTEXT, extensionList, "only version 2 has extensions");
      const entry: Extended = { extensions: decodeExtensionList(bytes, extensionList, CRL_CONTEXT) };
      reason = reasonOf(entry);
      // It holds for the entries that follow, too (5.3.3).
      const issuerKey = issuerOf(entry);
      if (issuerKey !== undefined) entries = entriesOf(byIssuer, issuerKey);
      unknownCritical ??= entry.extensions.find(({ oid, critical }) => critical && !UNDERSTOOD.has(oid))?.oid;
    }
    const known = entries.get(serial);
    if (known === undefined) size += 1;
    if (known === undefined || known.reason === "removeFromCRL")
      entries.set(serial, { revocationDate, reason });
  }
  return {
    size,
    find: (certificate) =>
      byIssuer.get(nameKey(certificate.issuer))?.get(serialKey(certificate.serialNumber)),
    unknownCritical,
  };
}

/** Of a list or of one of its entries. */
export function decodeCrlTime(bytes: Uint8Array, node: DerNode, name: string): Date {
  const date = derTime(bytes, node);
  if (date === undefined) throw malformed(CRL_CONTEXT, node, `${name} is no time of RFC 5280 5.1.2.4`);
  return date;
}

const UNDERSTOOD = new Set<string>([
  ExtensionOid.reasonCode,
  ExtensionOid.invalidityDate,
  ExtensionOid.certificateIssuer,
]);

function entriesOf<T>(byIssuer: Map<string, Map<string, T>>, issuerKey: string): Map<string, T> {
  let entries = byIssuer.get(issuerKey);
  if (entries === undefined) byIssuer.set(issuerKey, (entries = new Map()));
  return entries;
}

function serialKey(serial: Uint8Array): string {
  return serial.length <= 64 ? String.fromCharCode(...serial) : serial.join();
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
