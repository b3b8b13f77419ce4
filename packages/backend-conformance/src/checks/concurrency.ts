import { sameBytes } from "../assert.ts";
import { check } from "../check.ts";
import { conformanceMaterial as material } from "../material/material.ts";
import { verifies } from "./sign.ts";

const PARALLEL = 32;

export const concurrency = [
  check("32 signatures at once, by two keys over messages of their own, all verify", async (fixture) => {
    const { source, uris } = fixture;
    const ec = await source.signer(uris.ecPrivateKey);
    const rsa = await source.signer(uris.rsaPrivateKey);
    await Promise.all(numbers.map((n) => verifies(n % 4 === 0 ? rsa : ec, new Uint8Array(64).fill(n))));
  }),

  check("a key opened 32 times at once is the same key", async ({ source, uris }) => {
    const opened = await Promise.all(numbers.map(() => source.signer(uris.ecPrivateKey)));
    await Promise.all(opened.map((key, n) => verifies(key, Uint8Array.of(n))));
    const [first] = opened;
    for (const key of opened) sameBytes(key.publicKey, first?.publicKey ?? new Uint8Array(), "the key");
  }),

  check("certificates read at once, among failures, do not mix", async ({ source, uris }) => {
    await Promise.all(
      numbers.map(async (n) => {
        if (n % 3 === 0) return source.certificates(uris.missingCertificate).catch(() => undefined);
        const [uri, stored] = n % 3 === 1 ? [uris.ecCertificate, material.ec] : [uris.ca, material.ca];
        const [first] = await source.certificates(uri);
        sameBytes(first?.der, stored.certificate.der, stored.label);
        return undefined;
      }),
    );
  }),
];

const numbers = Array.from({ length: PARALLEL }, (_, n) => n);
