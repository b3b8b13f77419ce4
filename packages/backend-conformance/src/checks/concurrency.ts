import { ok, sameBytes } from "../assert.ts";
import { check } from "../check.ts";
import { keyOf, keysOf, materialOf } from "../keys.ts";
import { verifies } from "./sign.ts";

const PARALLEL = 32;

export const concurrency = [
  check(
    "32 signatures at once, by keys of each kind over messages of their own, all verify",
    async (fixture) => {
      const opened = await Promise.all(keysOf(fixture).map((key) => fixture.source.signer(key.privateKey)));
      const [first, second] = [opened[0], opened.at(-1)];
      ok(first !== undefined && second !== undefined, "a store holds keys");
      await Promise.all(
        numbers.map((n) => verifies(n % 4 === 0 ? second : first, new Uint8Array(64).fill(n))),
      );
    },
  ),

  check("a key opened 32 times at once is the same key", async (fixture) => {
    const { privateKey } = keyOf(fixture);
    const opened = await Promise.all(numbers.map(() => fixture.source.signer(privateKey)));
    await Promise.all(opened.map((key, n) => verifies(key, Uint8Array.of(n))));
    const [first] = opened;
    for (const key of opened) sameBytes(key.publicKey, first?.publicKey ?? new Uint8Array(), "the key");
  }),

  check("certificates read at once, among failures, do not mix", async (fixture) => {
    const { source, uris } = fixture;
    const key = keyOf(fixture);
    const { ca } = materialOf(fixture);
    await Promise.all(
      numbers.map(async (n) => {
        if (n % 3 === 0) return source.certificates(uris.missingCertificate).catch(() => undefined);
        const [uri, stored] = n % 3 === 1 ? [key.certificate, key.stored] : [uris.ca, ca];
        const [first] = await source.certificates(uri);
        sameBytes(first?.der, stored.certificate.der, stored.label);
        return undefined;
      }),
    );
  }),
];

const numbers = Array.from({ length: PARALLEL }, (_, n) => n);
