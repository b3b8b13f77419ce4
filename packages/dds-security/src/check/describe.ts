import { type Certificate, formatName, parsePublicKeyInfo, redactUri } from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import type { SecurityProperty } from "../configuration/properties.ts";
import type { Deployment } from "../credentials/deployment.ts";
import type { OpenedDocument } from "../credentials/document-cache.ts";
import type { CheckReport, CredentialReport, DocumentReport, Expiry } from "./report.ts";

/** What was opened, as the report shows it. */
export function describeDeployment(
  configuration: Configuration,
  deployment: Deployment,
): Pick<CheckReport, "credentials" | "documents" | "expiry"> {
  const uriOf = (property: SecurityProperty) =>
    redactUri(configuration.properties.get(property)?.value ?? "");
  const certificates: [SecurityProperty, Certificate | undefined][] = [
    ["dds.sec.auth.identity_ca", deployment.identityCa?.[0]],
    ["dds.sec.auth.identity_certificate", deployment.identityCertificate],
    ["dds.sec.access.permissions_ca", deployment.permissionsCa],
  ];
  const credentials: CredentialReport[] = [];
  const expiry: Expiry[] = [];
  for (const [property, certificate] of certificates) {
    if (certificate === undefined) continue;
    const notAfter = certificate.notAfter.toISOString();
    credentials.push({
      property,
      uri: uriOf(property),
      kind: "certificate",
      subject: formatName(certificate.subject),
      issuer: formatName(certificate.issuer),
      key: certificate.publicKey.label,
      notBefore: certificate.notBefore.toISOString(),
      notAfter,
    });
    expiry.push({ what: `certificate ${formatName(certificate.subject)}`, property, notAfter });
  }
  for (const { issuer, nextUpdate } of deployment.revocationLists ?? []) {
    if (nextUpdate === undefined) continue;
    const what = `revocation list of ${formatName(issuer)}`;
    expiry.push({
      what,
      property: "org.eclipse.cyclonedds.sec.auth.crl",
      notAfter: nextUpdate.toISOString(),
    });
  }
  const { privateKey, possessionProved } = deployment;
  if (privateKey !== undefined) {
    const property = "dds.sec.auth.private_key";
    credentials.push({
      property,
      uri: uriOf(property),
      kind: "private-key",
      key: parsePublicKeyInfo(privateKey.publicKey).label,
      ...(privateKey.extractable === undefined ? {} : { extractable: privateKey.extractable }),
      possessionProved,
    });
  }
  const documents: DocumentReport[] = [];
  const describe = (property: SecurityProperty, document: OpenedDocument<unknown> | undefined) => {
    if (document === undefined) return;
    const { signer, scheme, signingTime } = document.signed;
    documents.push({
      property,
      uri: uriOf(property),
      signer: formatName(signer.subject),
      scheme: scheme.name,
      ...(signingTime === undefined ? {} : { signingTime: signingTime.toISOString() }),
    });
  };
  describe("dds.sec.access.governance", deployment.governance);
  describe("dds.sec.access.permissions", deployment.permissions);
  if (deployment.grant !== undefined) {
    expiry.push({
      what: `grant ${deployment.grant.name}`,
      property: "dds.sec.access.permissions",
      notAfter: deployment.grant.validity.notAfter.value.toISOString(),
    });
  }
  return { credentials, documents, expiry: expiry.toSorted(byTime) };
}

/** ISO 8601 in UTC sorts as text; comparing by locale would load tables for a tenth of the whole check. */
function byTime(a: Expiry, b: Expiry): number {
  if (a.notAfter === b.notAfter) return 0;
  return a.notAfter < b.notAfter ? -1 : 1;
}
