import type { Certificate } from "../certificate.ts";
import { isOnItsCurve } from "../ec-point.ts";
import { ExtensionOid } from "../extension-oids.ts";
import { basicConstraints, keyUsage } from "../extensions.ts";
import { namesEqual } from "../name-compare.ts";
import { certificateError } from "./certificate-error.ts";
import { checkExtensions } from "./extension-rules.ts";
import { allowsKey, type PathProfile } from "./profile.ts";

/** Whether subject and issuer are the same name (RFC 5280 3.2). */
export function isSelfIssued(certificate: Certificate): boolean {
  return namesEqual(certificate.subject, certificate.issuer);
}

/** The rules for any certificate of a path, wherever it stands (RFC 5280 6.1.3 and 6.1.5). */
export function checkAnyCertificate(certificate: Certificate, demands: Demands): void {
  checkKey(certificate, demands.profile);
  checkPoint(certificate);
  checkExtensions(certificate, demands.revocation);
  checkValidity(certificate, demands.at);
}

/** What is demanded of every certificate of a path. */
export interface Demands {
  readonly at: Date;
  readonly profile: PathProfile;
  /** Whether revocation is looked at, so that where lists are published means something. */
  readonly revocation: boolean;
}

/** The key is one that the profile allows. */
export function checkKey(certificate: Certificate, profile: PathProfile): void {
  const key = certificate.publicKey;
  if (allowsKey(profile, key)) return;
  const allowed = profile.keys.map(({ label }) => label).join(", ");
  throw certificateError(
    "KEY_UNSUPPORTED",
    certificate,
    `its key is ${key.label}; ${profile.name} allows ${allowed}`,
    profile.keySection,
  );
}

/** Of an issuer's key the signature would tell; nothing else would of the leaf's. */
function checkPoint(certificate: Certificate): void {
  const { publicKey } = certificate;
  if (isOnItsCurve(publicKey)) return;
  const problem = `its key, ${publicKey.label}, is no point of the curve`;
  throw certificateError("CERTIFICATE_INVALID", certificate, problem, "RFC 5480 2.2, SEC 1 3.2.2.1");
}

/** 6.1.3 (a)(2). */
function checkValidity(certificate: Certificate, at: Date): void {
  const { notBefore, notAfter } = certificate;
  const section = "RFC 5280 6.1.3 (a)(2)";
  if (at < notBefore) {
    const problem = `it is valid from ${time(notBefore)}, not yet at ${time(at)}`;
    throw certificateError("CERTIFICATE_NOT_YET_VALID", certificate, problem, section);
  }
  // Whole seconds count: a certificate is valid through all of its last second.
  if (Math.floor(at.getTime() / 1000) > Math.floor(notAfter.getTime() / 1000)) {
    const problem = `it was valid until ${time(notAfter)}, no more at ${time(at)}`;
    const hint = isSelfIssued(certificate) ? RENEW_ROOT : undefined;
    throw certificateError("CERTIFICATE_EXPIRED", certificate, problem, section, hint);
  }
}

const RENEW_ROOT =
  "Make the CA's certificate anew with the same key and name (`ddscred cert issue --ca`), or a new CA, and give it to all participants.";

/** The certificate may issue others (6.1.4 (k) and (n)). An anchor of version 1 is the profile's decision. */
export function checkCa(certificate: Certificate, isAnchor: boolean, profile: PathProfile): void {
  if (certificate.version < 3) {
    if (isAnchor && profile.version1Anchors === "accept") return;
    const problem = `it is of X.509 version ${certificate.version}, which cannot say that it is a CA`;
    throw certificateError("CA_INVALID", certificate, problem, "RFC 5280 6.1.4 (k)");
  }
  if (basicConstraints(certificate)?.ca !== true) {
    const absent = !certificate.extensions.some(({ oid }) => oid === ExtensionOid.basicConstraints);
    const problem = absent ? "it has no basicConstraints" : "its basicConstraints say CA:FALSE";
    throw certificateError("CA_INVALID", certificate, problem, "RFC 5280 6.1.4 (k)");
  }
  const usages = keyUsage(certificate);
  if (usages !== undefined && !usages.has("keyCertSign")) {
    const problem = `its keyUsage has no keyCertSign, only ${[...usages].join(", ")}`;
    throw certificateError("CA_INVALID", certificate, problem, "RFC 5280 6.1.4 (n)");
  }
}

/**
 * The certificate may sign documents as a CA that is trusted by being named: it says neither that it is no CA nor,
 * where it has a keyUsage, that its key signs nothing (RFC 5280 4.2.1.3 and 4.2.1.9).
 */
export function checkSigner(certificate: Certificate, profile: PathProfile): void {
  if (certificate.version < 3) {
    checkCa(certificate, true, profile);
    return;
  }
  if (basicConstraints(certificate)?.ca === false) {
    const problem = "its basicConstraints say CA:FALSE";
    throw certificateError("CA_INVALID", certificate, problem, "RFC 5280 4.2.1.9");
  }
  const usages = keyUsage(certificate);
  if (usages !== undefined && !usages.has("digitalSignature") && !usages.has("keyCertSign")) {
    const problem = `its keyUsage has neither digitalSignature nor keyCertSign, only ${[...usages].join(", ")}`;
    throw certificateError("CA_INVALID", certificate, problem, "RFC 5280 4.2.1.3");
  }
}

/**
 * pathLenConstraint of a CA (6.1.4 (l) and (m)), an anchor's included, which RFC 5280 leaves open.
 *
 * @param below all certificates below it, leaf first
 */
export function checkPathLength(ca: Certificate, below: readonly Certificate[]): void {
  const allowed = basicConstraints(ca)?.pathLength;
  if (allowed === undefined) return;
  const count = below.slice(1).filter((certificate) => !isSelfIssued(certificate)).length;
  if (count <= allowed) return;
  const problem = `its pathLenConstraint allows ${allowed} CAs below it, the path has ${count}`;
  throw certificateError("CA_INVALID", ca, problem, "RFC 5280 4.2.1.9");
}

/** The key of the leaf may make the signatures that the profile is about (4.2.1.3). */
export function checkLeafUsage(leaf: Certificate, { leafKeyUsage, name }: PathProfile): void {
  const usages = keyUsage(leaf);
  if (leafKeyUsage === undefined || usages === undefined || usages.has(leafKeyUsage)) return;
  const problem = `its keyUsage has no ${leafKeyUsage}, which ${name} needs, only ${[...usages].join(", ")}`;
  throw certificateError("PURPOSE_REFUSED", leaf, problem, "RFC 5280 4.2.1.3");
}

function time(date: Date): string {
  return date.toISOString().replace(/\.000Z$/, "Z");
}
