import type { CredentialSource, CredentialWriter, HealthReport } from "@ddscred/core";
import { fails, given, ok, sameBytes } from "../assert.ts";
import { checkOf } from "../check.ts";
import { conformanceMaterial as material } from "../material/material.ts";
import { NOT_FOUND } from "./certificates.ts";

export const writing = [
  checkOf(
    "writing",
    "importCertificate() stores what certificates() then reads",
    async ({ source, uris }) => {
      const uri = given(uris.newCertificate, "uris.newCertificate");
      await writer(source).importCertificate(uri, material.ca.certificate.der);
      const [first] = await source.certificates(uri);
      sameBytes(first?.der, material.ca.certificate.der, "the certificate");
      await writer(source).remove(uri);
      await fails(() => source.certificates(uri), NOT_FOUND, "after remove()");
    },
  ),

  checkOf("writing", "remove() of what is not there fails", async ({ source, uris }) => {
    await fails(() => writer(source).remove(uris.missingCertificate), NOT_FOUND, "no match");
  }),

  checkOf("health", "diagnose() gives findings that a person can read", async ({ source }) => {
    for (const { severity, message } of await (source as CredentialSource & HealthReport).diagnose()) {
      ok(["error", "warning", "info"].includes(severity), `${severity} is a severity`);
      ok(message.trim() !== "", "a finding has a message");
    }
  }),
];

function writer(source: CredentialSource): CredentialWriter {
  return source as CredentialSource & CredentialWriter;
}
