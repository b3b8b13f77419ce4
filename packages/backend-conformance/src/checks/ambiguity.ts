import { equal, fails, given, ok } from "../assert.ts";
import { checkOf } from "../check.ts";
import { materialOf } from "../keys.ts";

export const ambiguity = [
  checkOf("ambiguity", "several keys for one URI are OBJECT_AMBIGUOUS, never a guess", async (fixture) => {
    const uri = given(fixture.uris.ambiguousPrivateKey, "uris.ambiguousPrivateKey");
    const error = await fails(() => fixture.source.signer(uri), "OBJECT_AMBIGUOUS", "several match");
    equal(error.candidates?.length, materialOf(fixture).twins.length, "candidates");
  }),

  checkOf("ambiguity", "each candidate for a key is a full URI that opens one key", async (fixture) => {
    const uri = given(fixture.uris.ambiguousPrivateKey, "uris.ambiguousPrivateKey");
    const error = await fails(() => fixture.source.signer(uri), "OBJECT_AMBIGUOUS", "several match");
    const opened = new Set<string>();
    for (const candidate of error.candidates ?? []) {
      const key = await fixture.source.signer(fixture.unlock?.(candidate) ?? candidate);
      opened.add(String(key.publicKey));
    }
    equal(opened.size, materialOf(fixture).twins.length, "keys that the candidates opened");
  }),

  checkOf("ambiguity", "each candidate for a certificate is a full URI that reads one", async (fixture) => {
    const { source, uris } = fixture;
    const uri = given(uris.ambiguousCertificate, "uris.ambiguousCertificate");
    const error = await fails(() => source.certificates(uri), "OBJECT_AMBIGUOUS", "several match");
    const read = new Set<string>();
    for (const candidate of error.candidates ?? []) {
      const found = await source.certificates(candidate);
      equal(found.length, 1, `certificates that ${candidate} names`);
      read.add(String(found[0]?.der));
    }
    for (const { certificate } of materialOf(fixture).twins) {
      ok(read.has(String(certificate.der)), "each certificate is one of the candidates");
    }
  }),
];
