// Outside truth, live: Cyclone DDS's own access control plugin is asked about documents made at random, and every
// answer, code and message must be ours in its dialect. Skipped where it is not installed.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mockPki } from "@ddscred/backend-mock";
import { CredentialError, parseCertificate, utf8Bytes, verifyDocument, webCrypto } from "@ddscred/core";
import { compileAccess, type Decision, refusedDecision } from "@ddscred/dds-security";
import * as fc from "fast-check";
import t from "tap";
import { missing, root, run, temporaryFolder } from "./support/program.ts";
import { element, joined, mostly, several, text } from "./support/xml-arbitraries.ts";

const installed = (name: string) =>
  readdirSync("/usr/lib")
    .map((folder) => join("/usr/lib", folder, name))
    .find((path) => existsSync(path));
const plugin = installed("libddsc0debian/libdds_security_ac.so");
const library = installed("libddsc.so.0debian");
const skip =
  missing("cc") ??
  (plugin === undefined || library === undefined || !existsSync("/usr/include/dds/security")
    ? "Cyclone DDS is not installed (libddsc0debian, cyclonedds-dev)"
    : false);

const DOMAIN = 5;
/** Of creating topics nothing is asked: the dialect is that of versions after the one that Debian has. */
const QUESTIONS = [
  "join",
  ...["Square", "Circle", "rt/a/b", "caf\u00e9", "DCPSParticipant", "DCPSx"].flatMap((topic) => [
    `publish\t${topic}`,
    `subscribe\t${topic}`,
    `publish\t${topic}\tP1`,
    `subscribe\t${topic}\tP1\tQ2`,
    `publish\t${topic}\t`,
  ]),
];

t.test("Cyclone DDS's own plugin answers as its dialect does", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const driver = join(folder, "driver");
  const source = join(root, "interop/cyclonedds-access/driver.c");
  run("cc", ["-O1", "-o", driver, source, "-ldl", library ?? ""], { cwd: folder });
  const pki = await mockPki();
  const alice = await pki.issueIdentity("alice");
  writeFileSync(join(folder, "ca.pem"), pki.permissionsCa.pem);
  writeFileSync(join(folder, "alice.pem"), alice.pem);
  const crypto = webCrypto();
  const ca = parseCertificate(pki.permissionsCa.der);
  const { subject } = parseCertificate(alice.der);
  let refusals = 0;
  await fc.assert(
    fc.asyncProperty(governances, permissions, async (governance, permission) => {
      const signed = {
        governance: await pki.signDocument(governance),
        permissions: await pki.signDocument(permission),
      };
      writeFileSync(join(folder, "governance.p7s"), signed.governance);
      writeFileSync(join(folder, "permissions.p7s"), signed.permissions);
      const theirs = ask(driver, folder);
      const ours: string[] = [];
      try {
        const access = compileAccess({
          governance: await verifyDocument(utf8Bytes(signed.governance), { ca, crypto }),
          permissions: await verifyDocument(utf8Bytes(signed.permissions), { ca, crypto }),
          subject,
          domain: DOMAIN,
          dialect: "cyclonedds",
        });
        ours.push("ok");
        for (const question of QUESTIONS) {
          const [kind, topic = "", ...partitions] = question.split("\t");
          if (kind === "join") ours.push(told(access.join()));
          else if (kind === "publish") ours.push(told(access.publish(topic, { partitions })));
          else ours.push(told(access.subscribe(topic, { partitions })));
        }
      } catch (error) {
        if (!(error instanceof CredentialError)) throw error;
        const { code, reason } = refusedDecision(error);
        ours.push(`refused ${code} ${reason}`);
        refusals++;
      }
      return agree(ours, theirs);
    }),
    { numRuns: process.env["DDSCRED_TEST_LONG"] === "1" ? 3_000 : 80, examples: faultyTwice },
  );
  t.ok(refusals > 3, `${refusals} documents were refused`);
});

const told = ({ allowed, code, reason }: Decision): string => (allowed ? "yes" : `no ${code} ${reason}`);

/** What the plugin says; it does not survive every document. */
function ask(driver: string, folder: string): readonly string[] {
  const uri = (name: string) => `file:${join(folder, name)}`;
  const files = ["ca.pem", "alice.pem", "ca.pem", "governance.p7s", "permissions.p7s"].map(uri);
  const { status, stdout } = spawnSync(driver, [plugin ?? "", String(DOMAIN), ...files], {
    encoding: "utf8",
    input: `${QUESTIONS.join("\n")}\n`,
  });
  if (status !== 0) return ["none"];
  // What its parser prints of its own goes before.
  const lines = stdout.split("\n").filter((line) => /^(?:ok|refused|yes|no)/.test(line));
  return lines;
}

/** All answers, codes and messages are the same; of a refusal the code is, and what it says may go on. */
function agree(ours: readonly string[], theirs: readonly string[]): boolean {
  const [first = ""] = theirs;
  if (first === "none") return ours[0]?.startsWith("refused") === true;
  if (first.startsWith("refused")) {
    if (ours.length === 1 && ours[0]?.startsWith(first.trim()) === true) return true;
    throw new Error(`ours | theirs: ${ours[0]} | ${first}`);
  }
  if (ours.join("\n") === theirs.join("\n")) return true;
  const differ = QUESTIONS.flatMap((question, i) =>
    ours[i + 1] === theirs[i + 1] ? [] : [`${question}: ${ours[i + 1]} | ${theirs[i + 1]}`],
  );
  throw new Error(`ours | theirs: ${differ.join("; ")}`);
}

const id = fc.constantFrom("0", "4", "5", "6", "230");
const domains = element(
  "domains",
  fc.oneof(
    { weight: 20, arbitrary: text("<id_range><min>0</min><max>230</max></id_range>") },
    { weight: 4, arbitrary: several(element("id", id), 1, 3) },
    { weight: 4, arbitrary: element("id_range", joined(element("min", id), element("max", id))) },
    { weight: 2, arbitrary: element("id_range", element("min", id)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "<id>0x5</id>",
        "<id>05</id>",
        "<id> +5 </id>",
        "<id>231</id>",
        "<id>five</id>",
        "<id/>",
      ),
    },
  ),
);
const yes = mostly("true", "false", "TRUE", "1", "0", "False", " true ", "yes", "");
const kind = mostly("ENCRYPT", "NONE", "SIGN", "SIGN_WITH_ORIGIN_AUTHENTICATION", "encrypt", "");
const pattern = fc.constantFrom(
  ..."Square Circle * S* *e Sq?are [S-T]quare [!C]* [^C]* caf? caf?? rt/* [] [ab [S]]quare a\\* *a* DCPS*".split(
    " ",
  ),
  " Square ",
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
const lastRule = text(
  "<topic_rule><topic_expression>*</topic_expression><enable_discovery_protection>true</enable_discovery_protection><enable_liveliness_protection>true</enable_liveliness_protection><enable_read_access_control>true</enable_read_access_control><enable_write_access_control>true</enable_write_access_control><metadata_protection_kind>NONE</metadata_protection_kind><data_protection_kind>NONE</data_protection_kind></topic_rule>",
);
const domainRule = element(
  "domain_rule",
  fc
    .tuple(
      domains,
      element("allow_unauthenticated_participants", yes),
      element("enable_join_access_control", yes),
      element("discovery_protection_kind", kind),
      element("liveliness_protection_kind", kind),
      element("rtps_protection_kind", kind),
      element(
        "topic_access_rules",
        joined(several(topicRule, 0, 2), fc.oneof(lastRule, lastRule, topicRule)),
      ),
    )
    .chain((parts) =>
      fc.oneof(
        { weight: 20, arbitrary: text(parts.join("")) },
        { weight: 1, arbitrary: text(parts.toReversed().join("")) },
        { weight: 1, arbitrary: fc.nat(6).map((left) => parts.filter((_, i) => i !== left).join("")) },
        {
          weight: 1,
          arbitrary: text(`${parts.join("")}<rtps_psk_protection_kind>NONE</rtps_psk_protection_kind>`),
        },
      ),
    ),
);
const governances = element(
  "dds",
  element("domain_access_rules", several(domainRule, 1, 2)),
  ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
);

/** Of two things that are wrong, the one that the plugin meets first is told. */
const faultyTwice = [
  "<id_range><min>230</min><max>5</max></id_range>",
  "",
  "<id_range><max>5</max></id_range>",
].map((ids): [governance: string, permissions: string] => {
  const kinds = ["discovery", "liveliness", "rtps"].map((what) => `${what}_protection_kind`);
  const values = [
    ...["allow_unauthenticated_participants", "enable_join_access_control"].map((name) => [name, "true"]),
    ...kinds.map((name) => [name, "NONE"]),
  ].map(([name, value]) => `<${name}>${value}</${name}>`);
  const rule = `<domain_rule><domains>${ids}</domains>${values.join("")}</domain_rule>`;
  return [`<dds><domain_access_rules>${rule}</domain_access_rules></dds>`, "<dds/>"];
});

const criterion = fc
  .constantFrom("publish", "subscribe")
  .chain((action) =>
    element(
      action,
      joined(
        element("topics", several(element("topic", pattern), 1, 3)),
        fc.oneof(
          text(""),
          text(""),
          element(
            "partitions",
            several(element("partition", fc.constantFrom("P1", "P*", "Q?", "", "*")), 0, 2),
          ),
        ),
        mostly("", "<data_tags><tag><name>a</name><value>b</value></tag></data_tags>", "<x/>"),
      ),
    ),
  );
const rule = fc
  .constantFrom("allow_rule", "allow_rule", "deny_rule")
  .chain((action) =>
    element(action, joined(domains, several(criterion, 0, 3), mostly("", "<relay><topics/></relay>"))),
  );
const subjectName = mostly(
  "CN=alice,O=Example",
  "O=Example,CN=alice",
  "CN=bob,O=Example",
  "/O=Example/CN=alice",
  "CN=alice",
  "CN=alice,O=Example,C=X",
);
const time = (usual: string, ...others: readonly string[]) => mostly(usual, ...others);
const grant = element(
  "grant",
  joined(
    element("subject_name", subjectName),
    element(
      "validity",
      joined(
        element(
          "not_before",
          time(
            "2020-01-01T00:00:00",
            "2020-01-01T00:00:00Z",
            "2019-12-31T23:00:00.5-01:00",
            "soon",
            "2090-01-01T00:00:00Z",
          ),
        ),
        element(
          "not_after",
          time(
            "2050-01-01T00:00:00",
            "2050-02-28T23:59:59.123456Z",
            "2262-04-11T23:47:16Z",
            "2263-01-01T00:00:00Z",
            "2050-02-30T00:00:00Z",
            "2021-01-01T00:00:00",
            "2050-01-01T00:00:00+12:00",
            "2050-01-01T00:00:00+12:01",
            "later",
          ),
        ),
      ),
    ),
    several(rule, 0, 4),
    fc.oneof(
      { weight: 10, arbitrary: text("<default>DENY</default>") },
      { weight: 5, arbitrary: text("<default>ALLOW</default>") },
      {
        weight: 1,
        arbitrary: fc.constantFrom("", "<default>allow</default>", "<Default>ALLOW</Default>", "<x/>"),
      },
    ),
  ),
  ' name="g"',
);
const permissions = element("dds", element("permissions", several(grant, 1, 2)));
