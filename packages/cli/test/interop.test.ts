// What two participants can say to each other, and what hostile ones can say to us.

import { Readable } from "node:stream";
import {
  type MockDeploymentOptions,
  mockDeployment,
  mockGovernance,
  mockPermissions,
  mockPki,
} from "@ddscred/backend-mock";
import { CredentialError, createResolver } from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import {
  beginHandshakeReply,
  beginHandshakeRequest,
  type DataHolder,
  decodeParticipantData,
  encodeParticipantData,
  type HandshakePrediction,
  processHandshake,
  readCycloneConfiguration,
  validateRemoteIdentity,
} from "@ddscred/dds-security";
import t from "tap";
import { modp2048_256 } from "../../crypto-node/dist/provider-modp.js";
import { mayOverlap } from "../../dds-security/dist/decisions/overlap.js";
import { linesOf } from "../dist/handshake/input.js";
import { MAX_LINE } from "../dist/handshake/lines.js";
import { type Conversation, conversations, type Side } from "../dist/interop/conversations.js";
import { renderConversations, renderPairs } from "../dist/interop/render.js";
import { judgePairs, nothingFlows } from "../dist/interop/verdict.js";
import { styleOf } from "../dist/terminal/style.js";
import { course, pair, participant, sent, withField } from "./support/endpoints.ts";

const at = new Date();
const crypto = nodeCrypto();
const style = styleOf(process.stdout);

t.test("a topic flows where one may write it, the other read it, and both protect it alike", async (t) => {
  const sides = await two(
    { publish: ["Square", "rt/*"], subscribe: ["Status"] },
    { publish: ["Status"], subscribe: ["Square", "Circle", "rt/chatter"] },
  );
  const found = await conversations(sides, { domain: undefined, topics: [] });
  t.same(flowing(found, "alice"), ["Square", "rt/chatter"]);
  t.same(flowing(found, "bob"), ["Status"]);
  // Fast DDS starts with none of them, because certificates are on a token: that is told, and the rest once.
  const told = found.filter(({ outlook }) => outlook !== undefined);
  t.same(
    told.map(({ domain, from, dialects }) => [domain, from, dialects.length]),
    [
      [0, "alice", 4],
      [0, "bob", 4],
    ],
  );
  const refusals = found.flatMap(({ refused }) => refused ?? []);
  t.match(
    refusals.map(({ source }) => source),
    ["bob", "alice"],
  );
  t.match(refusals[1], {
    dialect: "fastdds",
    code: "URI_INVALID",
    message: /IdentityC(?:A|ertificate) is a pkcs11: URI, and Fast DDS takes nothing but the private key/,
    hint: /configured by an XML profile of its own: set dds\.sec\.auth\.builtin\.PKI-DH\.\w+ there to file:\/\/\/PATH/,
    uri: /^pkcs11:/,
  });
  const lines = renderConversations(found, { ...style, width: 80 })
    .join("\n")
    .split("\n");
  t.ok(lines.some((line) => /nothing: Fast DDS does not start with alice \(URI_INVALID\)/.test(line)));
  t.same(
    lines.filter((line) => line.length > 80 && !line.includes("pkcs11:")),
    [],
    "within the width of the terminal",
  );
  t.same(
    told[0]?.outlook?.topics.map(({ topic }) => topic),
    ["Square", "Circle", "rt/chatter"],
    "not the expressions that flow in part",
  );
  const asked = await conversations(sides, { domain: 7, topics: ["rt/chatter", "Circle"] });
  t.same(flowing(asked, "alice"), ["rt/chatter"]);
  const whole = await conversations(await two({ publish: ["rt/*"] }, {}), { domain: 1, topics: [] });
  t.same(flowing(whole, "alice"), ["rt/*"], "an expression inside another");
  const text = renderConversations(asked, style).join("\n");
  t.match(text, /domain 7: alice -> bob/);
  t.match(text, /rt\/chatter +flows/);
  t.match(text, /Circle +may not be written/);
});

t.test("nothing flows where the governances protect a topic, or the participants, differently", async (t) => {
  const otherwise = (from: string, to: string) => ({ governance: mockGovernance().replace(from, to) });
  const data = "<data_protection_kind>ENCRYPT</data_protection_kind>";
  const topics = await conversations(await two({}, otherwise(data, data.replace("ENCRYPT", "NONE"))), {
    domain: 0,
    topics: ["Square"],
  });
  t.same(flowing(topics, "alice"), []);
  t.match(renderConversations(topics, style).join("\n"), /Square +does not match/);
  const rtps = "<rtps_protection_kind>NONE</rtps_protection_kind>";
  const messages = await conversations(await two({}, otherwise(rtps, rtps.replace("NONE", "SIGN"))), {
    domain: 0,
    topics: ["Square"],
  });
  t.same(flowing(messages, "alice"), []);
  t.match(renderConversations(messages, style).join("\n"), /protect participants differently/);
});

t.test("where nothing flows it is said what one may write and the other read, with the places", async (t) => {
  const asked = { domain: 0, topics: [] };
  const found = await conversations(
    await two({ publish: ["Sqaure*"], subscribe: [] }, { publish: [], subscribe: ["Square*"] }),
    asked,
  );
  const [first] = found;
  t.match(first?.outlook?.silence, {
    mayWrite: [{ topic: "Sqaure*", rule: { line: Number, column: Number } }],
    mayRead: [{ topic: "Square*", rule: { line: Number, column: Number } }],
    overlap: false,
  });
  const text = renderConversations(found, { ...style, width: 1000 }).join("\n");
  t.match(
    text,
    /nothing: alice may write Sqaure\* \(\S+:\d+:\d+\); bob may read Square\* \(\S+:\d+:\d+\); none of these overlap/,
  );
  t.match(text, /nothing: bob may write nothing; alice may read nothing \(on/);
  t.match(nothingFlows(found, []), [{ code: "NOTHING_FLOWS", severity: "warning", hint: /./ }]);
  const partly = await conversations(
    await two({ publish: ["S*", "T"], subscribe: [] }, { publish: [], subscribe: ["*e", "U"] }),
    asked,
  );
  t.equal(partly[0]?.outlook?.silence?.overlap, true);
  t.match(renderConversations(partly, { ...style, width: 1000 }).join("\n"), /ask for the topic: --topic/);
  t.same(nothingFlows(partly, []), [], "something may flow that no document names");
  const none = { publish: [], subscribe: [] };
  const topic = await conversations(await two({ publish: ["Square"] }, none), {
    domain: 0,
    topics: ["Square"],
  });
  t.match(nothingFlows(topic, ["Square"]), [{ message: /asked for/ }]);
});

t.test("patterns that no topic matches both of", async (t) => {
  for (const [one, other, expected] of [
    ["Square", "Square", true],
    ["Square*", "Sqaure*", false],
    ["*", "", true],
    ["*a", "*b", false],
    ["a*", "*b", true],
    ["a*c*", "*b?", true],
    ["rt/*", "rq/*", false],
    ["a?", "a", false],
    ["[ab]x", "cx", true],
    ["\\*", "a", false],
    ["**", "x*y", true],
    ["x", "x*", true],
    ["", "", true],
    ["", "?", false],
  ] as const) {
    t.equal(mayOverlap(one, other), expected, `${one} and ${other}`);
    t.equal(mayOverlap(other, one), expected, `${other} and ${one}`);
  }
});

t.test("a pair of which one would not start is marked", async (t) => {
  const found = await conversations(await two({}, {}), { domain: 0, topics: [] });
  const pair: HandshakePrediction = {
    initiator: "cyclonedds",
    replier: "fastdds",
    completes: true,
    keyAgreement: "ECDH+prime256v1-CEUM",
    known: "run",
  };
  const sources = { initiator: "alice", replier: "bob" };
  const [judged, good] = judgePairs([pair, { ...pair, replier: "opendds" }], sources, found);
  t.match(judged, { notStarting: [{ source: "bob", implementation: "fastdds" }] });
  t.notHas(good, { notStarting: [] });
  const [line] = renderPairs(judged === undefined ? [] : [judged], { ...style, width: 200 });
  t.match(line, /completes, ECDH\S+, but Fast DDS does not start with bob/);
});

t.test("what an implementation would not start with says nothing", async (t) => {
  const keyRevision = mockGovernance().replace(
    "<topic_access_rules>",
    "<enable_key_revision>true</enable_key_revision><topic_access_rules>",
  );
  const found = await conversations(await two({}, { governance: keyRevision }), {
    domain: 0,
    topics: ["Square"],
  });
  const refused = found.filter((conversation) => conversation.refused?.source === "bob");
  t.ok(refused.some(({ dialects }) => dialects.some(([writer]) => writer === "cyclonedds")));
});

t.test("a peer seen before is refused once its certificate, or ours for it, is no more valid", async (t) => {
  const [initiator, replier] = await pair();
  const meet = async (then: Date) => {
    const toReplier = validateRemoteIdentity(initiator, { guid: replier.guid });
    const { send } = await beginHandshakeRequest(initiator, toReplier, { at: then });
    const toInitiator = validateRemoteIdentity(replier, { guid: initiator.guid });
    return await beginHandshakeReply(replier, toInitiator, sent(send), { at: then });
  };
  await meet(at);
  const again = await meet(new Date(at.getTime() + 1000));
  t.equal(again.state.phase, "awaiting-final");
  const { notBefore, notAfter } = initiator.certificate;
  await t.rejects(meet(new Date(notAfter.getTime() + 1000)), { code: "CERTIFICATE_EXPIRED" });
  await t.rejects(meet(new Date(notBefore.getTime() - 1)), { code: "CERTIFICATE_NOT_YET_VALID" });
  t.equal((await meet(at)).state.phase, "awaiting-final");
});

t.test(
  "the same certificate on both sides authenticates under two GUIDs, and under one it does not",
  async (t) => {
    const pki = await mockPki();
    const one = await participant({ pki }, { candidateGuid: new Uint8Array(16).fill(1) });
    const other = await participant({ pki }, { candidateGuid: new Uint8Array(16).fill(2) });
    const { role } = validateRemoteIdentity(one, { guid: other.guid });
    const c = await course(role === "initiator" ? [one, other] : [other, one], { at });
    const done = await processHandshake(c.awaitingFinal, c.final, { at });
    const answered = await processHandshake(c.awaitingReply, c.reply, { at });
    t.same(done.state.peer?.sharedSecret.reveal(), answered.state.peer?.sharedSecret.reveal());
    t.throws(() => validateRemoteIdentity(one, { guid: one.guid }), { code: "HANDSHAKE_REPLAYED" });
    const mirror = validateRemoteIdentity(one, { role: "replier" });
    const toMirror = validateRemoteIdentity(one, { role: "initiator" });
    const { send } = await beginHandshakeRequest(one, toMirror, { at });
    await t.rejects(beginHandshakeReply(one, mirror, sent(send), { at }), { code: "HANDSHAKE_REPLAYED" });
  },
);

t.test("participant data are read in either encapsulation, with parameters that nobody knows", async (t) => {
  const c = await course(await pair(), { at, announced: false });
  const { guid } = c.initiator;
  const little = Buffer.concat([
    Buffer.from("00030000", "hex"),
    Buffer.from("15000400", "hex"),
    Buffer.alloc(4, 1),
    Buffer.from("50001000", "hex"),
    guid,
    Buffer.from("ff7f0000", "hex"),
    Buffer.from("05100800", "hex"),
    Buffer.from("0100008002000080", "hex"),
    Buffer.from("01000000", "hex"),
  ]);
  const securityInfo = { participantAttributes: 0x80000001, pluginAttributes: 0x80000002 };
  t.match(decodeParticipantData(little), { guid, securityInfo });
  const big = Buffer.concat([
    Buffer.from("00020000", "hex"),
    encodeParticipantData({ guid, securityInfo, identityToken: c.initiator.identityToken }),
  ]);
  t.match(decodeParticipantData(big), { guid, securityInfo, identityToken: c.initiator.identityToken });
  for (const data of [little, big]) {
    const { state } = await requestWith(c, { "c.pdata": data });
    t.equal(state.phase, "awaiting-final");
  }
});

t.test(
  "numbers of Diffie-Hellman: zeros before them do not count, and what is in no group is refused",
  async (t) => {
    const c = await course(await pair({}, { keyAgreement: "MODP-2048-256" }), { at, announced: false });
    const prime = BigInt(`0x${modp2048_256.prime}`);
    const number = (value: bigint) => Buffer.from(value.toString(16).padStart(512, "0"), "hex");
    const own =
      sent(c.request).binaryProperties.find(({ name }) => name === "dh1")?.value ?? new Uint8Array();
    for (const dh1 of [own, Buffer.from([0, ...own]), Buffer.from([0, 0, 0, ...own])]) {
      t.equal((await requestWith(c, { dh1 })).state.phase, "awaiting-final", `${dh1.length} octets`);
    }
    for (const value of [1n, 2n, prime - 1n, prime, prime + 1n]) {
      await t.rejects(
        requestWith(c, { dh1: number(value) }),
        { code: "KEY_INVALID" },
        `${value}`.slice(0, 9),
      );
    }
    for (const dh1 of [Buffer.of(0), Buffer.alloc(256), Buffer.alloc(300), Buffer.alloc(257, 2)]) {
      await t.rejects(requestWith(c, { dh1 }), { code: "HANDSHAKE_TOKEN_INVALID" });
    }
  },
);

t.test("points that are not on P-256 are refused", async (t) => {
  const c = await course(await pair(), { at, announced: false });
  const origin = Buffer.from([4, ...Buffer.alloc(64)]);
  const elsewhere = Buffer.from([4, ...Buffer.alloc(64, 5)]);
  for (const dh1 of [origin, elsewhere]) await t.rejects(requestWith(c, { dh1 }), { code: "KEY_INVALID" });
  for (const dh1 of [Buffer.of(0), Buffer.alloc(33, 2), Buffer.alloc(65, 6)]) {
    await t.rejects(requestWith(c, { dh1 }), { code: "HANDSHAKE_TOKEN_INVALID" });
  }
});

t.test("another's permissions are no rights, and a CA's own certificate is no peer", async (t) => {
  const pki = await mockPki();
  const [mallory, bob] = [
    await participant({ pki, participant: "mallory" }),
    await participant({ pki, participant: "bob" }),
  ];
  const borrowed = await mockDeployment({
    pki,
    participant: "alice",
    permissions: mockPermissions({ subject: "CN=alice,O=Example" }),
  });
  const document = await createResolver([borrowed.backend], { crypto }).document(borrowed.uris.permissions);
  const toBob = validateRemoteIdentity(mallory, { role: "initiator" });
  const { send } = await beginHandshakeRequest(mallory, toBob, { at });
  const toMallory = validateRemoteIdentity(bob, { role: "replier" });
  const swapped = fields(sent(send), { "c.perm": document });
  await t.rejects(beginHandshakeReply(bob, toMallory, swapped, { at }), { code: "SUBJECT_MISMATCH" });
  const empty = fields(sent(send), { "c.perm": new Uint8Array() });
  await t.rejects(beginHandshakeReply(bob, toMallory, empty, { at }), { code: "HANDSHAKE_TOKEN_INVALID" });
  const nothing = fields(sent(send), { "c.perm": Buffer.of(0) });
  await t.rejects(beginHandshakeReply(bob, toMallory, nothing, { at }), CredentialError);
  const ca = Buffer.from(new TextEncoder().encode(pemOf(bob.path.anchor.der)));
  const authority = fields(sent(send), { "c.id": ca });
  await t.rejects(beginHandshakeReply(bob, toMallory, authority, { at }), {
    code: "HANDSHAKE_IDENTITY_MISMATCH",
  });
});

t.test("a line that is too long is refused in its place, and the next ones are read", async (t) => {
  const long = Buffer.alloc(MAX_LINE + 1, 0x61);
  const pieces = [Buffer.from("one\n"), long, long, Buffer.from("\n\ntwo\nthr"), Buffer.from("ee")];
  const found: string[] = [];
  for await (const line of linesOf(Readable.from(pieces), new AbortController().signal)) {
    found.push(line instanceof CredentialError ? line.code : line);
  }
  t.same(found, ["one", "HANDSHAKE_TOKEN_INVALID", "two", "three"]);
});

type Course = Awaited<ReturnType<typeof course>>;

/** The request with other fields, as another peer would have sent it: without the hash that it would have made. */
async function requestWith(c: Course, changed: Readonly<Record<string, Uint8Array>>) {
  return await beginHandshakeReply(c.replier, c.toInitiator, fields(c.request, changed), { at });
}

function fields(request: DataHolder, changed: Readonly<Record<string, Uint8Array>>): DataHolder {
  return Object.entries(changed).reduce(
    (token, [name, value]) => withField(token, name, () => value),
    withField(request, "hash_c1", () => undefined),
  );
}

function pemOf(der: Uint8Array): string {
  const body = Buffer.from(der).toString("base64").replace(/.{64}/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
}

async function two(one: MockDeploymentOptions, other: MockDeploymentOptions): Promise<[Side, Side]> {
  const pki = await mockPki();
  return [
    await side("alice", { ...one, pki, participant: "alice" }),
    await side("bob", { ...other, pki, participant: "bob" }),
  ];
}

async function side(name: string, deployment: MockDeploymentOptions): Promise<Side> {
  const { backend, configuration: xml } = await mockDeployment(deployment);
  const [configuration] = readCycloneConfiguration(xml, { file: `${name}.xml`, environment: {} });
  if (configuration === undefined) throw new Error("no configuration");
  return { name, configuration, context: { resolver: createResolver([backend], { crypto }), crypto, at } };
}

/** What a participant can say, by the specification. */
function flowing(found: readonly Conversation[], from: string): readonly string[] {
  const [first] = found.filter((conversation) => conversation.from === from);
  if (first?.outlook === undefined) return ["?"];
  return first.outlook.topics.filter(({ flows }) => flows).map(({ topic }) => topic);
}
