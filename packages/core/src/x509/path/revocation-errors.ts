import { CredentialError } from "../../errors/credential-error.ts";
import type { Certificate } from "../certificate.ts";
import type { RevocationList } from "../crl.ts";
import type { RevokedCertificate } from "../crl-entries.ts";
import { displayName } from "../name-format.ts";
import { certificateError } from "./certificate-error.ts";
import { listError } from "./crl-signer.ts";

/** Why a list is not of the moment; undefined where it is (5.1.2.4, 5.1.2.5). */
export function outOfDate(list: RevocationList, moment: Date): CredentialError | undefined {
  const { thisUpdate, nextUpdate } = list;
  const at = Math.floor(moment.getTime() / 1000) * 1000;
  if (moment < thisUpdate) {
    return listError(list, "crl-not-yet-valid", `it is of a later time than ${time(moment)}`);
  }
  if (nextUpdate === undefined) {
    return listError(list, "crl-no-next-update", "it has no nextUpdate, so that its age cannot be judged");
  }
  if (at <= nextUpdate.getTime()) return undefined;
  const { message } = listError(
    list,
    "",
    `it was to be replaced by ${time(nextUpdate)}, no more valid at ${time(moment)}`,
  );
  return new CredentialError("CRL_EXPIRED", message, { rule: "crl-expired", section: "RFC 5280 5.1.2.5" });
}

export function revokedError(
  certificate: Certificate,
  list: RevocationList,
  entry: RevokedCertificate,
): CredentialError {
  const { reason, revocationDate } = entry;
  const held = reason === "certificateHold" ? "on hold" : "revoked";
  const problem = `it is ${held} since ${time(revocationDate)}, reason ${reason}, says ${displayName(list.issuer)}`;
  return certificateError("CERTIFICATE_REVOKED", certificate, problem, "RFC 5280 6.3.3 (i)");
}

/** Of a certificate whose status no list tells, with the reason of the best one. */
export function unknownError(
  certificate: Certificate,
  { code, message, rule, section }: CredentialError,
): CredentialError {
  const text = `certificate ${displayName(certificate.subject)}: it is not known whether it is revoked: ${message}`;
  return new CredentialError(code, text, { ...(rule && { rule }), ...(section && { section }) });
}

/** How much a failure explains. */
export function weightOf({ rule }: CredentialError): number {
  return LEAST_FIRST.indexOf(rule ?? "");
}

const LEAST_FIRST = [
  "crl-missing",
  "crl-reasons",
  "crl-scope",
  "crl-delta",
  "crl-signer",
  "crl-signature",
  "crl-extension",
  "crl-not-yet-valid",
  "crl-no-next-update",
  "crl-expired",
];

function time(date: Date): string {
  return date.toISOString().replace(/\.000Z$/, "Z");
}
