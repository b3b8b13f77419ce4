import { createHash } from "node:crypto";
import { type Certificate, formatName } from "@ddscred/core";

/** A certificate as the program shows it. */
export interface ShownCertificate {
  readonly role: string;
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  readonly key: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly fingerprints: { readonly sha256: string; readonly sha1: string };
}

/** @param role what it is here, such as `permissions CA` */
export function shownCertificate(certificate: Certificate, role: string): ShownCertificate {
  const { subject, issuer, serialNumber, publicKey, notBefore, notAfter, der } = certificate;
  const fingerprint = (hash: string) => createHash(hash).update(der).digest("hex");
  return {
    role,
    subject: formatName(subject),
    issuer: formatName(issuer),
    serialNumber: Buffer.from(serialNumber).toString("hex"),
    key: publicKey.label,
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    // SHA-1 is what Cyclone DDS compares trusted CAs by; here it only names.
    fingerprints: { sha256: fingerprint("sha256"), sha1: fingerprint("sha1") },
  };
}
