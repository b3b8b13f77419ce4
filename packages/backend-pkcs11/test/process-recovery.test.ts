import { setTimeout as sleep } from "node:timers/promises";
import { pkcs11Backend } from "@ddscred/backend-pkcs11";
import { CredentialError, signatureSchemes, webCrypto } from "@ddscred/core";
import t from "tap";
import { PIN } from "./support/softhsm.ts";
import { client, noTokenService, TokenService } from "./support/token-service.ts";

const scheme = signatureSchemes.ecdsa_p256_sha256;
const uri = `pkcs11:token=remote;object=key?pin-value=${PIN}`;
const MILLISECONDS = process.env["DDSCRED_TEST_LONG"] === undefined ? 4000 : 30_000;
t.setTimeout(240_000);
const reason = noTokenService();

// The client of the service can wait for ever when two calls are under way as the service dies. In this
// process nothing ends such a wait, so only one call at a time is made there.
for (const { isolation, inFlight } of [
  { isolation: "process", inFlight: 16 },
  { isolation: "inline", inFlight: 1 },
] as const) {
  const name = `signing goes on after a token service died and came back: ${isolation}, ${inFlight} in flight`;
  t.test(name, reason === false ? {} : { skip: reason }, async (t) => {
    const service = new TokenService();
    t.teardown(() => service.remove());
    await service.start();
    const backend = pkcs11Backend({ module: client, isolation, deadline: 1000 });
    t.teardown(() => backend.close());
    const signer = await backend.signer(uri);

    const made = { good: 0, wrong: 0, retryable: 0 };
    const surprises: unknown[] = [];
    const end = new AbortController();
    const lanes = Array.from({ length: inFlight }, async (_, lane) => {
      for (let n = 0; !end.signal.aborted; n++) {
        const message = Buffer.from(`${lane}/${n}`);
        try {
          const signature = await signer.sign(scheme, message);
          const isGood = await webCrypto().verify(signer.publicKey, scheme, message, signature);
          made[isGood ? "good" : "wrong"]++;
        } catch (error) {
          if (error instanceof CredentialError && error.retryable) made.retryable++;
          else surprises.push(error);
          await sleep(5);
        }
      }
    });

    let rounds = 0;
    const over = performance.now() + MILLISECONDS;
    while (performance.now() < over && surprises.length === 0) {
      await service.restart(rounds % 3 === 0 ? 50 : 0);
      const { good } = made;
      const patience = performance.now() + 10_000;
      while (made.good === good && performance.now() < patience) await sleep(5);
      if (made.good === good) break;
      rounds++;
    }
    end.abort();
    await Promise.all(lanes);
    t.same(surprises, [], "each call succeeds, or says that it may be tried again");
    t.equal(made.wrong, 0);
    t.ok(performance.now() >= over, "after each restart, with the same signer");
    t.ok(rounds > 5);
    t.comment(`${rounds} restarts, ${made.good} signatures, ${made.retryable} retryable failures`);
  });
}
