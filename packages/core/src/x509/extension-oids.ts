/** OIDs of the extensions of RFC 5280 that are looked into. */
export const ExtensionOid = {
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  certificatePolicies: "2.5.29.32",
  policyMappings: "2.5.29.33",
  authorityKeyIdentifier: "2.5.29.35",
  policyConstraints: "2.5.29.36",
  extendedKeyUsage: "2.5.29.37",
  inhibitAnyPolicy: "2.5.29.54",
  cRLDistributionPoints: "2.5.29.31",
  freshestCRL: "2.5.29.46",
  // Of revocation lists and their entries.
  cRLNumber: "2.5.29.20",
  reasonCode: "2.5.29.21",
  invalidityDate: "2.5.29.24",
  deltaCRLIndicator: "2.5.29.27",
  issuingDistributionPoint: "2.5.29.28",
  certificateIssuer: "2.5.29.29",
} as const;
export type ExtensionName = keyof typeof ExtensionOid;

/** The name of an extension of {@link ExtensionOid}, or its OID. */
export function extensionName(oid: string): string {
  return NAMES.get(oid) ?? oid;
}

const NAMES = new Map<string, string>(Object.entries(ExtensionOid).map(([name, oid]) => [oid, name]));
