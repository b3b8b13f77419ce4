import type { Certificate } from "../certificate.ts";
import { extendedKeyUsage, type KeyUsage, keyUsage } from "../extensions.ts";
import { certificateError } from "./certificate-error.ts";

interface PurposeRow {
  readonly oid: string;
  /** The keyUsages that are consistent with it, one of which must be there where there is a keyUsage. */
  readonly usages: readonly KeyUsage[];
}

const AGREEMENT = ["digitalSignature", "keyEncipherment", "keyAgreement"] as const;

/** The purposes of RFC 5280 4.2.1.12. */
const purposes = {
  serverAuth: { oid: "1.3.6.1.5.5.7.3.1", usages: AGREEMENT },
  clientAuth: { oid: "1.3.6.1.5.5.7.3.2", usages: ["digitalSignature", "keyAgreement"] },
  codeSigning: { oid: "1.3.6.1.5.5.7.3.3", usages: ["digitalSignature"] },
  emailProtection: { oid: "1.3.6.1.5.5.7.3.4", usages: ["nonRepudiation", ...AGREEMENT] },
  timeStamping: { oid: "1.3.6.1.5.5.7.3.8", usages: ["digitalSignature", "nonRepudiation"] },
  OCSPSigning: { oid: "1.3.6.1.5.5.7.3.9", usages: ["digitalSignature", "nonRepudiation"] },
} as const satisfies Record<string, PurposeRow>;

/** A purpose by its name in RFC 5280, or any other as a dotted OID. */
export type Purpose = keyof typeof purposes | (string & {});

/**
 * Whether a path may serve a purpose: every extendedKeyUsage in it, the anchor's apart, allows it, and so does the
 * keyUsage of the leaf. That those of CAs count is the reading of all implementations; RFC 5280 is silent.
 *
 * @param path leaf first, anchor last
 */
export function checkPurpose(path: readonly Certificate[], purpose: Purpose): void {
  const row: PurposeRow = isKnown(purpose) ? purposes[purpose] : { oid: purpose, usages: [] };
  const judged = path.length > 1 ? path.slice(0, -1) : path;
  for (const certificate of judged) {
    const allowed = extendedKeyUsage(certificate);
    if (allowed === undefined || allowed.includes(row.oid) || allowed.includes(ANY_PURPOSE)) continue;
    const problem = `its extendedKeyUsage has no ${purpose}, only ${allowed.slice(0, 5).join(", ")}`;
    throw certificateError("PURPOSE_REFUSED", certificate, problem, "RFC 5280 4.2.1.12");
  }
  const [leaf] = path;
  const usages = leaf && keyUsage(leaf);
  if (leaf === undefined || usages === undefined || row.usages.length === 0) return;
  if (row.usages.some((usage) => usages.has(usage))) return;
  const problem = `its keyUsage, ${[...usages].join(", ")}, does not fit ${purpose}`;
  throw certificateError("PURPOSE_REFUSED", leaf, problem, "RFC 5280 4.2.1.12");
}

/** Whether a text names a purpose: one of RFC 5280, or a dotted OID. */
export function isPurpose(text: unknown): text is Purpose {
  return typeof text === "string" && (isKnown(text) || /^[0-2](?:\.\d{1,20}){1,32}$/.test(text));
}

const ANY_PURPOSE = "2.5.29.37.0";

function isKnown(purpose: string): purpose is keyof typeof purposes {
  return Object.hasOwn(purposes, purpose);
}
