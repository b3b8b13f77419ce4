import { isCredentialDirectory, type NewKeyType } from "@ddscred/core";
import { credentialError, equal, fails, failsWithTypeError, given, ok, sameBytes } from "../assert.ts";
import { checkOf } from "../check.ts";
import { latin1Bytes } from "../material/encoded.ts";
import { Switch } from "../switch.ts";
import { collect } from "./directory.ts";
import { generate, generator, keyTypeOf, removeKey, unlocked, withNewKey } from "./provisioning.ts";
import { verifies } from "./sign.ts";
import { rowsInOrder } from "./signer.ts";

const message = latin1Bytes("signed by a key that was just made");

export const keyGeneration = [
  checkOf(
    "keyGeneration",
    "generateKeyPair() makes a key that signs, stays and is found by its URI",
    (fixture) =>
      withNewKey(fixture, async (made) => {
        await verifies(made, message);
        rowsInOrder(made, fixture.supports.ecKeys ? { keyType: "ec", curve: "P-256" } : { keyType: "rsa" });
        ok(made.extractable !== true, "the key cannot leave its place");
        ok(made.protection.sensitive !== false, "the key cannot be read out");
        const opened = await fixture.source.signer(unlocked(fixture, made.uri));
        sameBytes(opened.publicKey, made.publicKey, "the public key of the URI's key");
        await verifies(opened, message);
        if (!isCredentialDirectory(fixture.source)) return;
        const listed = await collect(fixture.source, unlocked(fixture, made.uri));
        equal(listed.map(({ uri }) => uri).join(), made.uri, "what list() gives for the key's URI");
      }),
  ),

  checkOf("keyGeneration", "generateKeyPair() under a name that is there is OBJECT_EXISTS", (fixture) =>
    withNewKey(fixture, async (made) => {
      await fails(() => generate(fixture), "OBJECT_EXISTS", "the same name again");
      const opened = await fixture.source.signer(unlocked(fixture, made.uri));
      sameBytes(opened.publicKey, made.publicKey, "the key of the name");
    }),
  ),

  checkOf("keyGeneration", "of two who make a key under one name at once, one makes it", async (fixture) => {
    const both = await Promise.allSettled([generate(fixture), generate(fixture)]);
    const made = both.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
    for (const one of made) await removeKey(fixture, one);
    equal(made.length, 1, "keys made");
    const refused = both.find((one) => one.status === "rejected");
    await fails(() => Promise.reject(refused?.reason), "OBJECT_EXISTS", "the other one");
  }),

  checkOf("keyGeneration", "generateKeyPair() that is aborted leaves no key behind", async (fixture) => {
    const signal = new Switch();
    signal.abort();
    await fails(() => generate(fixture, signal), "ABORTED", "a signal that is aborted already");
    const late = new Switch();
    const running = generate(fixture, late);
    await Promise.resolve();
    late.abort();
    // It may have ended just before.
    const outcome = await running.then((made) => removeKey(fixture, made), credentialErrorOf);
    if (outcome !== undefined) equal(outcome.code, "ABORTED", "aborted while it runs");
    await withNewKey(fixture, (made) => verifies(made, message));
  }),

  checkOf("keyGeneration", "generateKeyPair() judges its arguments", async (fixture) => {
    const { source, uris } = fixture;
    const options = { keyType: keyTypeOf(fixture) };
    await failsWithTypeError(
      () => generator(source).generateKeyPair(null as unknown as string, options),
      "null",
    );
    const unknown = { keyType: "rsa-512" as NewKeyType };
    const uri = given(uris.newKey, "uris.newKey");
    await failsWithTypeError(() => generator(source).generateKeyPair(uri, unknown), "an unknown keyType");
    for (const invalid of uris.invalid) {
      await fails(() => generator(source).generateKeyPair(invalid, options), "URI_INVALID", invalid);
    }
  }),
];

const credentialErrorOf = (error: unknown) => credentialError(error, "generateKeyPair()");
