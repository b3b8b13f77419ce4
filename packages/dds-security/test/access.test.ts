// Decisions in each dialect, rule by rule. What the implementations answer was found by asking them; the deployments
// with their recorded answers are judged in the tests of the program.

import { CredentialError, VerifiedDocument } from "@ddscred/core";
import * as fc from "fast-check";
import t, { type Test } from "tap";
import {
  type Access,
  type AccessInput,
  compileAccess,
  type Decision,
  type DialectName,
} from "../dist/index.js";
import { lacks, sharedRows } from "./support/shared.ts";
import { signedDocument, subjectOf } from "./support/signed.ts";

const at = new Date("2026-11-23T12:00:00Z");
const ALICE = "CN=alice,O=DDS Test,C=NL";
const dialects = ["spec", "cyclonedds", "fastdds"] as const;

const ALL = "<id_range><min>0</min><max>230</max></id_range>";
const kinds = { discovery: "ENCRYPT", liveliness: "SIGN", rtps: "NONE" };
const flags = {
  read: "true",
  write: "true",
  metadata: "SIGN",
  data: "ENCRYPT",
  discovery: "true",
  liveliness: "false",
};

const topicRule = (expression: string, changed: Partial<typeof flags> = {}) => {
  const rule = { ...flags, ...changed };
  return `<topic_rule><topic_expression>${expression}</topic_expression>
<enable_discovery_protection>${rule.discovery}</enable_discovery_protection>
<enable_liveliness_protection>${rule.liveliness}</enable_liveliness_protection>
<enable_read_access_control>${rule.read}</enable_read_access_control>
<enable_write_access_control>${rule.write}</enable_write_access_control>
<metadata_protection_kind>${rule.metadata}</metadata_protection_kind>
<data_protection_kind>${rule.data}</data_protection_kind></topic_rule>`;
};

interface DomainRuleText extends Partial<typeof kinds> {
  readonly domains?: string;
  readonly join?: string;
  readonly open?: string;
}

const domainRule = (
  topics: string,
  { domains = ALL, join = "true", open = "false", ...given }: DomainRuleText = {},
) => {
  const kind = { ...kinds, ...given };
  return `<domain_rule><domains>${domains}</domains>
<allow_unauthenticated_participants>${open}</allow_unauthenticated_participants>
<enable_join_access_control>${join}</enable_join_access_control>
<discovery_protection_kind>${kind.discovery}</discovery_protection_kind>
<liveliness_protection_kind>${kind.liveliness}</liveliness_protection_kind>
<rtps_protection_kind>${kind.rtps}</rtps_protection_kind>
<topic_access_rules>${topics}</topic_access_rules></domain_rule>`;
};

const governanceOf = (...rules: readonly string[]) =>
  `<dds><domain_access_rules>${rules.join("")}</domain_access_rules></dds>`;

const rule = (action: "allow" | "deny", criteria: string, domains = ALL) =>
  `<${action}_rule><domains>${domains}</domains>${criteria}</${action}_rule>`;
const topics = (kind: string, names: readonly string[], more = "") =>
  `<${kind}><topics>${names.map((name) => `<topic>${name}</topic>`).join("")}</topics>${more}</${kind}>`;
const partitions = (...names: readonly string[]) =>
  `<partitions>${names.map((name) => `<partition>${name}</partition>`).join("")}</partitions>`;

interface GrantText {
  readonly subject?: string;
  readonly from?: string;
  readonly until?: string;
  readonly end?: string;
}

const grantOf = (
  rules: string,
  {
    subject = ALICE,
    from = "2020-01-01T00:00:00",
    until = "2036-01-01T00:00:00",
    end = "<default>DENY</default>",
  }: GrantText = {},
) => `<grant name="g"><subject_name>${subject}</subject_name>
<validity><not_before>${from}</not_before><not_after>${until}</not_after></validity>${rules}${end}</grant>`;

const permissionsOf = (...grants: readonly string[]) =>
  `<dds><permissions>${grants.join("")}</permissions></dds>`;

async function accessOf(
  {
    governance = governanceOf(domainRule(topicRule("*"))),
    permissions,
  }: { governance?: string; permissions: string },
  dialect: DialectName,
  input: Partial<AccessInput> = {},
): Promise<Access> {
  return compileAccess({
    governance: await signedDocument(governance),
    permissions: await signedDocument(permissions),
    subject: subjectOf(ALICE),
    domain: 0,
    at,
    dialect,
    ...input,
  });
}

/** What each dialect answers, as `spec cyclonedds fastdds`; a refusal of the documents is its code. */
async function answers(
  texts: { governance?: string; permissions: string },
  question: (access: Access) => Decision,
  input: Partial<AccessInput> = {},
): Promise<string> {
  const each = dialects.map(async (dialect) => {
    try {
      return question(await accessOf(texts, dialect, input)).allowed ? "yes" : "no";
    } catch (error) {
      if (error instanceof CredentialError) return error.code;
      throw error;
    }
  });
  return (await Promise.all(each)).join(" ");
}

const square = rule("allow", topics("publish", ["Square"]));
const publishSquare = (access: Access) => access.publish("Square");

t.test("the first rule that matches decides", async (t) => {
  const deny = rule("deny", topics("publish", ["Square"]));
  const allow = rule("allow", topics("publish", ["*"]));
  t.equal(await answers({ permissions: permissionsOf(grantOf(deny + allow)) }, publishSquare), "no no no");
  t.equal(await answers({ permissions: permissionsOf(grantOf(allow + deny)) }, publishSquare), "yes yes yes");
  const access = await accessOf({ permissions: permissionsOf(grantOf(deny + allow)) }, "spec", {
    files: { permissions: "p.p7s" },
  });
  t.match(access.publish("Square"), { code: "ACCESS_DENIED", rule: { file: "p.p7s", line: Number } });
  t.match(access.publish("Circle").considered, [{ why: 'no publish topic of it matches "Circle"' }]);
  t.equal(access.subscribe("Circle").considered.length, 2, "all that did not decide");
});

t.test("the default decides where no rule does, but not for Fast DDS", async (t) => {
  const with_ = (end: string) => ({ permissions: permissionsOf(grantOf(square, { end })) });
  const circle = (access: Access) => access.publish("Circle");
  t.equal(await answers(with_("<default>ALLOW</default>"), circle), "yes yes no");
  t.equal(await answers(with_("<default>DENY</default>"), circle), "no no no");
  t.equal(await answers(with_(""), circle), "no no DOCUMENT_INVALID", "Fast DDS demands it");
  t.equal(await answers(with_("<default>allow</default>"), circle), "DOCUMENT_INVALID no DOCUMENT_INVALID");
  const cyclone = await accessOf(with_(""), "cyclonedds");
  t.match(circle(cyclone), { code: 145, reason: "No rule found for Circle" });
});

t.test(
  "partitions: an allow rule wants them all, a deny rule any, and Fast DDS looks at neither there",
  async (t) => {
    const ask = async (rules: string, ...names: string[]) =>
      await answers(
        { permissions: permissionsOf(grantOf(rules, { end: "<default>ALLOW</default>" })) },
        (access) => access.publish("Square", { partitions: names }),
      );
    const closed = async (rules: string, ...names: string[]) =>
      await answers({ permissions: permissionsOf(grantOf(rules)) }, (access) =>
        access.publish("Square", { partitions: names }),
      );
    const allow = rule("allow", topics("publish", ["Square"], partitions("P1", "Q*")));
    t.equal(await closed(allow, "P1"), "yes yes yes");
    t.equal(await closed(allow, "P1", "Q7"), "yes yes yes");
    t.equal(await closed(allow, "P1", "R"), "no no no");
    t.equal(await closed(allow), "no no no", "the default partition is not listed");
    t.equal(await closed(square, "P1"), "no no no", "none listed is the default one");
    t.equal(await closed(square, ""), "yes yes yes");
    const empty = rule("allow", topics("publish", ["Square"], "<partitions><partition/></partitions>"));
    t.equal(await closed(empty), "yes yes yes", "an empty partition is the default one");
    const deny = rule("deny", topics("publish", ["Square"], partitions("P1")));
    t.equal(await ask(deny, "P1", "P2"), "no no no");
    t.equal(await ask(deny, "P2"), "yes yes no");
    const bare = rule("deny", topics("publish", ["Square"]));
    t.equal(
      await ask(bare, "P2"),
      "no yes no",
      "none listed: any partition; for Cyclone DDS the default one",
    );
    const apart = rule(
      "allow",
      topics("publish", ["Square"], partitions("P1")) + topics("publish", ["Circle"], partitions("P2")),
    );
    t.equal(await closed(apart, "P2"), "no no yes", "Fast DDS takes all criteria of a rule together");
  },
);

t.test("data tags count by the specification alone", async (t) => {
  const tag = (name: string, value: string) => `<tag><name>${name}</name><value>${value}</value></tag>`;
  const allow = rule("allow", topics("publish", ["Square"], `<data_tags>${tag("a", "b")}</data_tags>`));
  const permissions = permissionsOf(grantOf(allow));
  const ask = async (...tags: { name: string; value: string }[]) =>
    await answers({ permissions }, (access) => access.publish("Square", { tags }));
  t.equal(await ask(), "yes yes yes");
  t.equal(await ask({ name: "a", value: "b" }), "yes yes yes");
  t.equal(await ask({ name: "a", value: "c" }), "no yes yes");
});

t.test("domains: those of the rules, but for Fast DDS those of the governance alone", async (t) => {
  const ask = async (domains: string, domain: number) =>
    await answers(
      { permissions: permissionsOf(grantOf(rule("allow", topics("publish", ["Square"]), domains))) },
      publishSquare,
      { domain },
    );
  const range = (min: string, max: string) => `<id_range>${min}${max}</id_range>`;
  t.equal(await ask("<id>5</id>", 5), "yes yes yes");
  t.equal(await ask("<id>5</id>", 6), "no no yes");
  t.equal(await ask(range("<min>5</min>", ""), 5), "yes yes yes");
  t.equal(await ask(range("<min>5</min>", ""), 6), "yes no yes", "Cyclone DDS reads one domain");
  t.equal(await ask(range("", "<max>5</max>"), 3), "yes DOCUMENT_INVALID yes");
  t.equal(await ask(range("<min>9</min>", "<max>3</max>"), 5), "DOCUMENT_INVALID no yes");
  t.equal(await ask("<id>0x5</id>", 5), "DOCUMENT_INVALID yes yes", "hexadecimal");
  t.equal(await ask("<id>010</id>", 8), "no yes yes", "octal");
  t.equal(await ask("<id>5</id><id>231</id>", 5), "yes DOCUMENT_INVALID yes");
  t.equal(await ask("<id/>", 0), "DOCUMENT_INVALID yes DOCUMENT_INVALID");
  const governance = governanceOf(domainRule(topicRule("*"), { domains: range("<min>5</min>", "") }));
  const texts = { governance, permissions: permissionsOf(grantOf(square)) };
  t.equal(await answers(texts, publishSquare, { domain: 5 }), "yes yes yes");
  t.equal(await answers(texts, publishSquare, { domain: 7 }), "yes no no");
  const cyclone = await accessOf(texts, "cyclonedds", { domain: 7 });
  t.match(cyclone.join(), { code: 141, reason: "Could not find domain 7 in governance" });
});

t.test("joining: each dialect has a rule of its own", async (t) => {
  const ask = async (governance: string, rules: string, end?: string, domain = 0) =>
    await answers(
      { governance, permissions: permissionsOf(grantOf(rules, end === undefined ? {} : { end })) },
      (access) => access.join(),
      { domain },
    );
  const controlled = governanceOf(domainRule(topicRule("*")));
  t.equal(await ask(controlled, square), "yes yes yes");
  const denied = rule("deny", topics("publish", ["*"]));
  t.equal(await ask(controlled, denied), "no no no");
  t.equal(await ask(controlled, denied, "<default>ALLOW</default>"), "yes yes no");
  t.equal(await ask(controlled, rule("deny", "")), "no no no");
  t.equal(
    await ask(controlled, rule("deny", "") + square),
    "no yes yes",
    "a deny rule without criteria denies joining",
  );
  t.equal(await ask(governanceOf(domainRule(topicRule("*"), { join: "false" })), denied), "yes yes no");
  const partly = governanceOf(domainRule(topicRule("Open", { read: "false" }) + topicRule("*")));
  t.equal(await ask(partly, denied), "no yes no", "a topic that is open lets join by DDS-Security 1.1");
  const elsewhere = rule("allow", topics("publish", ["Square"]), "<id>9</id>");
  t.equal(await ask(controlled, elsewhere), "no no yes");
  const access = await accessOf({ permissions: permissionsOf(grantOf(elsewhere + denied + square)) }, "spec");
  t.match(access.join().considered, [
    { why: "it is not for domain 0" },
    { why: "it does not speak of joining" },
  ]);
  const cyclone = await accessOf({ permissions: permissionsOf(grantOf(denied, { end: "" })) }, "cyclonedds");
  t.match(cyclone.join(), { code: 145, reason: "No rule found for participant" });
});

t.test("topics: where publishing or subscribing may be; Fast DDS does not ask", async (t) => {
  const ask = async (rules: string, governance?: string) =>
    await answers(
      { permissions: permissionsOf(grantOf(rules)), ...(governance === undefined ? {} : { governance }) },
      (access) => access.topic("Square"),
    );
  t.equal(await ask(square), "yes yes yes");
  t.equal(await ask(rule("allow", topics("subscribe", ["Square"], partitions("P")))), "yes yes yes");
  t.equal(await ask(rule("allow", topics("publish", ["Circle"]))), "no no yes");
  t.equal(await ask(rule("deny", topics("publish", ["Square"], partitions("P"))) + square), "yes no yes");
  const open = governanceOf(domainRule(topicRule("*", { read: "false" })));
  t.equal(await ask(rule("allow", topics("publish", ["Circle"])), open), "yes yes yes");
  const none = governanceOf(domainRule(topicRule("Circle")));
  t.equal(await ask(square, none), "no no yes");
  const cyclone = await accessOf(
    { governance: none, permissions: permissionsOf(grantOf(square)) },
    "cyclonedds",
  );
  t.match(cyclone.publish("Square"), {
    code: 142,
    reason: "Could not find Square topic attributes for domain(0) in governance",
  });
  t.match(cyclone.publish("DCPSParticipant"), { allowed: true }, "a builtin topic");
});

t.test("the governance decides alone over what it does not control", async (t) => {
  const governance = governanceOf(
    domainRule(
      topicRule("Open*", { read: "false", write: "false" }) +
        topicRule("W", { read: "false" }) +
        topicRule("*"),
    ),
  );
  const texts = { governance, permissions: permissionsOf(grantOf(rule("deny", topics("publish", ["*"])))) };
  t.equal(await answers(texts, (access) => access.publish("OpenX")), "yes yes yes");
  t.equal(await answers(texts, (access) => access.subscribe("W")), "yes yes yes");
  t.equal(await answers(texts, (access) => access.publish("W")), "no no no");
  t.equal(
    await answers(texts, (access) => access.publish("*")),
    "no no yes",
    "a topic is a pattern for Fast DDS",
  );
});

t.test("relaying is a permission of its own by the specification", async (t) => {
  const relay = { permissions: permissionsOf(grantOf(rule("allow", topics("relay", ["Square"])))) };
  t.equal(await answers(relay, (access) => access.relay("Square")), "yes no yes");
  t.equal(await answers(relay, publishSquare), "no no no");
  t.equal(
    await answers({ permissions: permissionsOf(grantOf(square)) }, (access) => access.relay("Square")),
    "no no no",
  );
});

t.test("times: zones, far years and what is no time", async (t) => {
  const ask = async (validity: GrantText, moment: string) =>
    await answers({ permissions: permissionsOf(grantOf(square, validity)) }, publishSquare, {
      at: new Date(moment),
    });
  const now = "2026-11-23T12:00:00Z";
  const zone = process.env["TZ"];
  t.teardown(() => {
    if (zone === undefined) delete process.env["TZ"];
    else process.env["TZ"] = zone;
  });
  process.env["TZ"] = "UTC";
  t.equal(await ask({ until: "9999-12-31T23:59:59Z" }, now), "yes GRANT_EXPIRED yes");
  t.equal(await ask({ until: "2262-04-11T23:47:16Z" }, now), "yes yes yes");
  t.equal(await ask({ from: "soon" }, now), "DOCUMENT_INVALID yes DOCUMENT_INVALID");
  t.equal(await ask({ until: "soon" }, now), "DOCUMENT_INVALID GRANT_EXPIRED DOCUMENT_INVALID");
  t.equal(await ask({ until: "2026-11-23T13:00:00+02:00" }, now), "GRANT_EXPIRED GRANT_EXPIRED yes");
  t.equal(await ask({ until: "2026-11-23T11:00:00-02:00" }, now), "yes yes GRANT_EXPIRED");
  t.equal(
    await ask({ until: "2026-11-23T12:00:00Z" }, now),
    "yes GRANT_EXPIRED yes",
    "whether the end belongs to it",
  );
  t.equal(await ask({ from: "2026-11-23T12:00:00Z" }, now), "yes GRANT_NOT_YET_VALID yes");
  t.equal(
    await ask({ from: "2026-11-23T12:00:01Z" }, now),
    "GRANT_NOT_YET_VALID GRANT_NOT_YET_VALID GRANT_NOT_YET_VALID",
  );
  t.equal(await ask({ until: "2036-01-01T00:00:00+13:00" }, now), "yes GRANT_EXPIRED yes");
  t.equal(
    await ask({ until: "2026-11-31T00:00:00" }, now),
    "DOCUMENT_INVALID GRANT_EXPIRED yes",
    "a day too many",
  );
  process.env["TZ"] = "America/New_York";
  t.equal(
    await ask({ until: "2026-11-23T08:00:00" }, now),
    "GRANT_EXPIRED GRANT_EXPIRED yes",
    "by the local clock",
  );
  t.equal(
    await ask({ until: "2026-07-01T07:30:00" }, "2026-07-01T12:15:00Z"),
    "GRANT_EXPIRED GRANT_EXPIRED yes",
    "without summer time",
  );
});

t.test("several grants: the specification and Fast DDS pass over those that do not hold", async (t) => {
  const old = grantOf(square, { until: "2021-01-01T00:00:00" });
  const circle = grantOf(rule("allow", topics("publish", ["Circle"])));
  const twice = { permissions: permissionsOf(old, grantOf(square)) };
  t.equal(await answers(twice, publishSquare), "yes GRANT_EXPIRED yes");
  t.equal(await answers({ permissions: permissionsOf(circle, grantOf(square)) }, publishSquare), "no no no");
  const other = grantOf(square, { subject: "CN=bob" });
  t.equal(
    await answers({ permissions: permissionsOf(other) }, publishSquare),
    "SUBJECT_MISMATCH SUBJECT_MISMATCH SUBJECT_MISMATCH",
  );
});

t.test("subjects: structures by the specification, texts of their own for the others", async (t) => {
  const ask = async (written: string, subject = ALICE) =>
    await answers({ permissions: permissionsOf(grantOf(square, { subject: written })) }, publishSquare, {
      subject: subjectOf(subject),
    });
  const yes = "yes";
  const no = "SUBJECT_MISMATCH";
  const rows: [string, string, string][] = [
    [ALICE, ALICE, `${yes} ${yes} ${yes}`],
    ["C=NL,O=DDS Test,CN=alice", ALICE, `${yes} ${yes} ${yes}`],
    ["/C=NL/O=DDS Test/CN=alice", ALICE, `${yes} ${yes} ${no}`],
    ["CN = alice, O = DDS Test, C = NL", ALICE, `${yes} ${yes} ${yes}`],
    ["CN=alice,O=DDS Test", ALICE, `${no} ${no} ${no}`],
    [`${ALICE},L=X`, ALICE, `${no} ${yes} ${no}`],
    ["CN=Alice,O=DDS Test,C=NL", ALICE, `${no} ${no} ${no}`],
    ["cn=alice,o=DDS Test,c=NL", ALICE, `${yes} ${no} ${no}`],
    ["2.5.4.3=alice,O=DDS Test,C=NL", ALICE, `${yes} ${no} ${no}`],
    ['CN="alice",O=DDS Test,C=NL', ALICE, `${yes} ${no} ${yes}`],
    ["CN=/a/b", "CN=/a/b", `${yes} ${yes} ${yes}`],
    ["CN=/b/a", "CN=/a/b", `${no} ${yes} ${no}`],
    ["CN=x,OU=a,OU=b", "CN=x,OU=a,OU=b", `${yes} ${no} ${no}`],
    ["CN=a\\,b", "CN=a\\,b", `${yes} ${yes} ${yes}`],
    ["CN=caf\u00e9", "CN=caf\u00e9", `${yes} ${no} ${yes}`],
    ["CN=caf\\C3\\A9", "CN=caf\u00e9", `${yes} ${yes} ${no}`],
  ];
  for (const [written, subject, wanted] of rows)
    t.equal(await ask(written, subject), wanted, `${written} | ${subject}`);
});

t.test("expressions of 1.2 name many subjects", async (t) => {
  const permissions = permissionsOf(
    grantOf(square).replaceAll("subject_name>", "subject_name_expression>").replace("CN=alice", "CN=*"),
  );
  t.equal(await answers({ permissions }, publishSquare), "yes DOCUMENT_INVALID DOCUMENT_INVALID");
});

t.test("patterns: each dialect has a matcher of its own", async (t) => {
  const rows: [string, string, string][] = [
    ["Squ*", "Square", "yes yes yes"],
    ["rt/*", "rt/a/b", "yes yes yes"],
    ["*", ".hidden", "yes yes yes"],
    ["[!C]quare", "Square", "yes yes yes"],
    ["[^C]quare", "Square", "no no yes"],
    ["[^C]quare", "Cquare", "yes yes no"],
    ["[[:alpha:]]quare", "Square", "yes no yes"],
    ["[ab]x", "]x", "no yes no"],
    ["[ab", "[ab", "yes no yes"],
    ["a\\*", "a*", "yes no no"],
    ["a\\*", "a\\b", "no yes yes"],
    ["caf?", "caf\u00e9", "yes no yes"],
    ["caf??", "caf\u00e9", "no yes no"],
    ["square", "Square", "no no no"],
    ["[!]]x", "ax", "yes no yes"],
  ];
  for (const [pattern, topic, wanted] of rows) {
    const permissions = permissionsOf(grantOf(rule("allow", topics("publish", [pattern]))));
    t.equal(
      await answers({ permissions }, (access) => access.publish(topic)),
      wanted,
      `${pattern} | ${topic}`,
    );
  }
});

const fnmatchTable = "vectors/tables/fnmatch-cyclone.json";
t.test("Cyclone DDS's own table of patterns", { skip: lacks(fnmatchTable) }, async (t) => {
  const rows = sharedRows(fnmatchTable) as readonly { pattern: string; topic: string; match: boolean }[];
  t.ok(rows.length > 35);
  for (const { pattern, topic, match } of rows) {
    // Partitions are matched as topics are, and may be empty.
    const allow = rule("allow", topics("publish", ["Square"], partitions(pattern)));
    const access = await accessOf({ permissions: permissionsOf(grantOf(allow)) }, "cyclonedds");
    t.equal(access.publish("Square", { partitions: [topic] }).allowed, match, `${pattern} | ${topic}`);
  }
});

const namesTable = "vectors/tables/subject-equivalence-fastdds.json";
t.test("Fast DDS's own table of names", { skip: lacks(namesTable) }, async (t) => {
  const rows = sharedRows(namesTable) as readonly { equal: readonly string[] }[];
  const all = rows.flatMap(({ equal }, row) => equal.map((name) => ({ name, row })));
  for (const one of all) {
    for (const other of all) {
      const permissions = permissionsOf(grantOf(square, { subject: one.name.replaceAll('"', "&quot;") }));
      const open = accessOf({ permissions }, "fastdds", { subject: subjectOf(other.name.trim()) });
      const equal = await open.then(
        () => true,
        () => false,
      );
      t.equal(equal, one.row === other.row, `${one.name} | ${other.name}`);
    }
  }
});

const subjectsTable = "vectors/tables/subject-equivalence-opendds.json";
t.test("another implementation's table of names", { skip: lacks(subjectsTable) }, async (t) => {
  for (const { a, b, equal } of sharedRows(subjectsTable) as readonly {
    a: string;
    b: string;
    equal: boolean;
  }[]) {
    const permissions = permissionsOf(grantOf(square, { subject: a }));
    const open = accessOf({ permissions }, "spec", { subject: subjectOf(b) });
    t.equal(
      await open.then(
        () => true,
        () => false,
      ),
      equal,
      `${a} | ${b}`,
    );
  }
});

t.test("XML: what each dialect takes of it", async (t) => {
  const permissions = permissionsOf(grantOf(square));
  const ask = async (change: (text: string) => string) =>
    await answers({ permissions: change(permissions) }, publishSquare);
  const invalid = "DOCUMENT_INVALID";
  t.equal(
    await ask((text) => text.replace("<dds>", '<dds xmlns:xsi="x" xsi:noNamespaceSchemaLocation="y">')),
    "yes yes yes",
  );
  t.equal(await ask((text) => text.replace("<dds>", '<dds version="1">')), `${invalid} ${invalid} yes`);
  t.equal(await ask((text) => text.replaceAll("topic>", "Topic>")), `${invalid} yes ${invalid}`, "case");
  t.equal(
    await ask((text) => text.replace("<default>", "<x/><default>")),
    `${invalid} ${invalid} ${invalid}`,
  );
  t.equal(await ask((text) => text.replace("</default>", "</default><x/>")), `${invalid} ${invalid} yes`);
  t.equal(await ask((text) => text.replace("Square<", " Square <")), "yes yes no", "blanks around a topic");
  t.equal(
    await ask((text) => text.replace("<topic>Square</topic>", "<topic/>")),
    `${invalid} ${invalid} ${invalid}`,
  );
  t.equal(await ask((text) => text.replace("<topics>", "text<topics>")), `${invalid} ${invalid} yes`);
  t.equal(await ask((text) => text.replace(' name="g"', "")), `${invalid} yes ${invalid}`);
  t.equal(await ask((text) => `${text}<x/>`), `XML_INVALID ${invalid} ${invalid}`);
  t.equal(await ask((text) => `<!DOCTYPE dds SYSTEM "dds.dtd">${text}`), "XML_INVALID yes yes");
  t.equal(
    await ask((text) => text.replace("<default>", '<x must_interpret="false"/><default>')),
    `yes ${invalid} ${invalid}`,
    "what 1.2 lets pass",
  );
  t.equal(
    await ask((text) => text.replace(/(<validity>.*<\/validity>)(.*)(<default>)/s, "$2$1$3")),
    `${invalid} yes ${invalid}`,
    "order",
  );
});

t.test("governance: what each dialect takes of it", async (t) => {
  const plain = governanceOf(domainRule(topicRule("*")));
  const ask = async (governance: string) =>
    await answers({ governance, permissions: permissionsOf(grantOf(square)) }, publishSquare);
  const invalid = "DOCUMENT_INVALID";
  t.equal(await ask(plain), "yes yes yes");
  t.equal(
    await ask(plain.replace("<rtps", "<rtps_psk_protection_kind>NONE</rtps_psk_protection_kind><rtps")),
    `yes ${invalid} ${invalid}`,
  );
  t.equal(await ask(plain.replace("<domains>", "<domains><tag>a</tag>")), `${invalid} ${invalid} ${invalid}`);
  const tagged = plain.replace("</domains>", "<tag>a</tag><tag_expression>b*</tag_expression></domains>");
  t.equal(await ask(tagged), `no ${invalid} ${invalid}`, "without a tag it is another domain");
  for (const [domainTag, wanted] of [
    ["a", true],
    ["b7", true],
    ["c", false],
  ] as const) {
    const rules = rule("allow", topics("publish", ["Square"]), `${ALL}<tag>${domainTag}</tag>`);
    const texts = { governance: tagged, permissions: permissionsOf(grantOf(rules)) };
    t.equal((await accessOf(texts, "spec", { domainTag })).publish("Square").allowed, wanted, domainTag);
  }
  t.equal(await ask(plain.replace(">ENCRYPT</disc", ">encrypt</disc")), `${invalid} ${invalid} ${invalid}`);
  t.equal(await ask(plain.replace(">true</enable_join", ">True</enable_join")), `${invalid} yes yes`);
  t.equal(await ask(plain.replace(">true</enable_join", ">tRue</enable_join")), `${invalid} yes ${invalid}`);
  t.equal(await ask(plain.replace(">true</enable_join", ">2</enable_join")), `${invalid} ${invalid} yes`);
  t.equal(
    await ask(plain.replace(">ENCRYPT</data", ">SIGN_WITH_ORIGIN_AUTHENTICATION</data")),
    `${invalid} ${invalid} ${invalid}`,
  );
  t.equal(
    await ask(plain.replace(/<rtps_protection_kind>.*?<\/rtps_protection_kind>/, "")),
    `${invalid} ${invalid} ${invalid}`,
  );
  t.equal(
    await ask(governanceOf(domainRule(topicRule("*"), { open: "true", rtps: "SIGN" }))),
    `yes yes ${invalid}`,
    "Fast DDS does not let the unauthenticated where messages are protected",
  );
  const missing = plain.replace(/<liveliness_protection_kind>.*?<\/liveliness_protection_kind>/, "");
  await t.rejects(
    accessOf({ governance: missing, permissions: permissionsOf(grantOf(square)) }, "cyclonedds"),
    {
      message: "Found rule in Governance file without liveliness_protection_kind.",
      peerCode: 110,
    },
  );
});

t.test("masks are those that go on the wire", async (t) => {
  for (const dialect of dialects) {
    await masks(t, dialect);
  }
});

async function masks(t: Test, dialect: DialectName): Promise<void> {
  const governance = governanceOf(
    domainRule(
      topicRule("Open", {
        read: "false",
        write: "false",
        metadata: "NONE",
        data: "NONE",
        discovery: "false",
      }) +
        topicRule("Signed", { metadata: "NONE", data: "SIGN" }) +
        topicRule("*", {
          metadata: "ENCRYPT_WITH_ORIGIN_AUTHENTICATION",
          data: "ENCRYPT",
          liveliness: "true",
        }),
      {
        rtps: "SIGN_WITH_ORIGIN_AUTHENTICATION",
        discovery: "ENCRYPT_WITH_ORIGIN_AUTHENTICATION",
        liveliness: "NONE",
      },
    ),
  );
  const access = await accessOf({ governance, permissions: permissionsOf(grantOf(square)) }, dialect);
  const mask = (topic: string) => {
    const { attributes = 0, pluginAttributes = 0, samples } = access.protection(topic) ?? {};
    return `${attributes.toString(16)} ${pluginAttributes.toString(16)} ${samples}`;
  };
  t.equal(mask("Open"), "80000000 80000000 open", dialect);
  t.equal(mask("Signed"), "80000017 80000000 signed", dialect);
  t.equal(mask("Square"), "8000007f 80000007 encrypted", dialect);
  const { attributes = 0, pluginAttributes = 0 } = access.participantProtection() ?? {};
  t.equal(attributes.toString(16), "80000003", dialect);
  t.equal(pluginAttributes.toString(16), "8000001a", dialect);
}

t.test("looking up literal topics decides as trying one rule after the other", async () => {
  const name = fc.constantFrom("a", "b", "ab", "*", "a*", "?", "[ab]", "b?", "abc");
  const rules = fc.array(fc.tuple(fc.boolean(), fc.array(name, { minLength: 1, maxLength: 3 })), {
    maxLength: 8,
  });
  const naive = (list: readonly (readonly [boolean, readonly string[]])[], topic: string) =>
    list.find(([, names]) => names.some((each) => matches(each, topic)))?.[0] ?? false;
  const matches = (pattern: string, topic: string) =>
    new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`).test(topic);
  await fc.assert(
    fc.asyncProperty(rules, fc.constantFrom("a", "b", "ab", "abc", "c", "ba"), async (list, topic) => {
      const text = list
        .map(([allow, names]) => rule(allow ? "allow" : "deny", topics("publish", names)))
        .join("");
      const access = await accessOf({ permissions: permissionsOf(grantOf(text)) }, "spec");
      return access.publish(topic).allowed === naive(list, topic);
    }),
    { numRuns: 100 },
  );
});

t.test("a document of ten thousand rules and a thousand grants is decided on quickly", async (t) => {
  const many = Array.from({ length: 10_000 }, (_, i) => rule("allow", topics("publish", [`Topic${i}`]))).join(
    "",
  );
  const strangers = Array.from({ length: 999 }, (_, i) => grantOf(square, { subject: `CN=p${i}` }));
  const governance = await signedDocument(governanceOf(domainRule(topicRule("*"))));
  const permissions = await signedDocument(permissionsOf(...strangers, grantOf(many)));
  const access = compileAccess({ governance, permissions, subject: subjectOf(ALICE), domain: 0, at });
  t.equal(access.publish("Topic9999").allowed, true);
  t.equal(access.publish("Topic10000").allowed, false);
  t.equal(access.publish("Topic10000").considered.length, 100, "a long list is cut");
  const start = performance.now();
  for (let i = 0; i < 10_000; i++) access.publish(`Topic${i}`);
  t.ok(performance.now() - start < 20_000, "no list is walked for each topic");
});

t.test("unverified text and wrong arguments never become decisions", async (t) => {
  const governance = await signedDocument(governanceOf(domainRule(topicRule("*"))));
  const permissions = await signedDocument(permissionsOf(grantOf(square)));
  const input: AccessInput = { governance, permissions, subject: subjectOf(ALICE), domain: 0, at };
  const wrong: Partial<Record<keyof AccessInput, unknown>>[] = [
    { governance: Object.assign({}, governance) },
    { permissions: Object.create(VerifiedDocument.prototype) },
    { domain: -1 },
    { domain: 1.5 },
    { at: new Date(Number.NaN) },
    { dialect: "opendds" },
  ];
  for (const change of wrong) {
    t.throws(
      () => compileAccess({ ...input, ...(change as Partial<AccessInput>) }),
      TypeError,
      Object.keys(change)[0] ?? "",
    );
  }
  t.ok(compileAccess(input).join().allowed);
});
