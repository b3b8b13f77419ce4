// Outside truth, live: Fast DDS's own access control plugin, as Debian installs it, is asked about documents made at
// random, and every answer must be ours in its dialect. Skipped where it is not installed.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { mockGovernance, mockPermissions, mockPki } from "@ddscred/backend-mock";
import { CredentialError, parseCertificate, utf8Bytes, verifyDocument, webCrypto } from "@ddscred/core";
import { type AccessInput, compileAccess, type Decision, refusedDecision } from "@ddscred/dds-security";
import * as fc from "fast-check";
import t from "tap";
import { compileFastdds, lacksFastdds } from "./support/fastdds-deployment.ts";
import { temporaryFolder } from "./support/program.ts";
import { element, joined, mostly, several, text } from "./support/xml-arbitraries.ts";

t.setTimeout(600_000);

const DOMAIN = 5;
const TOPICS = ["Square", "Circle", "rt/a/b", "DCPSParticipant"];
const QUESTIONS = [
  "join",
  ...TOPICS.flatMap((topic) => [
    `publish\t${topic}`,
    `subscribe\t${topic}`,
    `publish\t${topic}\tP1`,
    `subscribe\t${topic}\tP1\tQ2`,
  ]),
];

t.test("Fast DDS's own plugin", { skip: lacksFastdds, jobs: 1 }, async (t) => {
  const folder = temporaryFolder(t);
  const driver = compileFastdds(folder, "access");
  const pki = await mockPki();
  const alice = await pki.issueIdentity("alice");
  writeFileSync(join(folder, "identity_ca.pem"), pki.identityCa.pem);
  writeFileSync(join(folder, "permissions_ca.pem"), pki.permissionsCa.pem);
  writeFileSync(join(folder, "alice.pem"), alice.pem);
  writeFileSync(join(folder, "alice.key"), alice.key.pem, { mode: 0o600 });
  const crypto = webCrypto();
  const ca = parseCertificate(pki.permissionsCa.der);
  const { subject } = parseCertificate(alice.der);
  const sign = async (file: string, xml: string) => {
    const signed = await pki.signDocument(xml);
    writeFileSync(join(folder, file), signed);
    return await verifyDocument(utf8Bytes(signed), { ca, crypto });
  };
  const answers = async (governance: string, permissions: string) => {
    const documents = {
      governance: await sign("governance.p7s", governance),
      permissions: await sign("permissions.p7s", permissions),
    };
    const ours = answer({ ...documents, subject, domain: DOMAIN, dialect: "fastdds" });
    return { ours, theirs: ask(driver, folder) };
  };

  t.test("answers documents made at random as its dialect does", async (t) => {
    const here = process.env["TZ"];
    const count = { opened: 0, refused: 0, allowed: 0, denied: 0 };
    const compare = async (governance: string, permissions: string, zone: string) => {
      process.env["TZ"] = zone;
      const { ours, theirs } = await answers(governance, permissions);
      count[ours[0] === "ok" ? "opened" : "refused"]++;
      count.allowed += ours.filter((line) => line === "yes").length;
      count.denied += ours.filter((line) => line.startsWith("no ")).length;
      return agree(ours, theirs);
    };
    const numRuns = process.env["DDSCRED_TEST_LONG"] === "1" ? 1_000 : 100;
    try {
      await fc.assert(fc.asyncProperty(governances, permissions, zones, compare), { numRuns });
    } finally {
      if (here === undefined) delete process.env["TZ"];
      else process.env["TZ"] = here;
    }
    for (const [what, times] of Object.entries(count)) t.ok(times > 5, `${times} ${what}`);
  });

  t.test("is older than the one of which the dialect is: what differs", async (t) => {
    for (const { why, from, to, ours: we, theirs: they } of OLDER) {
      const { ours, theirs } = await answers(GOVERNANCE.replace(from, to), PERMISSIONS.replace(from, to));
      t.equal(ours[0]?.split(" ")[0], we, `${to}: our dialect (${why})`);
      t.equal(theirs[0]?.split(" ")[0], they, `${to}: as Debian has it (${why})`);
    }
  });
});

function answer(input: AccessInput): readonly string[] {
  try {
    const access = compileAccess(input);
    const decisions = QUESTIONS.map((question) => {
      const [kind, topic = "", ...partitions] = question.split("\t");
      if (kind === "join") return access.join();
      return access[kind === "publish" ? "publish" : "subscribe"](topic, { partitions });
    });
    return ["ok", ...decisions.map(told)];
  } catch (error) {
    if (error instanceof CredentialError) return [`refused ${refusedDecision(error).reason}`];
    throw error;
  }
}

const told = ({ allowed, reason }: Decision): string => (allowed ? "yes" : `no ${reason}`);

/** What the plugin says, without where in its sources. */
function ask(driver: string, folder: string): readonly string[] {
  const files = ["identity_ca.pem", "alice.pem", "alice.key", "permissions_ca.pem"];
  const uris = [...files, "governance.p7s", "permissions.p7s"].map((name) => `file://${join(folder, name)}`);
  const { status, stdout } = spawnSync(driver, [String(DOMAIN), ...uris], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
    input: `${QUESTIONS.join("\n")}\n`,
  });
  if (status !== 0) return ["none"];
  return stdout
    .trimEnd()
    .split("\n")
    .filter((line) => /^(?:ok|refused|yes|no)/.test(line))
    .map((line) => line.replace(/ \(\S+:\d+\)$/, ""));
}

const GOVERNANCE = mockGovernance().replace(/(?<=<rtps_protection_kind>)[^<]*/, "ENCRYPT");
const PERMISSIONS = mockPermissions({ subject: "CN=alice,O=Example" });

/** Where the version that Debian has, 2.9, answers otherwise than the later one that the dialect is of. */
const OLDER = [
  ...["O=Example,CN=alice", '"CN"=alice,O=Example', 'CN=alice,O="Example"', "CN=al\\\\ice,O=Example"].map(
    (to) => ({
      why: "order, quotes and backslashes count in subject names",
      from: "CN=alice,O=Example",
      to,
      ours: "ok",
      theirs: "refused",
    }),
  ),
  {
    why: "a date without a time is one",
    from: /(?<=<not_before>)[^<]*/,
    to: "2020-01-01",
    ours: "refused",
    theirs: "ok",
  },
  {
    why: "unauthenticated participants may stand beside RTPS protection",
    from: /(?<=<allow_unauthenticated_participants>)[^<]*/,
    to: "true",
    ours: "refused",
    theirs: "ok",
  },
];

/** It finds no topic rule where later there is no domain rule, and of several partitions it names another. */
function inWordsOfBoth(line: string): string {
  return line
    .replace(/^no Not found topic access rule.*/, "no Not found topic access rule")
    .replace(/^no .* partition not found in rule\.$/, "no partition not found in rule.");
}

/** Opened or refused alike; every answer is the same, and every reason for denying too. */
function agree(ours: readonly string[], theirs: readonly string[]): boolean {
  const [opening = ""] = ours;
  if (opening.includes("allow_unauthenticated_participants cannot be enabled")) {
    return true;
  }
  if (opening.startsWith("refused") && theirs[0]?.startsWith("refused") === true) return true;
  const differ = ["opening", ...QUESTIONS].flatMap((question, i) =>
    inWordsOfBoth(ours[i] ?? "") === inWordsOfBoth(theirs[i] ?? "")
      ? []
      : [`${question}: ${ours[i]} | ${theirs[i]}`],
  );
  if (differ.length === 0) return true;
  throw new Error(`ours | theirs: ${differ.join("; ")}`);
}

const id = fc.constantFrom("0", "4", "5", "6", "230", " 5", "05", "0x5");
const range = fc.oneof(
  joined(element("min", id), element("max", id)),
  element("min", id),
  element("max", id),
  mostly("<min>0</min><max>230</max>", "<min>6</min><max>4</max>", "<max>9</max><min>3</min>", "<min/>"),
);
const domains = element(
  "domains",
  fc.oneof(
    { weight: 6, arbitrary: text("<id_range><min>0</min><max>230</max></id_range>") },
    { weight: 2, arbitrary: several(fc.oneof(element("id", id), element("id_range", range)), 1, 3) },
    { weight: 1, arbitrary: mostly("<id>5</id>", "", "<id>five</id>", "<id/>", "<x>5</x>", "<id>-1</id>") },
  ),
);
const yes = mostly("true", "false", "TRUE", "1", "0", "False", "tRUE", "yes", "");
const kind = mostly("ENCRYPT", "NONE", "SIGN", "SIGN_WITH_ORIGIN_AUTHENTICATION", "encrypt", "");
const pattern = fc.constantFrom(
  ..."Square Circle * S* *e Sq?are [S-T]quare [!C]* [^C]* rt/* [ab [S]]quare a\\* *a* DCPS*".split(" "),
);
const topicRule = element(
  "topic_rule",
  joined(
    element("topic_expression", pattern),
    element("enable_discovery_protection", yes),
    element("enable_liveliness_protection", yes),
    element("enable_read_access_control", fc.constantFrom("true", "true", "false")),
    element("enable_write_access_control", fc.constantFrom("true", "true", "false")),
    element("metadata_protection_kind", kind),
    element("data_protection_kind", mostly("ENCRYPT", "NONE", "SIGN", "ENCRYPT_WITH_ORIGIN_AUTHENTICATION")),
  ),
);
const lastRule = topicRule.map((rule) => rule.replace(/(?<=<topic_expression>)[^<]*/, "*"));
const domainRule = element(
  "domain_rule",
  fc
    .tuple(
      domains,
      element("allow_unauthenticated_participants", mostly("false", "true", "FALSE", "0")),
      element("enable_join_access_control", yes),
      element("discovery_protection_kind", kind),
      element("liveliness_protection_kind", kind),
      element("rtps_protection_kind", kind),
      element("topic_access_rules", joined(several(topicRule, 0, 2), fc.oneof(lastRule, topicRule))),
    )
    .chain((parts) =>
      fc.oneof(
        { weight: 30, arbitrary: text(parts.join("")) },
        { weight: 1, arbitrary: text(parts.toReversed().join("")) },
        { weight: 1, arbitrary: fc.nat(6).map((left) => parts.filter((_, i) => i !== left).join("")) },
      ),
    ),
);
const governances = element("dds", element("domain_access_rules", several(domainRule, 1, 2)));

const partitions = element(
  "partitions",
  several(element("partition", fc.constantFrom("P1", "P*", "Q?", "", "*")), 1, 2),
);
const criterion = fc
  .constantFrom("publish", "subscribe")
  .chain((action) =>
    element(
      action,
      joined(
        element("topics", several(element("topic", pattern), 1, 3)),
        fc.oneof(text(""), text(""), partitions),
        mostly("", "<data_tags><tag><name>a</name><value>b</value></tag></data_tags>", "<x/>"),
      ),
    ),
  );
const rule = fc
  .constantFrom("allow_rule", "allow_rule", "deny_rule")
  .chain((action) => element(action, joined(domains, several(criterion, 0, 3))));
const subjectName = mostly(
  "CN=alice,O=Example",
  "CN=alice, O=Example",
  " CN=alice,O=Example ",
  "CN=bob,O=Example",
  "/O=Example/CN=alice",
  "CN=alice",
  "CN=alice,O=Example,C=X",
  "cn=alice,o=Example",
  "O=Example+CN=alice",
);
/** Half an hour, or hours, from now; what is said of a zone does not count. */
const moment = fc
  .tuple(fc.integer({ min: -30, max: 30 }), fc.constantFrom("", "Z", ".5Z", "+05:00", "-11:30"))
  .map(([halves, zone]) => {
    const away = halves * 30 * 60_000 + 15 * 60_000;
    return new Date(Date.now() + away).toISOString().slice(0, 19) + zone;
  });
const time = (usual: string, ...others: readonly string[]) =>
  fc.oneof({ weight: 8, arbitrary: mostly(usual, ...others) }, { weight: 1, arbitrary: moment });
const validity = element(
  "validity",
  joined(
    element("not_before", time("2020-01-01T00:00:00", "soon", "2090-01-01T00:00:00Z")),
    element(
      "not_after",
      time("2050-01-01T00:00:00Z", "2021-01-01T00:00:00", "2050-02-30T00:00:00Z", "9999-12-31T23:59:59Z"),
    ),
  ),
);
const grant = element(
  "grant",
  joined(
    element("subject_name", subjectName),
    validity,
    several(rule, 0, 4),
    fc.oneof(
      { weight: 10, arbitrary: text("<default>DENY</default>") },
      { weight: 5, arbitrary: text("<default>ALLOW</default>") },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          "",
          "<default>allow</default>",
          "<Default>ALLOW</Default>",
          "<default>DENY</default><x/>",
        ),
      },
    ),
  ),
  ' name="g"',
);
const permissions = element("dds", element("permissions", several(grant, 1, 2)));
/** The plugin takes times for local ones. */
const zones = fc.constantFrom("UTC", "Asia/Tokyo", "America/New_York");
