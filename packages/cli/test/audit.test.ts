// What check says of documents that are good: what they mean for whom, what they leave open, what decides nothing.

import { mockDeployment, mockGovernance, mockPermissions } from "@ddscred/backend-mock";
import { createResolver } from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import { check, type Finding, readCycloneConfiguration } from "@ddscred/dds-security";
import t from "tap";

const crypto = nodeCrypto();
const AUDIT = ["PEER_DIFFERS", "PROTECTION_WEAK", "RULE_WITHOUT_EFFECT", "HANDSHAKE_LARGE"];
const topics = { publish: ["Square"], subscribe: ["Circle"] };
const PERMISSIONS = mockPermissions({ subject: "CN=alice,O=Example", ...topics });
const GOVERNANCE = mockGovernance();

/** The findings of the audit, of a deployment with these documents. */
async function audited(documents: {
  readonly governance?: string;
  readonly permissions?: string;
  readonly domain?: number;
}): Promise<readonly Finding[]> {
  const { domain, governance = GOVERNANCE, permissions = PERMISSIONS } = documents;
  const { backend, configuration } = await mockDeployment({ governance, permissions });
  const [participant] = readCycloneConfiguration(configuration, { environment: {} });
  if (participant === undefined) throw new Error("no configuration");
  const resolver = createResolver([backend], { crypto });
  const { findings } = await check(participant, {
    resolver,
    crypto,
    ...(domain === undefined ? {} : { domain }),
  });
  const errors = findings.filter(({ severity }) => severity === "error");
  t.same(errors, [], "documents that are good");
  return findings.filter(({ code }) => AUDIT.includes(code));
}

const governance = (from: string | RegExp, to: string) => ({ governance: GOVERNANCE.replace(from, to) });
const permissions = (from: string | RegExp, to: string) => ({ permissions: PERMISSIONS.replace(from, to) });
const FIRST_RULE = /(?=<topic_rule>)/;
const topicRule = (expression: string) =>
  (/<topic_rule>[^]*?<\/topic_rule>/.exec(GOVERNANCE)?.[0] ?? "").replace(">*<", `>${expression}<`);

t.test("documents of which there is nothing to say", async (t) => {
  t.same(await audited({}), []);
});

t.test("what an implementation reads otherwise is told with its place and its peers", async (t) => {
  const RULES = /<allow_rule>[^]*<\/allow_rule>/;
  const rule = (kind: string, inner: string, ids = "<id>0</id>") =>
    `<${kind}_rule><domains>${ids}</domains>${inner}</${kind}_rule>`;
  const square = (more = "", topic = "Square") =>
    `<publish><topics><topic>${topic}</topic></topics>${more}</publish>`;
  const partitions = "<partitions><partition>lab</partition></partitions>";
  const tags = "<data_tags><tag><name>a</name><value>b</value></tag></data_tags>";
  const circle = rule("allow", square("", "Circle"));
  const cases = [
    ["the default ALLOW", permissions(">DENY<", ">ALLOW<"), ["fastdds"]],
    [
      "a deny rule with partitions",
      permissions(RULES, rule("deny", square(partitions)) + circle),
      ["fastdds"],
    ],
    ["data tags", permissions(RULES, rule("allow", square(tags))), ["cyclonedds", "fastdds"]],
    [
      "a range without end",
      permissions(RULES, rule("allow", square(), "<id_range><min>0</min></id_range>")),
      ["cyclonedds"],
    ],
    [
      "a negated set with a caret",
      permissions(RULES, rule("allow", square("", "[^a]*"))),
      ["cyclonedds", "fastdds"],
    ],
    ["a time with an offset", permissions(/Z<\/not_after>/, "+02:00</not_after>"), ["fastdds"]],
    [
      "unauthenticated participants beside protected RTPS",
      governance(/(unauthenticated_participants>)false/, "$1true"),
      [],
    ],
    ["a domain beyond 230", governance("<max>230<", "<max>231<"), ["cyclonedds"]],
    [
      "an attribute",
      governance("<domain_rule>", '<domain_rule note="x" must_interpret="false">'),
      ["cyclonedds"],
    ],
  ] as const;
  for (const [name, documents, peers] of cases) {
    const told = (await audited(documents)).filter(({ code }) => code === "PEER_DIFFERS");
    t.same([...new Set(told.flatMap((finding) => finding.peers ?? []))].toSorted(), peers, name);
    for (const { target, location } of told)
      t.match([target, location], [{ line: Number }, { line: Number }], name);
  }
});

t.test("what goes unprotected is told", async (t) => {
  const weak = async (documents: Parameters<typeof audited>[0]) =>
    (await audited(documents)).filter(({ code }) => code === "PROTECTION_WEAK").map(({ message }) => message);
  const open = GOVERNANCE.replace(/<(metadata|data)_protection_kind>ENCRYPT/g, "<$1_protection_kind>NONE");
  t.match(await weak({ governance: open }), [/^nothing is signed or encrypted/]);
  t.same(
    await weak({ governance: open.replace(/(rtps_protection_kind>)NONE/, "$1SIGN") }),
    [],
    "RTPS covers it",
  );
  const mixed = GOVERNANCE.replace(FIRST_RULE, topicRule("Map").replaceAll("_kind>ENCRYPT", "_kind>NONE"));
  t.match(await weak({ governance: mixed }), [/^samples of "Map" go neither/]);
  t.match(await weak(governance(/(unauthenticated_participants>)false/, "$1true")), [
    /do not authenticate may join/,
  ]);
  const uncontrolled = GOVERNANCE.replace(/(enable_(?:join|read|write)_access_control>)true/g, "$1false");
  t.match(await weak({ governance: uncontrolled }), [/the permissions restrict nothing/]);
});

t.test("a rule that is never reached is told, and the one that comes first", async (t) => {
  const idle = async (documents: Parameters<typeof audited>[0]) =>
    (await audited(documents))
      .filter(({ code }) => code === "RULE_WITHOUT_EFFECT")
      .map(({ message }) => message);
  const after = (expression: string) => governance(/(?=<\/topic_access_rules>)/, topicRule(expression));
  t.match(await idle(after("Square")), [/"Square" is never reached: "\*" comes first/]);
  t.same(await idle(governance(FIRST_RULE, topicRule("Square"))), [], "the narrower rule first");
  t.match(
    await idle(governance(FIRST_RULE, topicRule("Sq*") + topicRule("Squ*") + topicRule("S?uare"))),
    [/"Squ\*" is never reached/],
    "only what is plain to see",
  );
  const domainRule = /<domain_rule>[^]*<\/domain_rule>/.exec(GOVERNANCE)?.[0] ?? "";
  const twice = { governance: GOVERNANCE.replace(domainRule, domainRule + domainRule) };
  t.match(await idle(twice), [/the rule for domains 0 to 230 is never reached/]);
  const grant = /<grant[^]*<\/grant>/.exec(PERMISSIONS)?.[0] ?? "";
  const grants = {
    permissions: PERMISSIONS.replace(grant, grant + grant.replace('"participant"', '"other"')),
  };
  t.match(await idle(grants), [/grant "other" is never reached/]);
  const deny =
    "<deny_rule><domains><id>0</id></domains><publish><topics><topic>Square</topic></topics></publish></deny_rule>";
  const allow = deny.replaceAll("deny", "allow");
  const denied = permissions("<allow_rule>", `${deny}${allow}<allow_rule>`);
  t.match(await idle(denied), [/publish "Square" is never reached: an earlier rule decides "Square"/]);
});

t.test("a domain or topic that only the permissions speak of is told", async (t) => {
  const idle = async (documents: Parameters<typeof audited>[0]) =>
    (await audited(documents))
      .filter(({ code }) => code === "RULE_WITHOUT_EFFECT")
      .map(({ message }) => message);
  t.match(await idle(governance(/<topic_expression>\*</, "<topic_expression>Circle<")), [
    /topic "Square" is allowed, and no topic rule/,
  ]);
  const near = { permissions: PERMISSIONS.replace("<max>230<", "<max>9<") };
  const far = { governance: GOVERNANCE.replace("<min>0<", "<min>5<") };
  t.match(await idle({ ...near, ...far }), [/allows domains 0 to 9; the governance has no rule for all/]);
});

t.test("permissions that do not fit into one message of a handshake are told", async (t) => {
  const many = mockPermissions({
    subject: "CN=alice,O=Example",
    publish: Array.from({ length: 2000 }, (_, number) => `topic/with/a/name/${number}`),
  });
  t.match(await audited({ permissions: many }), [
    { code: "HANDSHAKE_LARGE", property: "dds.sec.access.permissions" },
  ]);
});

t.test("one key for both CAs is told", async (t) => {
  const { backend, configuration } = await mockDeployment();
  const [participant] = readCycloneConfiguration(configuration, { environment: {} });
  if (participant === undefined) throw new Error("no configuration");
  const permissionsCa = participant.properties.get("dds.sec.access.permissions_ca");
  if (permissionsCa === undefined) throw new Error("no permissions CA");
  const properties = new Map(participant.properties).set("dds.sec.auth.identity_ca", permissionsCa);
  const resolver = createResolver([backend], { crypto });
  const { findings } = await check({ ...participant, properties }, { resolver, crypto });
  t.ok(findings.some(({ code, message }) => code === "CA_SHARED" && /have one key/.test(message)));
});
