import { type Signer, schemesForKey, signatureSchemes } from "@ddscred/core";
import { equal, fails, ok, sameBytes } from "../assert.ts";
import { check } from "../check.ts";
import { keyOf, keysOf } from "../keys.ts";
import { NOT_FOUND } from "./certificates.ts";

export const signer = [
  check("a signer's public key is the SubjectPublicKeyInfo of its certificate", async (fixture) => {
    const { source } = fixture;
    for (const { privateKey, certificate } of keysOf(fixture)) {
      const [first] = await source.certificates(certificate);
      ok(first !== undefined, "the list is not empty");
      sameBytes((await source.signer(privateKey)).publicKey, first.publicKey.spki, "the public key");
    }
  }),

  check(
    "a signer's schemes are rows of the table that fit its key, the one of DDS first",
    async (fixture) => {
      for (const { keyType, privateKey } of keysOf(fixture)) {
        const key = await fixture.source.signer(privateKey);
        rowsInOrder(key, keyType === "ec" ? { keyType, curve: "P-256" } : { keyType });
        if (keyType !== "ec") continue;
        equal(key.schemes[0], signatureSchemes.ecdsa_p256_sha256, "the first scheme of an EC P-256 key");
      }
    },
  ),

  check("a signer states whether its private half can leave its place", async (fixture) => {
    const { extractable } = await fixture.source.signer(keyOf(fixture).privateKey);
    ok([true, false, undefined].includes(extractable), "extractable is a boolean or undefined");
  }),

  check("signer() of a URI that matches nothing fails and names the URI", async ({ source, uris }) => {
    const error = await fails(() => source.signer(uris.missingPrivateKey), NOT_FOUND, "no match");
    ok(error.uri !== undefined, "the error has the uri");
  }),
];

export function rowsInOrder(found: Signer, key: { keyType: string; curve?: string }): void {
  ok(found.schemes.length > 0, "a signer can do at least one scheme");
  const fitting = schemesForKey(key);
  const places = found.schemes.map((scheme) => fitting.indexOf(scheme));
  ok(!places.includes(-1), "each scheme is a row of signatureSchemes that fits the key");
  const sorted = places.every((place, index) => index === 0 || place > (places[index - 1] ?? -1));
  ok(sorted, "the schemes stand in the order of schemesForKey(), each once");
}
