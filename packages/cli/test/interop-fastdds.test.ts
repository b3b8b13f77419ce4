// Real Fast DDS takes what ddscred makes: keys of both CAs generated and kept on a token, certificates issued and
// documents signed there. Two participants of a small program of ours talk under full protection, and what ddscred
// access foretells happens.

import t from "tap";
import { compileFastdds, engine, FastddsDeployment, lacksFastdds } from "./support/fastdds-deployment.ts";
import { CANARY } from "./support/made-deployment.ts";
import { missing, temporaryFolder } from "./support/program.ts";

t.setTimeout(600_000);

const skip = missing("softhsm2-util", "openssl") ?? lacksFastdds;
const program = skip === false ? compileFastdds(temporaryFolder(t), "participant") : "";

for (const [index, keyType] of (["ec-p256", "rsa-2048"] as const).entries()) {
  t.test(`participants of Fast DDS with ${keyType} keys`, { skip, jobs: 1 }, async (t) => {
    const deployment = new FastddsDeployment(program, temporaryFolder(t), keyType, 87 + index);

    t.test("exchange samples under full protection, as foretold", async (t) => {
      const [alice, bob] = [deployment.profile("alice"), deployment.profile("bob")];
      for (const file of [alice, bob]) {
        const { status, stdout } = deployment.check(file);
        t.equal(status, 0, status === 0 ? file : stdout);
        t.equal(deployment.access(file, "--publish", "Square").allowed, true);
        t.equal(deployment.access(file, "--subscribe", "Square").allowed, true);
      }
      const [sub, pub] = await Promise.all([
        deployment.run(bob, "sub", "Square", 30),
        deployment.run(alice, "pub", "Square", 30),
      ]);
      t.match(
        pub,
        { participant: true, endpoint: true, matched: true },
        pub.matched === true ? "it finds its peer" : pub.log,
      );
      t.match(
        sub,
        { participant: true, endpoint: true, matched: true },
        sub.matched === true ? "it finds its peer" : sub.log,
      );
      t.ok((sub.samples ?? 0) >= 10, `${sub.samples} samples came`);
    });

    t.test("a topic that the grant does not allow is denied, as foretold", async (t) => {
      const file = deployment.profile("mute");
      t.equal(deployment.check(file).status, 0, "it is a good configuration");
      const foretold = deployment.access(file, "--publish", "Square");
      t.match(foretold, { allowed: false, rule: { file: /mute\.p7s$/ } });
      t.equal(deployment.access(file, "--subscribe", "Square").allowed, true);
      const denied = await deployment.run(file, "pub", "Square", 3);
      t.match(denied, { participant: true, topic: true, endpoint: false });
      t.ok(denied.log.includes(foretold.reason), `for the reason that we give: ${foretold.reason}`);
      t.match(await deployment.run(file, "sub", "Square", 0.1), { endpoint: true });
    });

    t.test("a document signed by another key is refused, as foretold", async (t) => {
      const file = deployment.profile("forged");
      t.equal(deployment.check(file).status, 1);
      t.equal(deployment.access(file, "--join").allowed, false);
      const refused = await deployment.run(file, "sub", "Square", 3);
      t.match(refused, { participant: false });
      t.match(refused.log, /Cannot create participant/);
    });

    const noEngine = engine === undefined ? "libengine-pkcs11-openssl not installed" : false;
    t.test("one of them signs on the token itself", { skip: noEngine }, async (t) => {
      const uri = "pkcs11:token=CA;object=dora;type=private";
      const [dora, bob] = [deployment.profile("dora", uri), deployment.profile("bob")];
      const { status, stdout } = deployment.check(dora);
      t.equal(status, 0, status === 0 ? dora : stdout);
      t.equal(deployment.access(dora, "--publish", "Square").allowed, true);
      const [sub, pub] = await Promise.all([
        deployment.run(bob, "sub", "Square", 30),
        deployment.run(dora, "pub", "Square", 30),
      ]);
      t.match(
        pub,
        { participant: true, matched: true },
        pub.matched === true ? "it finds its peer" : pub.log,
      );
      t.ok((sub.samples ?? 0) >= 10, `${sub.samples} samples came`);
    });

    t.notMatch(deployment.made.printed, CANARY);
  });
}
