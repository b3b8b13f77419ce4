// The handshake against everything that can be done to its tokens, and over a channel that loses them.

import { type MockDeploymentOptions, mockPermissions, mockPki } from "@ddscred/backend-mock";
import { CredentialError } from "@ddscred/core";
import {
  type AuthenticatedPeer,
  beginHandshakeReply,
  beginHandshakeRequest,
  type DataHolder,
  decodeDataHolder,
  encodeDataHolder,
  type Handshake,
  type HandshakeStep,
  processHandshake,
  validateRemoteIdentity,
} from "@ddscred/dds-security";
import t, { type Test } from "tap";
import { type Course, course, pair, participant, random, sent, withField } from "./support/endpoints.ts";

// 100,000 tokens.
t.setTimeout(600_000);

const at = new Date();
const participants = pair();

/** A token on its way, the stage that takes it, and what stands in it. */
interface Stage {
  readonly name: "request" | "reply" | "final";
  readonly token: DataHolder;
  readonly optional: readonly string[];
  take(token: DataHolder): Promise<HandshakeStep>;
}

const stages = (c: Course): readonly Stage[] => [
  {
    name: "request",
    token: c.request,
    optional: ["hash_c1"],
    take: async (token) => await beginHandshakeReply(c.replier, c.toInitiator, token, { at }),
  },
  {
    name: "reply",
    token: c.reply,
    optional: ["hash_c1", "hash_c2", "dh1"],
    take: async (token) => await processHandshake(c.awaitingReply, token, { at }),
  },
  {
    name: "final",
    token: c.final,
    optional: ["hash_c1", "hash_c2", "dh1", "dh2"],
    take: async (token) => await processHandshake(c.awaitingFinal, token, { at }),
  },
];

for (const name of ["request", "reply", "final"] as const) {
  t.test(`no single byte of a ${name} can be changed`, async (t) => {
    const stage = stageOf(await course(await participants), name);
    for (const { name: field, value } of stage.token.binaryProperties) {
      const codes = new Set<string>();
      for (let position = 0; position < value.length; position++) {
        const mask = 1 + ((position * 37) % 255);
        codes.add(
          await refusal(
            t,
            stage,
            withField(stage.token, field, flip(position, mask)),
            `${field} ${position}`,
          ),
        );
      }
      t.comment(`${field}: ${value.length} octets: ${[...codes].sort().join(", ")}`);
      await completes(t, stage);
    }
    for (let position = 0; position < stage.token.classId.length; position++) {
      // The minor version does not count, whatever it is.
      if (position === MINOR_VERSION) continue;
      const code = stage.token.classId.charCodeAt(position) ^ 1;
      const classId = `${stage.token.classId.slice(0, position)}${String.fromCharCode(code)}${stage.token.classId.slice(position + 1)}`;
      await refusal(t, stage, { ...stage.token, classId }, classId);
    }
    await completes(t, stage);
  });

  t.test(`no field of a ${name} can be missing, doubled, empty, short or over-long`, async (t) => {
    const stage = stageOf(await course(await participants), name);
    for (const { name: field, value } of stage.token.binaryProperties) {
      const wrong: Record<string, DataHolder> = {
        "twice the same": {
          ...stage.token,
          binaryProperties: [...stage.token.binaryProperties, { name: field, value }],
        },
        "twice, the second otherwise": {
          ...stage.token,
          binaryProperties: [...stage.token.binaryProperties, { name: field, value: new Uint8Array(32) }],
        },
        empty: withField(stage.token, field, () => new Uint8Array()),
        "one octet short": withField(stage.token, field, (octets) => octets.slice(0, -1)),
        "one octet long": withField(stage.token, field, (octets) => Uint8Array.from([...octets, 0])),
        "of a mebioctet": withField(stage.token, field, () => new Uint8Array(1 << 20)),
        "of more than a token holds": withField(stage.token, field, () => new Uint8Array(3 << 20)),
      };
      for (const [how, token] of Object.entries(wrong)) await refusal(t, stage, token, `${field} ${how}`);
      const without = withField(stage.token, field, () => undefined);
      if (stage.optional.includes(field)) await completes(t, stage, without);
      else await refusal(t, stage, without, `${field} missing`, "HANDSHAKE_TOKEN_INVALID");
      await completes(t, stage);
    }
  });
}

t.test("what no hash in the request covers is refused at the latest by the initiator", async (t) => {
  const whole = await course(await participants, { announced: false });
  const stage = stageOf(whole, "request");
  const bare = withField(whole.request, "hash_c1", () => undefined);
  for (const { name: field, value } of bare.binaryProperties) {
    for (
      let position = 0;
      position < value.length;
      position += field === "c.perm" || field === "c.id" ? 97 : 11
    ) {
      const changed = withField(bare, field, flip(position, 1));
      const reply = await stage.take(changed).then(({ send }) => send, typed);
      if (reply === undefined) continue;
      const code = await processHandshake(whole.awaitingReply, reply, { at }).then(() => "accepted", codeOf);
      t.not(code, "accepted", `${field} ${position}`);
    }
  }
});

t.test("tokens of another handshake, our own, and those out of turn are refused", async (t) => {
  const one = await course(await participants);
  const other = await course(await participants);
  const cases: readonly [string, Promise<HandshakeStep>, string][] = [
    [
      "the reply of another handshake",
      processHandshake(one.awaitingReply, other.reply, { at }),
      "HANDSHAKE_REPLAYED",
    ],
    [
      "the final of another handshake",
      processHandshake(one.awaitingFinal, other.final, { at }),
      "HANDSHAKE_REPLAYED",
    ],
    [
      "our own request",
      processHandshake(one.awaitingReply, one.request, { at }),
      "HANDSHAKE_TOKEN_UNEXPECTED",
    ],
    ["our own reply", processHandshake(one.awaitingFinal, one.reply, { at }), "HANDSHAKE_TOKEN_UNEXPECTED"],
    [
      "the request of another handshake",
      processHandshake(one.awaitingFinal, other.request, { at }),
      "HANDSHAKE_REPLAYED",
    ],
    [
      "a final before the reply",
      processHandshake(one.awaitingReply, one.final, { at }),
      "HANDSHAKE_TOKEN_UNEXPECTED",
    ],
    [
      "a final before the request",
      beginHandshakeReply(one.replier, one.toInitiator, one.final, { at }),
      "HANDSHAKE_TOKEN_UNEXPECTED",
    ],
    [
      "a request with another challenge than was announced",
      beginHandshakeReply(one.replier, one.toInitiator, other.request, { at }),
      "HANDSHAKE_REPLAYED",
    ],
    [
      "our own request, sent back to us as if we were the replier",
      beginHandshakeReply(
        one.initiator,
        { ...one.toReplier, role: "replier", futureChallenge: one.toReplier.challenge },
        one.request,
        { at },
      ),
      "HANDSHAKE_REPLAYED",
    ],
  ];
  for (const [name, step, code] of cases) await t.rejects(step, { name: "CredentialError", code }, name);
  for (const stage of stages(one)) await completes(t, stage);
});

t.test("a token that comes again is answered as before, and changes nothing", async (t) => {
  const c = await course(await participants);
  const again = await processHandshake(c.awaitingFinal, c.request, { at });
  t.equal(again.state, c.awaitingFinal);
  t.equal(again.send, c.reply);
  const done = await processHandshake(c.awaitingReply, c.reply, { at });
  t.equal((await processHandshake(done.state, c.reply, { at })).send, done.send);
  const over = await processHandshake(c.awaitingFinal, c.final, { at });
  for (const token of [c.request, c.final]) {
    t.same(await processHandshake(over.state, token, { at }), { state: over.state });
  }
});

t.test("a forged request does not keep the peer's own from completing, before or after it", async (t) => {
  const c = await course(await participants, { announced: false });
  const forged = (mask: number) => withField(c.request, "challenge1", flip(0, mask));
  let { state } = await beginHandshakeReply(c.replier, c.toInitiator, forged(1), { at });
  const replied = await processHandshake(state, c.request, { at });
  state = (await processHandshake(replied.state, forged(2), { at })).state;
  const answered = await processHandshake(c.awaitingReply, sent(replied.send), { at });
  const done = await processHandshake(state, sent(answered.send), { at });
  t.same(done.state.peer?.sharedSecret.reveal(), answered.state.peer?.sharedSecret.reveal());
  await t.rejects(processHandshake(state, withField(sent(answered.send), "signature", flip(9, 1)), { at }), {
    code: "HANDSHAKE_SIGNATURE_INVALID",
  });
});

t.test("a peer is refused for what is wrong with its credentials", async (t) => {
  const pki = await mockPki();
  const replier = await participant({ pki, participant: "bob" });
  const lately = new Date(at.getTime() - 40 * HOUR);
  const earlier = new Date(at.getTime() - 4 * HOUR);
  const ended = mockPermissions({
    subject: "CN=alice,O=Example",
    notAfter: new Date(at.getTime() - 2 * HOUR),
  });
  const wrong: readonly [string, MockDeploymentOptions, Date][] = [
    ["ISSUER_MISMATCH", { pki: await mockPki({ identityCa: { subject: "CN=Elsewhere" } }) }, at],
    ["CERTIFICATE_EXPIRED", { pki, defects: ["identity-expired"] }, lately],
    ["GRANT_EXPIRED", { pki, permissions: ended }, earlier],
  ];
  for (const [code, deployment, then] of wrong) {
    const initiator = await participant({ ...deployment, participant: "alice" }, {}, then);
    const toReplier = validateRemoteIdentity(initiator, { role: "initiator" });
    const { send } = await beginHandshakeRequest(initiator, toReplier, { at });
    const toInitiator = validateRemoteIdentity(replier, { role: "replier" });
    await t.rejects(beginHandshakeReply(replier, toInitiator, sent(send), { at }), { code }, code);
    const spoofed = validateRemoteIdentity(replier, { guid: new Uint8Array(16), role: "replier" });
    await t.rejects(beginHandshakeReply(replier, spoofed, sent(send), { at }), {
      code: "HANDSHAKE_IDENTITY_MISMATCH",
    });
  }
});

t.test(
  "RSA and P-256, both key agreements, both ways to write numbers and texts, names of 1.2",
  async (t) => {
    for (const keyKind of ["ec-p256", "rsa-2048"] as const) {
      for (const options of [
        {},
        { trailingNul: false },
        { keyAgreement: "MODP-2048-256" },
        { keyAgreement: "MODP-2048-256", modpEncoding: "der" },
      ] as const) {
        const c = await course(await pair({ keyKind }, options), { at });
        const done = await processHandshake(c.awaitingFinal, c.final, { at });
        const answered = await processHandshake(c.awaitingReply, c.reply, { at });
        t.same(done.state.peer?.sharedSecret.reveal(), answered.state.peer?.sharedSecret.reveal());
        const ends = c.reply.binaryProperties.filter(({ name }) => /algo|perm/.test(name));
        t.ok(ends.every(({ value }) => (value.at(-1) === 0) === !("trailingNul" in options)));
        const dh2 = c.reply.binaryProperties.find(({ name }) => name === "dh2")?.value.length ?? 0;
        t.equal(
          dh2,
          !("keyAgreement" in options) ? 65 : "modpEncoding" in options ? Math.max(dh2, 257) : 256,
        );
      }
    }
    const c = await course(await participants, { at, announced: false });
    const modern = (name: string, value: string) => (token: DataHolder) =>
      withField(token, name, () => Buffer.from(value));
    const named = modern(
      "c.dsign_algo",
      "ECDSA+P256+SHA256",
    )(modern("c.kagree_algo", "ECDHE-CEUM+P256")(c.request));
    const request = withField(
      { ...named, classId: named.classId.replace("1.0", "1.2") },
      "hash_c1",
      () => undefined,
    );
    const { send } = await beginHandshakeReply(c.replier, c.toInitiator, request, { at });
    const text = (name: string) =>
      Buffer.from(sent(send).binaryProperties.find((p) => p.name === name)?.value ?? []).toString();
    t.equal(text("c.dsign_algo"), "ECDSA+P256+SHA256");
    t.equal(text("c.kagree_algo"), "ECDHE-CEUM+P256");
  },
);

t.test("a handshake that does not advance ends at its deadline", async (t) => {
  const c = await course(await participants, { at });
  for (const [state, token] of [
    [c.awaitingReply, c.reply],
    [c.awaitingFinal, c.final],
  ] as const) {
    const late = { at: new Date(at.getTime() + 100_000) };
    await t.rejects(processHandshake(state, token, late), { code: "HANDSHAKE_TIMEOUT" });
    t.ok((await processHandshake(state, token, { at: new Date(late.at.getTime() - 1) })).state.peer);
  }
});

t.test("100,000 mutated tokens: each is refused by a code, or means the same", async (t) => {
  const c = await course(await participants);
  // Without its hash, what stands in the credentials of a request is looked at.
  const bare = { ...stageOf(c, "request"), token: withField(c.request, "hash_c1", () => undefined) };
  const all = [...stages(c), bare];
  const next = random(20_261_123);
  const codes = new Map<string, number>();
  for (let n = 0; n < MUTATIONS; n++) {
    const stage = all[n % all.length];
    if (stage === undefined) continue;
    const token = mutate(
      stage.token,
      all.map((each) => each.token),
      next,
    );
    const outcome =
      token === undefined ? "no token" : await stage.take(token).then((step) => step, typedCode);
    const code = typeof outcome === "string" ? outcome : "accepted";
    codes.set(code, (codes.get(code) ?? 0) + 1);
    if (typeof outcome !== "string") await agrees(t, c, stage, outcome);
  }
  t.comment(JSON.stringify(Object.fromEntries(codes)));
  t.ok(codes.size > 6, "many ways to be wrong");
  t.ok((codes.get("accepted") ?? 0) < MUTATIONS / 20);
  for (const stage of stages(c)) await completes(t, stage);
});

t.test("over a channel that loses, repeats and reorders, both end, and never with two secrets", async (t) => {
  const next = random(7);
  const ends = { both: 0, one: 0, none: 0 };
  for (let run = 0; run < 60; run++) {
    const loss = run < 40 ? 30 : 97;
    const c = await course(await participants, { at, announced: run % 2 === 0 });
    const peers = await overChannel(c, loss, next);
    const found = peers.filter((peer) => peer !== undefined);
    ends[found.length === 2 ? "both" : found.length === 1 ? "one" : "none"]++;
    const [one, other] = found;
    if (one && other) t.same(one.sharedSecret.reveal(), other.sharedSecret.reveal());
    if (loss === 30) t.equal(found.length, 2, "at 30 % both complete");
  }
  t.comment(JSON.stringify(ends));
});

/** Refused by a typed error; answers with its code. */
async function refusal(
  t: Test,
  stage: Stage,
  token: DataHolder,
  what: string,
  expected?: string,
): Promise<string> {
  const code = await stage.take(token).then(() => "accepted", codeOf);
  const good = expected === undefined ? code !== "accepted" && code !== "untyped" : code === expected;
  // One assertion for each of ten thousand would be most of the time.
  if (!good) t.fail(`${what}: ${code}`);
  return code;
}

/** The right token still ends this stage. */
async function completes(t: Test, stage: Stage, token = stage.token): Promise<void> {
  const { state } = await stage.take(token);
  t.equal(state.phase, stage.name === "request" ? "awaiting-final" : "authenticated");
}

/** A mutated token that was accepted left both sides with the same secret. */
async function agrees(t: Test, c: Course, stage: Stage, { state, send }: HandshakeStep): Promise<void> {
  let [mine, theirs]: (AuthenticatedPeer | undefined)[] = [state.peer, undefined];
  if (stage.name === "request") {
    const answered = await processHandshake(c.awaitingReply, sent(send), { at }).catch(typed);
    // A request is not signed: that it was changed shows at the initiator.
    if (answered === undefined) return;
    theirs = answered.state.peer;
    mine = (await processHandshake(state, sent(answered.send), { at })).state.peer;
  } else if (stage.name === "reply") {
    theirs = (await processHandshake(c.awaitingFinal, sent(send), { at })).state.peer;
  } else {
    theirs = (await processHandshake(c.awaitingReply, c.reply, { at })).state.peer;
  }
  const [one, other] = [mine?.sharedSecret.reveal(), theirs?.sharedSecret.reveal()];
  if (!one || !other || !sameOctets(one, other)) t.fail("the handshake did not end, or with two secrets");
}

/** Something else than the token, or what cannot be read as one. */
function mutate(
  token: DataHolder,
  others: readonly DataHolder[],
  next: (below: number) => number,
): DataHolder | undefined {
  const properties = token.binaryProperties;
  const { name = "", value = new Uint8Array(1) } = properties[next(properties.length)] ?? {};
  const other = others[next(others.length)] ?? token;
  const foreign = other.binaryProperties[next(other.binaryProperties.length)] ?? { name, value };
  switch (next(10)) {
    case 0:
    case 1:
      return withField(token, name, flip(next(value.length), 1 + next(255)));
    case 2:
      return withField(token, name, (octets) => octets.slice(0, next(octets.length)));
    case 3:
      return withField(token, name, (octets) => Uint8Array.from([...octets.subarray(0, 4096), next(256)]));
    case 4:
      return sameOctets(foreign.value, value) ? undefined : withField(token, name, () => foreign.value);
    case 5:
      return { ...token, binaryProperties: [...properties, foreign] };
    case 6:
      return {
        ...token,
        classId: next(2) === 0 ? other.classId.slice(0, next(20)) : `${token.classId}${next(10)}`,
      };
    case 7:
      return withField(token, name, (octets) =>
        flip(next(octets.length), 1 + next(255))(flip(next(octets.length), 128)(octets)),
      );
    case 8:
      // What means the same is rare, because it costs a whole handshake.
      if (next(40) > 0) return { ...token, binaryProperties: properties.slice(0, next(properties.length)) };
      return {
        ...token,
        binaryProperties: properties.toReversed(),
        classId: token.classId.replace("1.0", "1.2"),
      };
    default: {
      const bytes = encodeDataHolder(token);
      for (let n = 1 + next(4); n > 0; n--) bytes[next(n === 1 ? 64 : bytes.length)] = next(256);
      return decoded(bytes.subarray(0, next(3) === 0 ? next(bytes.length) : bytes.length));
    }
  }
}

function decoded(bytes: Uint8Array): DataHolder | undefined {
  try {
    return decodeDataHolder(bytes);
  } catch (error) {
    if (error instanceof CredentialError) return undefined;
    throw error;
  }
}

/** Both endpoints with a clock of their own, until both are done or too late. */
async function overChannel(c: Course, loss: number, next: (below: number) => number) {
  interface Flight {
    readonly due: number;
    readonly to: "initiator" | "replier";
    readonly token: DataHolder;
  }
  let flights: Flight[] = [];
  let initiator: Handshake = c.awaitingReply;
  let replier: Handshake | undefined;
  const dispatch = (to: Flight["to"], token: DataHolder | undefined, now: number) => {
    if (token === undefined) return;
    for (let copies = next(100) < 30 ? 2 : 1; copies > 0; copies--) {
      if (next(100) >= loss) flights.push({ due: now + 1 + next(2500), to, token });
    }
  };
  for (let now = 0; now < 110_000; now += 250) {
    const moment = { at: new Date(at.getTime() + now) };
    // Both send again every second what they wait with.
    if (now % 1000 === 0 && initiator.phase !== "authenticated") dispatch("replier", initiator.token, now);
    if (now % 1000 === 0 && replier?.phase === "awaiting-final") dispatch("initiator", replier.token, now);
    const due = flights.filter((flight) => flight.due <= now);
    flights = flights.filter((flight) => flight.due > now);
    for (const { to, token } of due) {
      try {
        if (to === "initiator") {
          const step = await processHandshake(initiator, token, moment);
          initiator = step.state;
          dispatch("replier", step.send, now);
        } else {
          const step: HandshakeStep = replier
            ? await processHandshake(replier, token, moment)
            : await beginHandshakeReply(c.replier, c.toInitiator, token, moment);
          replier = step.state;
          dispatch("initiator", step.send, now);
        }
      } catch (error) {
        const code = typedCode(error);
        if (code !== "HANDSHAKE_TIMEOUT" && code !== "HANDSHAKE_TOKEN_UNEXPECTED") throw error;
      }
    }
    if (initiator.peer && replier?.peer) break;
  }
  return [initiator.peer, replier?.peer] as const;
}

function stageOf(c: Course, name: Stage["name"]): Stage {
  const stage = stages(c).find((candidate) => candidate.name === name);
  if (stage === undefined) throw new Error(name);
  return stage;
}

const flip = (position: number, mask: number) => (octets: Uint8Array) =>
  octets.map((octet, index) => (index === position ? octet ^ mask : octet));

const sameOctets = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

const codeOf = (error: unknown): string => (error instanceof CredentialError ? error.code : "untyped");

/** The code of a typed error; any other is thrown on. */
function typedCode(error: unknown): string {
  if (error instanceof CredentialError && error.code !== "INTERNAL") return error.code;
  throw error;
}

function typed(error: unknown): undefined {
  typedCode(error);
}

const HOUR = 3_600_000;
const MUTATIONS = 100_000;
/** Of `DDS:Auth:PKI-DH:1.0+Req`. */
const MINOR_VERSION = "DDS:Auth:PKI-DH:1.".length;
