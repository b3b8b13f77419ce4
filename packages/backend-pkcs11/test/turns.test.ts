import { setImmediate as nextTurn } from "node:timers/promises";
import { conformanceMaterial as material } from "@ddscred/backend-conformance";
import { pkcs11Backend } from "@ddscred/backend-pkcs11";
import { webCrypto } from "@ddscred/core";
import t from "tap";
import { inTurns, sortedInTurns } from "../dist/objects/in-turns.js";
import { certificateObject, privateKeyObject } from "./support/objects.ts";
import { module, PIN, skip, TokenFolder } from "./support/softhsm.ts";

const MEGABYTE = 1 << 20;

t.test("what is sorted in turns is sorted, and what is equal keeps its order", async (t) => {
  for (const length of [0, 1, 63, 64, 65, 1000, 5000]) {
    const all = Array.from({ length }, (_, n) => ({ key: (n * 7919) % 97, n }));
    const compare = (a: { key: number }, b: { key: number }): number => a.key - b.key;
    t.same(await sortedInTurns(all, compare), [...all].sort(compare), String(length));
  }
});

t.test("the event loop turns while many are sorted, and while something is made of each", async (t) => {
  const all = Array.from({ length: 20_000 }, (_, n) => (n * 7919) % 20_011);
  const slowly = <T>(result: T): T => {
    for (const end = performance.now() + 0.002; performance.now() < end; );
    return result;
  };
  t.ok((await turnsDuring(() => sortedInTurns(all, (a, b) => slowly(a - b)))) >= 10);
  t.ok((await turnsDuring(() => inTurns(all, slowly))) >= 5);
});

t.test("a large message is hashed and verified in turns, and its signature is good", { skip }, async (t) => {
  const folder = new TokenFolder();
  t.teardown(() => folder.remove());
  folder.add("large", [
    privateKeyObject(material.ec.privateKey.der, { label: "ec", id: "01" }),
    certificateObject(material.ec.certificate.der, { label: "ec", id: "01" }),
    privateKeyObject(material.rsa.privateKey.der, { label: "rsa", id: "02" }),
  ]);
  for (const isolation of ["inline", "process"] as const) {
    const backend = pkcs11Backend({ module, isolation });
    t.teardown(() => backend.close());
    for (const label of ["ec", "rsa"]) {
      const signer = await backend.signer(`pkcs11:token=large;object=${label}?pin-value=${PIN}`);
      for (const scheme of signer.schemes.slice(0, 2)) {
        const message = Buffer.alloc(24 * MEGABYTE, scheme.name);
        let signature: Uint8Array = new Uint8Array();
        const turns = await turnsDuring(async () => {
          signature = await signer.sign(scheme, message);
        });
        t.ok(await webCrypto().verify(signer.publicKey, scheme, message, signature), scheme.name);
        t.ok(turns >= 4, `${turns} turns`);
        message[5] = 0; // nothing is kept of a call for the next one
        signature = await signer.sign(scheme, message);
        t.ok(await webCrypto().verify(signer.publicKey, scheme, message, signature));
      }
      const [scheme] = signer.schemes;
      if (scheme === undefined) continue;
      const changing = Buffer.alloc(24 * MEGABYTE);
      const signing = signer.sign(scheme, changing).then(
        () => undefined,
        (error: unknown) => error,
      );
      changing[0] = 1; // after its piece was hashed
      t.match(await signing, { name: "TypeError", message: /changed while it was signed/ });
      const small = Buffer.from("small");
      const signed = signer.sign(scheme, small);
      small[0] = 0;
      t.ok(await webCrypto().verify(signer.publicKey, scheme, Buffer.from("small"), await signed));
    }
  }
});

/** How often the event loop turned. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  const state = { isDone: false };
  const done = work().finally(() => {
    state.isDone = true;
  });
  while (!state.isDone) {
    await nextTurn();
    turns++;
  }
  await done;
  return turns;
}
