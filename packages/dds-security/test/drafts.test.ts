// Documents from short descriptions: what they say, and what is refused.

import * as fc from "fast-check";
import t from "tap";
import {
  parseGovernance,
  parsePermissions,
  readDescription,
  readPolicy,
  writeGovernance,
  writePermissions,
} from "../dist/index.js";

const AT = new Date("2026-05-06T07:08:09Z");
const drafts = (description: unknown) => readDescription(description, AT);
const alice = { subject: "CN=alice,O=Example", publish: ["Square*"], subscribe: ["Circle"] };

t.test("what is not said is encrypted and denied", async (t) => {
  const { governance, grants } = drafts({ participants: [alice] });
  const { domainRules } = parseGovernance(writeGovernance(governance));
  t.match(domainRules, [
    {
      domains: { ranges: [{ min: 0, max: 0 }] },
      allowUnauthenticatedParticipants: { value: false },
      enableJoinAccessControl: { value: true },
      discoveryProtectionKind: { value: "ENCRYPT" },
      livelinessProtectionKind: { value: "ENCRYPT" },
      rtpsProtectionKind: { value: "SIGN" },
      topicRules: [
        {
          topicExpression: { value: "*" },
          enableReadAccessControl: { value: true },
          enableWriteAccessControl: { value: true },
          metadataProtectionKind: { value: "SIGN" },
          dataProtectionKind: { value: "ENCRYPT" },
        },
      ],
    },
  ]);
  const [grant] = parsePermissions(writePermissions(grants)).grants;
  t.equal(grant?.defaultAction.value, "DENY");
  t.equal(grant?.subject.text, alice.subject);
  t.same(grant?.validity.notBefore.value, new Date("2026-05-06T00:00:00Z"));
  t.same(grant?.validity.notAfter.value, new Date("2027-05-06T00:00:00Z"));
  t.match(grant?.rules, [{ action: "allow", criteria: [{ kind: "publish" }, { kind: "subscribe" }] }]);
});

t.test("levels, topics, domains, partitions and denials are said as asked", async (t) => {
  const { governance, grants } = drafts({
    domains: [3, "10-12"],
    protection: { rtps: "NONE", allowUnauthenticated: true, topics: "none" },
    topics: [{ topic: "Map", data: "SIGN", read: false }],
    participants: [{ ...alice, domains: [3], partitions: ["lab"], deny: [{ publish: ["SquareRoot"] }] }],
  });
  const [rule] = parseGovernance(writeGovernance(governance)).domainRules;
  t.match(rule?.domains.ranges, [
    { min: 3, max: 3 },
    { min: 10, max: 12 },
  ]);
  t.match(rule?.topicRules, [
    { topicExpression: { value: "Map" }, dataProtectionKind: { value: "SIGN" } },
    { topicExpression: { value: "*" }, dataProtectionKind: { value: "NONE" } },
  ]);
  const [grant] = parsePermissions(writePermissions(grants)).grants;
  t.same(
    grant?.rules.map(({ action }) => action),
    ["deny", "allow"],
    "what is denied stands first",
  );
  t.match(grant?.rules[1], {
    domains: { ranges: [{ min: 3, max: 3 }] },
    criteria: [{ partitions: [{ value: "lab" }] }, { partitions: [{ value: "lab" }] }],
  });
});

t.test("what no document can say, or not every implementation reads, is refused at its place", async (t) => {
  const participant = (more: object) => ({ participants: [{ ...alice, ...more }] });
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [[], /^the description: an object/],
    [{ participant: [] }, /"participant" is unknown/],
    [{ domains: [231] }, /^domains\[0\]/],
    [{ domains: ["5-4"] }, /^domains\[0\]/],
    [{ protection: "secret" }, /^protection: one of/],
    [{ protection: { allowUnauthenticated: true } }, /exclude each other/],
    [{ topics: [{ data: "SIGN_WITH_ORIGIN_AUTHENTICATION", topic: "x" }] }, /^topics\[0\]\.data/],
    [{ topics: [{ topic: "" }] }, /^topics\[0\]\.topic/],
    [participant({ subject: "/O=x/CN=y" }), /^participants\[0\]\.subject: it is written with slashes/],
    [participant({ subject: "alice" }), /^participants\[0\]\.subject/],
    [participant({ publish: [], subscribe: [] }), /no topic/],
    [participant({ publish: [" x"] }), /^participants\[0\]\.publish\[0\]/],
    [participant({ notAfter: "2300-01-01" }), /^participants\[0\]\.notAfter/],
    [participant({ notAfter: "2020-01-01" }), /not after notBefore/],
    [participant({ deny: [{}] }), /no topic to deny/],
    [participant({ deny: [{ publish: ["x"], partitions: ["y"] }] }), /partitions/],
    [JSON.parse('{"__proto__": 1}'), /"__proto__" is unknown/],
  ];
  for (const [value, message] of cases) {
    t.throws(() => drafts(value), { code: "DESCRIPTION_INVALID", message }, String(message));
  }
});

t.test("whatever is accepted becomes documents that read back the same", async (t) => {
  const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
  const description = fc.record({
    topics: fc.array(fc.record({ topic: name }), { maxLength: 3 }),
    participants: fc.array(
      fc.record({ subject: fc.constant(alice.subject), name, publish: fc.array(name, { minLength: 1 }) }),
      { minLength: 1, maxLength: 3 },
    ),
  });
  let accepted = 0;
  fc.assert(
    fc.property(description, (value) => {
      let made: ReturnType<typeof drafts>;
      try {
        made = drafts(value);
      } catch (error) {
        return (error as { code?: string }).code === "DESCRIPTION_INVALID";
      }
      accepted++;
      const { grants } = parsePermissions(writePermissions(made.grants));
      const topics = grants.map((grant) =>
        grant.rules[0]?.criteria[0]?.topics.map(({ value: text }) => text),
      );
      t.same(
        topics,
        value.participants.map(({ publish }) => publish),
      );
      const rules = parseGovernance(writeGovernance(made.governance)).domainRules[0]?.topicRules ?? [];
      return rules[0]?.topicExpression.value === (value.topics[0]?.topic ?? "*");
    }),
    { numRuns: 300 },
  );
  t.ok(accepted > 20, `${accepted} of 300 were accepted`);
});

const policy = (content: string, path = "/demo/talker") => `<?xml version="1.0"?>
<policy version="0.2.0" xmlns:xi="http://www.w3.org/2001/XInclude"><enclaves><enclave path="${path}"><profiles>
<profile ns="/ns" node="talker">${content}</profile></profiles></enclave></enclaves></policy>`;
const YEAR = { notBefore: AT, notAfter: new Date("2027-01-01T00:00:00Z") };
const grantOf = (content: string) => {
  const [grant] = readPolicy(policy(content), { domains: [[0, 0]], ...YEAR });
  if (grant === undefined) throw new Error("no grant");
  return grant;
};

t.test("a policy of SROS 2 becomes grants on DDS topics", async (t) => {
  const { subject, rules } = grantOf(
    '<topics publish="ALLOW"><topic>chatter</topic><topic>/abs</topic></topics>',
  );
  t.equal(subject, "CN=/demo/talker");
  t.same(rules[0]?.publish, ["ros_discovery_info", "rt/abs", "rt/ns/chatter"]);
  t.same(rules[0]?.subscribe, ["ros_discovery_info"]);

  const [service] = grantOf('<services reply="ALLOW"><service>~/get</service></services>').rules;
  t.ok(service?.subscribe.includes("rq/ns/talker/getRequest"));
  t.ok(service?.publish.includes("rr/ns/talker/getReply"));
  const [client] = grantOf('<services request="ALLOW"><service>/get</service></services>').rules;
  t.ok(client?.publish.includes("rq/getRequest"));
  t.ok(client?.subscribe.includes("rr/getReply"));

  const [caller] = grantOf('<actions call="ALLOW"><action>/go</action></actions>').rules;
  t.ok(caller?.publish.includes("rq/go/_action/send_goalRequest"));
  t.ok(caller?.subscribe.includes("rt/go/_action/feedback"));
  const [server] = grantOf('<actions execute="ALLOW"><action>/go</action></actions>').rules;
  t.ok(server?.publish.includes("rt/go/_action/status"));
  t.ok(server?.subscribe.includes("rq/go/_action/cancel_goalRequest"));

  const both = grantOf('<topics publish="DENY" subscribe="ALLOW"><topic>/x</topic></topics>').rules;
  t.match(both, [
    { action: "deny", publish: ["rt/x"], subscribe: [] },
    { action: "allow", subscribe: ["ros_discovery_info", "rt/x"] },
  ]);
  const node = grantOf('<xi:include href="common/node.xml" xpointer="xpointer(/profile/*)"/>').rules[0];
  t.ok(node?.publish.includes("rt/rosout"));
  t.ok(node?.subscribe.includes("rq/ns/talker/list_parametersRequest"));
  t.ok(parsePermissions(writePermissions([grantOf("")])).grants.length === 1);
});

t.test("a policy that cannot be turned into permissions is refused with its place", async (t) => {
  const cases = [
    policy("<x/>"),
    policy('<topics write="ALLOW"><topic>a</topic></topics>'),
    policy('<topics publish="PERHAPS"><topic>a</topic></topics>'),
    policy('<topics publish="ALLOW"><topic>a b</topic></topics>'),
    policy('<xi:include href="file:///etc/passwd"/>'),
    policy("", "no/slash"),
    "<policy/>",
    '<policy version="9.0.0"/>',
    "<dds/>",
  ];
  for (const text of cases) {
    const read = () => readPolicy(text, { domains: [[0, 0]], ...YEAR, file: "policy.xml" });
    t.throws(read, { code: "POLICY_INVALID", location: { file: "policy.xml" } }, text);
  }
});
