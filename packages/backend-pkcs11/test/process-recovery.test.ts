import { setTimeout as sleep } from "node:timers/promises";
import { pkcs11Backend } from "@ddscred/backend-pkcs11";
import { CredentialError, signatureSchemes, webCrypto } from "@ddscred/core";
import t from "tap";
import { PIN } from "./support/softhsm.ts";
import { client, noTokenService, TokenService } from "./support/token-service.ts";

const scheme = signatureSchemes.ecdsa_p256_sha256;
const uri = `pkcs11:token=remote;object=key?pin-value=${PIN}`;
const RESTARTS = process.env["DDSCRED_TEST_LONG"] === "1" ? 100 : 10;
/** Milliseconds: of one call on the module, and for a module to start in a process of its own on a busy machine. */
const DEADLINE = 1000;
const START = 2000;
const ATTEMPTS = 3;
t.setTimeout(600_000);
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
    const backend = pkcs11Backend({ module: client, isolation, deadline: DEADLINE });
    t.teardown(() => backend.close());
    const signer = await backend.signer(uri);

    const made = { good: 0, wrong: 0, retryable: 0 };
    const surprises: unknown[] = [];
    let longest = 0;
    const end = new AbortController();
    const lanes = Array.from({ length: inFlight }, async (_, lane) => {
      for (let n = 0; !end.signal.aborted; n++) {
        const message = Buffer.from(`${lane}/${n}`);
        const began = performance.now();
        try {
          const signature = await signer.sign(scheme, message);
          const isGood = await webCrypto().verify(signer.publicKey, scheme, message, signature);
          made[isGood ? "good" : "wrong"]++;
        } catch (error) {
          if (error instanceof CredentialError && error.retryable) made.retryable++;
          else surprises.push(error);
          await sleep(5);
        }
        longest = Math.max(longest, performance.now() - began);
      }
    });

    let rounds = 0;
    let isGoingOn = true;
    while (rounds < RESTARTS && isGoingOn && surprises.length === 0) {
      await service.restart(rounds % 3 === 0 ? 50 : 0);
      const { good } = made;
      const patience = performance.now() + 20_000;
      while (made.good < good + inFlight && performance.now() < patience) await sleep(5);
      isGoingOn = made.good >= good + inFlight;
      rounds++;
    }
    end.abort();
    await Promise.all(lanes);
    t.same(surprises, [], "each call succeeds, or says that it may be tried again");
    t.equal(made.wrong, 0);
    t.ok(isGoingOn, "after each restart, with the same signer");
    t.equal(rounds, RESTARTS);
    const bound = ATTEMPTS * (DEADLINE + START);
    t.ok(longest < bound, `the longest call took ${longest.toFixed(0)} ms`);
    t.comment(
      `${rounds} restarts: ${made.good} signatures, ${made.wrong} wrong, ${made.retryable} retryable failures; the longest call took ${longest.toFixed(0)} ms`,
    );
  });
}
