// The program as a live endpoint: with itself, and with the authentication plugin of Cyclone DDS.

import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import {
  converse,
  type End,
  lacksPlugin,
  makeDriver,
  makeParticipants,
  makeToken,
  revokeBob,
  startOurs,
  startPlugin,
  writeConfiguration,
} from "./support/cyclone-peer.ts";
import { ddscred, missing, temporaryFolder } from "./support/program.ts";
import { PIN } from "./support/softhsm.ts";

t.setTimeout(600_000);

const MODULE = "/usr/lib/softhsm/libsofthsm2.so";

t.test("two endpoints of ours", { skip: missing("openssl") ?? false }, async (t) => {
  const folder = temporaryFolder(t);
  makeParticipants(folder, "ec");

  t.test("authenticate with nothing but the three tokens on their lines", async (t) => {
    const [one, other] = await converse(
      startOurs(folder, "alice", ["--role", "initiator"]),
      startOurs(folder, "bob", ["--role", "replier"]),
    );
    agree(t, one, other);
    t.same(classes(one), ["DDS:Auth:PKI-DH:1.0+Req", "DDS:Auth:PKI-DH:1.0+Final"]);
    t.same(classes(other), ["DDS:Auth:PKI-DH:1.0+Reply"]);
    t.equal(one.last["peer"], "CN=bob,O=Example,C=NL");
    t.equal(other.last["peer"], "CN=alice,O=Example,C=NL");
  });

  t.test("take what discovery brings as bare tokens too", async (t) => {
    const before = [
      {
        class_id: "DDS:Auth:PKI-DH:1.0",
        properties: [{ name: "dds.cert.algo", value: "RSA-2048", propagate: true }],
      },
      {
        class_id: "DDS:Auth:PKI-DH:1.0+AuthReq",
        binary_properties: [{ name: "future_challenge", value: Buffer.alloc(32).toString("base64") }],
      },
    ];
    const [one, other] = await converse(
      startOurs(folder, "alice", ["--role", "initiator", "--timeout", "2"]),
      startOurs(folder, "bob", ["--role", "replier", "--timeout", "2"]),
      (line) => [...before, line],
    );
    t.match(other.last, { authenticated: false, code: "HANDSHAKE_REPLAYED" }, "the challenge is another one");
    t.match(one.last, { authenticated: false, code: "HANDSHAKE_TIMEOUT" });
  });

  t.test("find out who begins where they announce themselves, in both orders", async (t) => {
    const [one, other] = await converse(
      startOurs(folder, "alice", ["--announce", "--key-agreement", "dh"]),
      startOurs(folder, "bob", ["--announce", "--key-agreement", "dh", "--dh-form", "der"]),
    );
    agree(t, one, other);
  });

  t.test("refuse wrong lines, go on, and complete with the right ones", async (t) => {
    const wrong = [
      {},
      { class_id: 1 },
      { class_id: "DDS:Auth:PKI-DH:1.0+Req", binary_properties: [{ name: "c.id", value: "*" }] },
      { class_id: "DDS:Auth:PKI-DH:1.0+Req", binary_properties: [] },
      { class_id: "DDS:Auth:PKI-DH:1.0+Other" },
      { guid: "00" },
    ];
    const [one, other] = await converse(
      startOurs(folder, "alice", ["--role", "initiator"]),
      startOurs(folder, "bob", ["--role", "replier"]),
      (line) => [...wrong, altered(line), line, line],
    );
    agree(t, one, other);
    t.match(other.stderr, /refused {2}HANDSHAKE_TOKEN_INVALID/);
  });

  t.test("say on the last line why there is no peer", async (t) => {
    const alone = startOurs(folder, "alice", ["--role", "initiator", "--timeout", "1"]);
    const nobody = spawn(process.execPath, ["-e", "process.stdin.resume()"]);
    const [silent] = await converse(alone, nobody);
    t.match(silent.last, { authenticated: false, code: "HANDSHAKE_TIMEOUT" });
    t.equal(silent.status, 1);
    const [mirrored] = await converse(
      startOurs(folder, "alice", ["--role", "replier", "--timeout", "20"]),
      startOurs(folder, "alice", ["--role", "initiator", "--guid", "00".repeat(16), "--timeout", "1"]),
      (line) => [{ ...line, class_id: "DDS:Auth:PKI-DH:2.0+Req" }],
    );
    t.match(mirrored.last, { authenticated: false, code: "HANDSHAKE_TOKEN_INVALID" });
  });

  t.test("refuse a peer whose certificate is revoked", async (t) => {
    const list = `org.eclipse.cyclonedds.sec.auth.crl=file:${join(folder, revokeBob(folder))}`;
    const [one, other] = await converse(
      startOurs(folder, "alice", ["--role", "replier", "--timeout", "2", "--property", list]),
      startOurs(folder, "bob", ["--role", "initiator", "--timeout", "2"]),
    );
    t.match(one.last, { authenticated: false, code: "CERTIFICATE_REVOKED" });
    t.equal(one.status, 1);
    t.match(other.last, { authenticated: false, code: "HANDSHAKE_TIMEOUT" });
  });

  t.test("are predicted by interop", async (t) => {
    const sources = ["alice", "bob"].map((name) => writeConfiguration(folder, name));
    const { status, stdout } = ddscred(["interop", ...sources, "--format", "json"]);
    t.equal(status, 0, stdout);
    const report = JSON.parse(stdout) as {
      pairs: { initiator: string; replier: string; completes: boolean }[];
    };
    t.match(report, { authenticates: true });
    const completes = (initiator: string, replier: string) =>
      report.pairs.find((pair) => pair.initiator === initiator && pair.replier === replier)?.completes;
    // As they were seen to do.
    t.equal(completes("cyclonedds", "cyclonedds"), true);
    t.equal(completes("fastdds", "fastdds"), true);
    t.equal(completes("cyclonedds", "fastdds"), true);
    t.equal(completes("fastdds", "cyclonedds"), false);
    t.equal(completes("cyclonedds", "ddscred"), true);
    t.equal(completes("ddscred", "cyclonedds"), true);
    const [one = ""] = sources;
    const elsewhere = temporaryFolder(t);
    makeParticipants(elsewhere, "ec");
    // Their CA has the same name, and another key.
    const strangers = ddscred(["interop", one, writeConfiguration(elsewhere, "bob"), "--format", "json"]);
    t.equal(strangers.status, 1);
    t.match(JSON.parse(strangers.stdout), { authenticates: false, code: "SIGNATURE_INVALID" });
    t.equal(ddscred(["interop", one]).status, 2);
  });

  t.test("take one configuration, and a role", async (t) => {
    for (const args of [[], ["--role", "both"], ["--announce"], ["a.xml", "b.xml", "--announce"]]) {
      t.equal(ddscred(["handshake", ...args]).status, 2, args.join(" "));
    }
  });
});

t.test("Cyclone DDS's own authentication plugin", { skip: lacksPlugin }, async (t) => {
  const folder = temporaryFolder(t);
  const driver = makeDriver(folder);
  const skip = missing("softhsm2-util") ?? false;
  for (const keyType of ["ec", "rsa"] as const) {
    const place = join(folder, keyType);
    mkdirSync(place);
    makeParticipants(place, keyType);
    for (const [us, them] of [
      ["alice", "bob"],
      ["bob", "alice"],
    ] as const) {
      t.test(`${keyType}, we are ${us}, the key in a file`, async (t) => {
        for (const optional of [false, true]) {
          const [ours, theirs] = await converse(
            startOurs(place, us, ["--announce"]),
            startPlugin(driver, place, them, optional),
          );
          agree(t, ours, theirs);
          t.equal(ours.last["peer"], `CN=${them},O=Example,C=NL`);
        }
      });

      t.test(`${keyType}, we are ${us}, the key in SoftHSM`, { skip }, async (t) => {
        const { uri, env } = makeToken(place, us);
        const [ours, theirs] = await converse(
          startOurs(place, us, ["--announce", "--module", MODULE], { key: uri, env }),
          startPlugin(driver, place, them, false),
        );
        agree(t, ours, theirs);
        t.notMatch(JSON.stringify(ours.lines) + ours.stderr, `pin-value=${PIN}`);
      });
    }
  }

  t.test("wrong tokens on the way, in both directions, change nothing", async (t) => {
    for (const [us, them] of [
      ["alice", "bob"],
      ["bob", "alice"],
    ] as const) {
      const [ours, theirs] = await converse(
        startOurs(join(folder, "ec"), us, ["--announce"]),
        startPlugin(driver, join(folder, "ec"), them, true),
        (line) => ("guid" in line ? [line] : [altered(line, "c.kagree_algo"), line]),
      );
      agree(t, ours, theirs);
    }
  });

  t.test("numbers of Diffie-Hellman: it reads DER alone, and is answered as it asks", async (t) => {
    const outcomes: unknown[] = [];
    for (const [us, them] of [
      ["alice", "bob"],
      ["bob", "alice"],
    ] as const) {
      const options = ["--announce", "--key-agreement", "dh", "--dh-form", "der"];
      const place = join(folder, "rsa");
      const [ours, theirs] = await converse(
        startOurs(place, us, options),
        startPlugin(driver, place, them, false),
      );
      agree(t, ours, theirs);
      outcomes.push(...classes(ours));
    }
    t.ok(outcomes.includes("DDS:Auth:PKI-DH:1.0+Req"), "in one of the two we began");
  });
});

/** Both authenticated, and hold the same secret. */
function agree(t: Test, one: End, other: End): void {
  t.equal(one.status, 0, JSON.stringify(one.last) + one.stderr);
  t.equal(other.status, 0, JSON.stringify(other.last) + other.stderr);
  t.match(one.last, { authenticated: true, sharedSecretSha256: /^[0-9a-f]{64}$/ });
  t.equal(one.last["sharedSecretSha256"], other.last["sharedSecretSha256"]);
}

const classes = ({ lines }: End): readonly unknown[] =>
  lines.map((line) => line["class_id"]).filter((classId) => classId !== undefined);

type Line = Readonly<Record<string, unknown>>;

/** The token with another octet in the middle of one value: of this field, or else of the last. */
function altered(line: Line, field?: string): Line {
  const properties = line["binary_properties"] as readonly { name: string; value: string }[];
  const name = (properties.find((property) => property.name === field) ?? properties.at(-1))?.name;
  const changed = properties.map((property) => {
    if (property.name !== name) return property;
    const octets = Buffer.from(property.value, "base64");
    octets[octets.length >> 1] = (octets[octets.length >> 1] ?? 0) ^ 1;
    return { name, value: octets.toString("base64") };
  });
  return { ...line, binary_properties: changed };
}
