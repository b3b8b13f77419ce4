import { CredentialError } from "../../errors/credential-error.ts";
import type { Certificate } from "../certificate.ts";
import { distributionPoints } from "../distribution-points.ts";
import { ExtensionOid, extensionName } from "../extension-oids.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  keyUsage,
  subjectAltName,
  subjectKeyIdentifier,
} from "../extensions.ts";
import { nameConstraints } from "../name-constraints.ts";
import {
  certificatePolicies,
  inhibitAnyPolicy,
  policyConstraints,
  policyMappings,
} from "../policy-extensions.ts";
import { certificateError } from "./certificate-error.ts";

/**
 * Every extension that is looked into decodes; no critical one is unknown (4.2, 6.1.4 (o), 6.1.5 (f)).
 *
 * @param revocation whether it is looked at, so that where lists are published means something
 */
export function checkExtensions(certificate: Certificate, revocation: boolean): void {
  try {
    for (const decode of DECODERS) decode(certificate);
    if (revocation) distributionPoints(certificate);
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    throw certificateError(error.code, certificate, error.message, "RFC 5280 4.2.1");
  }
  for (const { oid, critical } of certificate.extensions) {
    if (!critical || PROCESSED.has(oid)) continue;
    if (revocation && oid === ExtensionOid.cRLDistributionPoints) continue;
    const problem = `the critical extension ${extensionName(oid)} is not understood`;
    throw certificateError("EXTENSION_UNSUPPORTED", certificate, problem, "RFC 5280 4.2");
  }
}

const DECODERS = [
  basicConstraints,
  keyUsage,
  extendedKeyUsage,
  subjectKeyIdentifier,
  authorityKeyIdentifier,
  subjectAltName,
  nameConstraints,
  certificatePolicies,
  policyMappings,
  policyConstraints,
  inhibitAnyPolicy,
] as const;

/** Extensions that are processed, wherever they stand. */
const PROCESSED = new Set<string>([
  ExtensionOid.basicConstraints,
  ExtensionOid.keyUsage,
  ExtensionOid.extendedKeyUsage,
  ExtensionOid.subjectKeyIdentifier,
  ExtensionOid.authorityKeyIdentifier,
  ExtensionOid.subjectAltName,
  ExtensionOid.nameConstraints,
  ExtensionOid.certificatePolicies,
  ExtensionOid.policyMappings,
  ExtensionOid.policyConstraints,
  ExtensionOid.inhibitAnyPolicy,
]);
