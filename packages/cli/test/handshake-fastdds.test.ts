// The program as a live endpoint with the authentication plugin of Fast DDS, as Debian installs it.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import {
  converse,
  lacksPlugin,
  makeDriver,
  makeParticipants,
  makeToken,
  startOurs,
  startPlugin,
  writeConfiguration,
} from "./support/cyclone-peer.ts";
import { compileFastdds, lacksFastdds } from "./support/fastdds-deployment.ts";
import { ddscred, missing, root, run, temporaryFolder } from "./support/program.ts";

t.setTimeout(600_000);

const MODULE = "/usr/lib/softhsm/libsofthsm2.so";
const REQUEST = "DDS:Auth:PKI-DH:1.0+Req";
const REPLY = "DDS:Auth:PKI-DH:1.0+Reply";

// Tokens are read and written as the driver for Cyclone DDS does it, with the types of its headers.
const skip = lacksFastdds === false ? lacksPlugin : lacksFastdds;

t.test("Fast DDS's own authentication plugin", { skip, jobs: 1 }, async (t) => {
  const folder = temporaryFolder(t);
  const driver = makeFastddsDriver(folder);
  const begun: unknown[] = [];
  for (const keyType of ["ec", "rsa"] as const) {
    const place = join(folder, keyType);
    mkdirSync(place);
    makeParticipants(place, keyType);
    for (const [us, them] of [
      ["alice", "bob"],
      ["bob", "alice"],
    ] as const) {
      await t.test(`${keyType}, we are ${us}, the key in a file`, async (t) => {
        const [ours, theirs] = await converse(
          startOurs(place, us, ["--announce"]),
          startFastdds(driver, place, them),
        );
        t.match(ours.last, { authenticated: true, peer: `CN=${them},O=Example,C=NL` }, ours.stderr);
        t.match(theirs.last, { authenticated: true }, theirs.stderr);
        t.equal(ours.last["sharedSecretSha256"], theirs.last["sharedSecretSha256"]);
        begun.push(ours.lines[1]?.["class_id"]);
      });
    }

    t.test(`${keyType}, the key in SoftHSM`, { skip: missing("softhsm2-util") ?? false }, async (t) => {
      const { uri, env } = makeToken(place, "alice");
      const [ours, theirs] = await converse(
        startOurs(place, "alice", ["--announce", "--module", MODULE], { key: uri, env }),
        startFastdds(driver, place, "bob"),
      );
      t.match(ours.last, { authenticated: true }, ours.stderr);
      t.equal(ours.last["sharedSecretSha256"], theirs.last["sharedSecretSha256"]);
    });
  }
  t.strictSame(new Set(begun), new Set([REQUEST, REPLY]), "each of the two began");

  t.test("reads our numbers of Diffie-Hellman as they are", async (t) => {
    const classes: unknown[] = [];
    for (const [us, them] of [
      ["alice", "bob"],
      ["bob", "alice"],
    ] as const) {
      const [ours, theirs] = await converse(
        startOurs(join(folder, "rsa"), us, ["--announce", "--key-agreement", "dh"]),
        startFastdds(driver, join(folder, "rsa"), them),
      );
      t.match(ours.last, { authenticated: true }, ours.stderr);
      t.equal(ours.last["sharedSecretSha256"], theirs.last["sharedSecretSha256"]);
      classes.push(ours.lines[1]?.["class_id"]);
    }
    t.ok(classes.includes(REQUEST), "in one of the two we began");
  });

  t.test("authenticates with Cyclone DDS's as interop predicts", async (t) => {
    const place = join(folder, "ec");
    const { stdout } = ddscred([
      "interop",
      ...["alice", "bob"].map((name) => writeConfiguration(place, name)),
      "--format",
      "json",
    ]);
    const { pairs } = JSON.parse(stdout) as {
      pairs: { initiator: string; replier: string; completes: boolean }[];
    };
    const cyclone = makeDriver(folder);
    for (const [one, other] of [
      ["alice", "bob"],
      ["bob", "alice"],
    ] as const) {
      const [fastdds, cyclonedds] = await converse(
        startFastdds(driver, place, one, 10_000),
        startPlugin(cyclone, place, other, false),
      );
      const fastddsBegan = fastdds.lines[1]?.["class_id"] === REQUEST;
      const [initiator, replier] = fastddsBegan ? ["fastdds", "cyclonedds"] : ["cyclonedds", "fastdds"];
      const predicted = pairs.find((pair) => pair.initiator === initiator && pair.replier === replier);
      t.equal(fastdds.last["authenticated"] === true, predicted?.completes, `${initiator} begins`);
      t.equal(
        cyclonedds.last["authenticated"] === true,
        predicted?.completes,
        JSON.stringify(cyclonedds.last),
      );
      t.equal(cyclonedds.last["sharedSecretSha256"], fastdds.last["sharedSecretSha256"]);
    }
  });
});

function makeFastddsDriver(folder: string): string {
  const object = join(folder, "tokens.o");
  run("cc", ["-c", "-o", object, join(root, "interop/cyclonedds-auth/tokens.c")], { cwd: folder });
  return compileFastdds(folder, "authentication", object);
}

function startFastdds(driver: string, folder: string, name: string, timeout = 60_000): ChildProcess {
  const files = ["identity_ca.pem", `${name}.pem`, `${name}.key`];
  const documents = ["permissions_ca.pem", "governance.p7s", `permissions_${name}.p7s`];
  return spawn(
    driver,
    [...files, ...documents].map((file) => `file://${join(folder, file)}`),
    // Where nothing advances it waits for ever.
    { timeout },
  );
}
