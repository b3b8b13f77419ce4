import type { ErrorCode } from "@ddscred/core";
import { equal, fails, given, ok, sameBytes } from "../assert.ts";
import { check, checkOf } from "../check.ts";
import { conformanceMaterial as material } from "../material/material.ts";

/** What "no match" may be called. */
export const NOT_FOUND: readonly ErrorCode[] = ["OBJECT_NOT_FOUND", "TOKEN_NOT_FOUND", "FILE_NOT_FOUND"];

export const certificates = [
  check("certificates() gives the stored certificate, byte for byte", async ({ source, uris }) => {
    const stored = [
      [uris.ecCertificate, material.ec],
      [uris.rsaCertificate, material.rsa],
      [uris.ca, material.ca],
    ] as const;
    for (const [uri, { certificate, label }] of stored) {
      const [first] = await source.certificates(uri);
      sameBytes(first?.der, certificate.der, `the certificate ${label}`);
    }
  }),

  check("certificates() decodes: key, validity and extensions are there", async ({ source, uris }) => {
    const [first] = await source.certificates(uris.rsaCertificate);
    ok(first !== undefined, "the list is not empty");
    equal(first.publicKey.keyType, "rsa", "publicKey.keyType");
    equal(first.publicKey.bits, 2048, "publicKey.bits");
    equal(first.notAfter.toISOString(), "2046-01-01T00:00:00.000Z", "notAfter");
    ok(first.extensions.length > 0, "it has extensions");
  }),

  checkOf(
    "chains",
    "certificates() of a chain gives all, the end entity's first",
    async ({ source, uris }) => {
      const chain = await source.certificates(given(uris.chain, "chain"));
      equal(chain.length, 2, "certificates in the chain");
      sameBytes(chain[0]?.der, material.ec.certificate.der, "the end entity's certificate");
      sameBytes(chain[1]?.der, material.ca.certificate.der, "the CA's certificate");
    },
  ),

  check("certificates() of a URI that matches nothing fails and names the URI", async ({ source, uris }) => {
    const error = await fails(() => source.certificates(uris.missingCertificate), NOT_FOUND, "no match");
    ok(error.uri !== undefined, "the error has the uri");
  }),

  check("certificates() may be asked again, also after a failure", async ({ source, uris }) => {
    await fails(() => source.certificates(uris.missingCertificate), NOT_FOUND, "no match");
    for (let round = 0; round < 2; round++) {
      const [first] = await source.certificates(uris.ecCertificate);
      sameBytes(first?.der, material.ec.certificate.der, "the certificate");
    }
  }),
];
