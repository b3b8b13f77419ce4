import type { ErrorCode } from "@ddscred/core";
import { equal, fails, given, ok, sameBytes } from "../assert.ts";
import { check, checkOf } from "../check.ts";
import { keyOf, keysOf, materialOf } from "../keys.ts";

/** What "no match" may be called. */
export const NOT_FOUND: readonly ErrorCode[] = ["OBJECT_NOT_FOUND", "TOKEN_NOT_FOUND", "FILE_NOT_FOUND"];

export const certificates = [
  check("certificates() gives the stored certificate, byte for byte", async (fixture) => {
    const { source, uris } = fixture;
    const all = [
      ...keysOf(fixture).map(({ certificate, stored }) => [certificate, stored] as const),
      [uris.ca, materialOf(fixture).ca] as const,
    ];
    for (const [uri, { certificate, label }] of all) {
      const [first] = await source.certificates(uri);
      sameBytes(first?.der, certificate.der, `the certificate ${label}`);
    }
  }),

  check("certificates() decodes: key, validity and extensions are there", async (fixture) => {
    for (const { keyType, certificate } of keysOf(fixture)) {
      const [first] = await fixture.source.certificates(certificate);
      ok(first !== undefined, "the list is not empty");
      equal(first.publicKey.keyType, keyType, "publicKey.keyType");
      if (keyType === "rsa") equal(first.publicKey.bits, 2048, "publicKey.bits");
      else equal(first.publicKey.curve, "P-256", "publicKey.curve");
      equal(first.notAfter.toISOString(), "2046-01-01T00:00:00.000Z", "notAfter");
      ok(first.extensions.length > 0, "it has extensions");
    }
  }),

  checkOf("chains", "certificates() of a chain gives all, the end entity's first", async (fixture) => {
    const chain = await fixture.source.certificates(given(fixture.uris.chain, "uris.chain"));
    equal(chain.length, 2, "certificates in the chain");
    sameBytes(chain[0]?.der, keyOf(fixture).stored.certificate.der, "the end entity's certificate");
    sameBytes(chain[1]?.der, materialOf(fixture).ca.certificate.der, "the CA's certificate");
  }),

  check("certificates() of a URI that matches nothing fails and names the URI", async ({ source, uris }) => {
    const error = await fails(() => source.certificates(uris.missingCertificate), NOT_FOUND, "no match");
    ok(error.uri !== undefined, "the error has the uri");
  }),

  check("certificates() may be asked again, also after a failure", async (fixture) => {
    const { source, uris } = fixture;
    const { certificate, stored } = keyOf(fixture);
    await fails(() => source.certificates(uris.missingCertificate), NOT_FOUND, "no match");
    for (let round = 0; round < 2; round++) {
      const [first] = await source.certificates(certificate);
      sameBytes(first?.der, stored.certificate.der, "the certificate");
    }
  }),
];
