import { type Certificate, sameBytes } from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import type { SecurityProperty } from "../configuration/properties.ts";
import type { Deployment } from "../credentials/deployment.ts";
import { type Finding, finding } from "../finding.ts";
import { place } from "./place.ts";

/** Whether the participant's own key is that of one of its CAs: then it could give itself what it likes. */
export function judgeCa(configuration: Configuration, deployment: Deployment): Finding[] {
  const { identityCertificate, identityPath, permissionsCa } = deployment;
  const shared: [SecurityProperty, string][] = [];
  if (identityPath?.notes.some(({ rule }) => rule === "leaf-is-anchor") === true) {
    shared.push([
      "dds.sec.auth.identity_certificate",
      "the identity certificate is the identity CA itself: whoever holds its key can issue others",
    ]);
  }
  if (identityCertificate && permissionsCa && haveSameKey(identityCertificate, permissionsCa)) {
    shared.push([
      "dds.sec.access.permissions_ca",
      "the permissions CA has the participant's own key: the participant can sign its own permissions",
    ]);
  }
  return shared.map(([property, message]) =>
    finding("CA_SHARED", "warning", message, place(configuration, property)),
  );
}

function haveSameKey(a: Certificate, b: Certificate): boolean {
  return sameBytes(a.publicKey.spki, b.publicKey.spki);
}
