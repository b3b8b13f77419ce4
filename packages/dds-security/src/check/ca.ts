import { type Certificate, sameBytes } from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import type { SecurityProperty } from "../configuration/properties.ts";
import type { Deployment } from "../credentials/deployment.ts";
import { type Finding, finding } from "../finding.ts";
import { place } from "./place.ts";

/** Keys that serve two: the participant's own as a CA's, with which it could give itself what it likes; one for both CAs. */
export function judgeCa(configuration: Configuration, deployment: Deployment): Finding[] {
  const { identityCa, identityCertificate, identityPath, permissionsCa } = deployment;
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
  if (permissionsCa && identityCa?.some((ca) => haveSameKey(ca, permissionsCa)) === true) {
    shared.push([
      "dds.sec.access.permissions_ca",
      "the identity CA and the permissions CA have one key: whoever issues identities can also grant rights",
    ]);
  }
  return shared.map(([property, message]) =>
    finding("CA_SHARED", "warning", message, place(configuration, property)),
  );
}

function haveSameKey(a: Certificate, b: Certificate): boolean {
  return sameBytes(a.publicKey.spki, b.publicKey.spki);
}
