// Real Cyclone DDS takes what ddscred makes: keys of both CAs generated and kept on a token, certificates issued and
// documents signed there. Two ddsperf processes talk under full protection, and what ddscred access foretells happens.

import t from "tap";
import { CycloneDeployment, plugins } from "./support/cyclone-deployment.ts";
import { CANARY } from "./support/made-deployment.ts";
import { missing, temporaryFolder } from "./support/program.ts";

t.setTimeout(600_000);

const skip =
  missing("softhsm2-util", "openssl", "ddsperf") ??
  (plugins === undefined ? "the security plugins of Cyclone DDS are not installed" : false);

for (const [index, keyType] of (["ec-p256", "rsa-2048"] as const).entries()) {
  t.test(`participants of Cyclone DDS with ${keyType} keys`, { skip, jobs: 1 }, async (t) => {
    const deployment = new CycloneDeployment(temporaryFolder(t), keyType, 77 + index);

    t.test("exchange samples under full protection, as foretold", async (t) => {
      const [alice, bob] = [deployment.configuration("alice"), deployment.configuration("bob")];
      for (const file of [alice, bob]) {
        t.equal(deployment.program("check", file, "--peer", "cyclonedds").status, 0, file);
        t.equal(deployment.access(file, "--publish", "DDSPerfRDataKS").allowed, true);
        t.equal(deployment.access(file, "--subscribe", "DDSPerfRDataKS").allowed, true);
      }
      const [sub, pub] = await Promise.all([
        deployment.ddsperf(bob, 6, "sub"),
        deployment.ddsperf(alice, 5, "pub", "100Hz"),
      ]);
      t.equal(pub.status, 0, pub.stdout + pub.stderr);
      t.equal(sub.status, 0, sub.stdout + sub.stderr);
      const received = Math.max(
        0,
        ...[...sub.stdout.matchAll(/total (\d+) lost/g)].map((match) => Number(match[1])),
      );
      t.ok(received > 100, `${received} samples came`);
    });

    t.test("a topic that the grant does not allow is denied, as foretold", async (t) => {
      const file = deployment.configuration("mute");
      t.equal(deployment.program("check", file).status, 0, "it is a good configuration");
      const foretold = deployment.access(file, "--publish", "DDSPerfRDataKS");
      t.match(foretold, { allowed: false, rule: { file: /mute\.p7s$/ } });
      t.equal(deployment.access(file, "--topic", "DDSPerfRDataKS").allowed, true);
      t.equal(deployment.access(file, "--publish", "DDSPerfRPongKS", "--partition", "x").allowed, true);
      const outcome = await deployment.ddsperf(file, 3, "pub", "100Hz");
      t.not(outcome.status, 0);
      t.match(outcome.stdout + outcome.stderr, /dds_create_writer\(DDSPerfRDataKS\) failed/);
    });

    t.test("a document signed by another key is refused, as foretold", async (t) => {
      const file = deployment.configuration("forged");
      t.equal(deployment.program("check", file).status, 1);
      t.equal(deployment.access(file, "--join").allowed, false);
      const outcome = await deployment.ddsperf(file, 3, "sub");
      t.not(outcome.status, 0);
      t.match(outcome.stdout + outcome.stderr, /validating local permissions/);
    });

    t.notMatch(deployment.printed, CANARY);
  });
}
