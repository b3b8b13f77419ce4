import { type Signer, signatureSchemes, webCrypto } from "@ddscred/core";
import { equal, fails, given, ok } from "../assert.ts";
import { check, checkOf } from "../check.ts";
import type { BackendFixture } from "../fixture.ts";
import { keyOf, keysOf } from "../keys.ts";
import { latin1Bytes } from "../material/encoded.ts";

const message = latin1Bytes("the message, not its digest");

export const sign = [
  checkOf("ecKeys", "a signature in every scheme of an EC key verifies", async ({ source, uris }) => {
    await everyScheme(await source.signer(given(uris.ecPrivateKey, "uris.ecPrivateKey")));
  }),

  checkOf("rsaKeys", "a signature in every scheme of an RSA key verifies", async ({ source, uris }) => {
    await everyScheme(await source.signer(given(uris.rsaPrivateKey, "uris.rsaPrivateKey")));
  }),

  checkOf("rsaKeys", "an RSA signature is as long as the modulus", async ({ source, uris }) => {
    const key = await source.signer(given(uris.rsaPrivateKey, "uris.rsaPrivateKey"));
    for (const scheme of key.schemes) {
      equal((await key.sign(scheme, message)).length, 256, `bytes of a signature in ${scheme.name}`);
    }
  }),

  check(
    "the message is signed whole, whatever its length: 0, 1, 32, 48, 64 and a million bytes",
    async (fixture) => {
      const key = await anyKey(fixture);
      for (const length of [0, 1, 32, 48, 64, 1_000_000]) {
        await verifies(key, new Uint8Array(length).fill(length % 251));
      }
    },
  ),

  check("a view into a larger buffer is signed as the view", async (fixture) => {
    const around = new Uint8Array(96).fill(7);
    await verifies(await anyKey(fixture), around.subarray(32, 64).fill(9));
  }),

  check("a scheme that is not one of the signer's is MECHANISM_UNSUPPORTED", async (fixture) => {
    for (const { keyType, privateKey } of keysOf(fixture)) {
      const key = await fixture.source.signer(privateKey);
      for (const scheme of foreign[keyType]) {
        await fails(() => key.sign(scheme, message), "MECHANISM_UNSUPPORTED", scheme.name);
        await verifies(key, message);
      }
    }
  }),

  check("signers of several keys stay apart", async (fixture) => {
    const keys: Signer[] = [];
    for (const { privateKey } of [...keysOf(fixture), keyOf(fixture)]) {
      keys.push(await fixture.source.signer(privateKey));
    }
    for (const key of [...keys, ...keys.toReversed()]) await verifies(key, message);
  }),
];

/** A signature in the signer's first scheme, checked with the host's WebCrypto. */
export async function verifies(key: Signer, over: Uint8Array): Promise<void> {
  const [scheme] = key.schemes;
  ok(scheme !== undefined, "a signer can do at least one scheme");
  await verifiesIn(key, scheme.name, over);
}

async function everyScheme(key: Signer): Promise<void> {
  for (const { name } of key.schemes) await verifiesIn(key, name, message);
}

async function verifiesIn(key: Signer, name: keyof typeof signatureSchemes, over: Uint8Array): Promise<void> {
  const scheme = signatureSchemes[name];
  const signature = await key.sign(scheme, over);
  ok(signature instanceof Uint8Array, `${name}: a signature is a Uint8Array`);
  const verified = await webCrypto().verify(key.publicKey, scheme, over, signature);
  ok(verified, `${name}: the signature over ${over.length} bytes verifies with the signer's public key`);
}

async function anyKey(fixture: BackendFixture): Promise<Signer> {
  return fixture.source.signer(keyOf(fixture).privateKey);
}

/** Schemes that no key of a kind has. */
const foreign = {
  ec: [signatureSchemes.rsa_pss_sha256, signatureSchemes.ecdsa_p384_sha384, signatureSchemes.ed25519],
  rsa: [signatureSchemes.ecdsa_p256_sha256, signatureSchemes.ed25519],
};
