import { Secret } from "@ddscred/core";
import { fails, given } from "../assert.ts";
import { checkOf } from "../check.ts";
import { keyOf } from "../keys.ts";
import { conformanceMaterial as material } from "../material/material.ts";
import { verifies } from "./sign.ts";

export const login = [
  checkOf("login", "a key behind a login wants a PIN: PIN_REQUIRED", async ({ source, uris }) => {
    await fails(() => source.signer(given(uris.withoutPin, "uris.withoutPin")), "PIN_REQUIRED", "no PIN");
  }),

  checkOf("login", "a wrong PIN is PIN_INCORRECT, and is not sent to the token again", async (fixture) => {
    const { source, uris } = fixture;
    const wrong = given(uris.withWrongPin, "uris.withWrongPin");
    await fails(() => source.signer(wrong), "PIN_INCORRECT", "the first time");
    // More often than any token lets pass: only a source that remembers leaves the token usable.
    for (let again = 0; again < 10; again++) {
      await fails(() => source.signer(wrong), ["PIN_INCORRECT", "PIN_REFUSED"], "the same wrong PIN");
    }
    await verifies(await source.signer(keyOf(fixture).privateKey), Uint8Array.of(1));
  }),

  checkOf(
    "passphrases",
    "an encrypted key wants a passphrase, and the right one",
    async ({ source, uris }) => {
      const uri = given(uris.encryptedPrivateKey, "uris.encryptedPrivateKey");
      await fails(() => source.signer(uri), "PASSPHRASE_REQUIRED", "no passphrase");
      const wrong = { passphrase: new Secret("not the passphrase") };
      await fails(() => source.signer(uri, wrong), "PASSPHRASE_INCORRECT", "a wrong passphrase");
      const right = { passphrase: new Secret(material.passphrase) };
      await verifies(await source.signer(uri, right), Uint8Array.of(2));
    },
  ),
];
