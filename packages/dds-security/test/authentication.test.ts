// Tokens and handshakes against what real implementations sent.

import { createHash, createHmac } from "node:crypto";
import { inspect } from "node:util";
import { type ErrorCode, webCrypto } from "@ddscred/core";
import {
  AuthenticatedPeer,
  adjustedGuid,
  beginHandshakeReply,
  beginHandshakeRequest,
  type DataHolder,
  decodeDataHolder,
  decodeParameterList,
  decodeParticipantData,
  deriveKeyExchange,
  encodeBinaryProperties,
  encodeDataHolder,
  encodeParameterList,
  type Handshake,
  type LocalIdentity,
  processHandshake,
  validateLocalIdentity,
  validateRemoteIdentity,
} from "@ddscred/dds-security";
import t, { type Test } from "tap";
import {
  credentials,
  field,
  hex,
  octets,
  type Recorded,
  readRecording,
  recordingPath,
  recordings,
  scripted,
} from "./support/handshakes.ts";
import { lacks, unpackDeployments } from "./support/shared.ts";

const skip = lacks("vectors/deployments.tar.gz") || lacks(recordingPath(recordings[0]));
const at = new Date();
const crypto = webCrypto();

t.test(
  "what is hashed is big-endian, aligned between the properties, not padded behind the last",
  async (t) => {
    const written = encodeBinaryProperties([
      { name: "c.id", value: octets("4142") },
      { name: "c.perm", value: octets("4300") },
    ]);
    const expected = `00000002 00000005 632e6964 00 000000 00000002 4142 0000
    00000007 632e7065726d00 00 00000002 4300`;
    t.equal(hex(written), expected.replace(/\s/g, ""));
  },
);

t.test("a token survives CDR of both endiannesses, and no end of it is a token", async (t) => {
  const token = {
    classId: "DDS:Auth:PKI-DH:1.0",
    properties: [{ name: "dds.cert.sn", value: "/C=NL/CN=é" }],
    binaryProperties: [{ name: "c.id", value: octets("0102030405") }],
  };
  for (const endianness of ["big", "little"] as const) {
    const written = encodeDataHolder(token, endianness);
    t.same(decodeDataHolder(written, endianness), token);
    for (let length = 0; length < written.length; length++) {
      t.throws(() => decodeDataHolder(written.subarray(0, length), endianness), { code: INVALID });
    }
    t.throws(() => decodeDataHolder(Buffer.concat([written, Buffer.alloc(4)]), endianness), {
      code: INVALID,
    });
    t.throws(() => decodeDataHolder(written, endianness === "big" ? "little" : "big"), { code: INVALID });
  }
});

t.test("participant data end in their sentinel, and say one GUID", async (t) => {
  const guid = { id: 0x50, value: new Uint8Array(16) };
  const good = encodeParameterList([guid]);
  t.same(decodeParticipantData(good), { guid: guid.value });
  const refused = {
    "no GUID": encodeParameterList([]),
    "two GUIDs": encodeParameterList([guid, guid]),
    "a short GUID": encodeParameterList([{ id: 0x50, value: new Uint8Array(12) }]),
    "no sentinel": good.subarray(0, 20),
    "something behind the sentinel": octets(`${hex(good)}00`),
    "a length that is no multiple of 4": octets("005000030000000000010000"),
    "a length beyond the end": octets("0050fffc0000000000010000"),
    nothing: new Uint8Array(),
  };
  for (const [name, bytes] of Object.entries(refused)) {
    t.throws(() => decodeParticipantData(bytes), { code: INVALID }, name);
  }
});

t.test("recorded handshakes", { skip }, async (t) => {
  const deployments = unpackDeployments();
  t.teardown(deployments.remove);
  for (const name of recordings) {
    const { skip, recorded } = { skip: lacks(recordingPath(name)), recorded: readRecording(name) };
    t.test(
      `${name}: participant data and identity tokens read back and written anew are the same`,
      { skip },
      async (t) => {
        for (const [message, party] of [
          [recorded.request, recorded.initiator],
          [recorded.reply, recorded.replier],
        ] as const) {
          const bytes = field(message, "c.pdata");
          t.equal(hex(encodeParameterList(decodeParameterList(bytes))), hex(bytes));
          const { guid, identityToken } = decodeParticipantData(bytes);
          const who = party.identity.split("/")[1] ?? "";
          t.same(identityToken, recorded.identityTokens[who]);
          t.equal(hex(guid.subarray(0, 12)), recorded.guidPrefixes[who]);
          const own = await local(recorded, party.identity, message);
          t.same(own.identityToken, recorded.identityTokens[who], "as we would write it");
          t.equal(hex(own.guid), hex(guid));
        }
      },
    );

    t.test(
      `${name}: in the initiator's place we send its bytes and accept the reply`,
      { skip },
      async (t) => {
        const step = await asInitiator(t, recorded);
        t.same(
          step.peer?.certificate.der,
          (await local(recorded, recorded.replier.identity, recorded.reply)).certificate.der,
        );
      },
    );

    t.test(`${name}: the secret is the hash of what was agreed, and is not printed`, { skip }, async (t) => {
      const { peer } = await asInitiator(t, recorded);
      if (peer === undefined) throw new Error("no peer");
      const secret = createHash("sha256").update(new Uint8Array(32).fill(7)).digest();
      t.equal(hex(peer.sharedSecret.reveal()), secret.toString("hex"));
      t.notMatch(`${inspect(peer, { depth: 9 })}${JSON.stringify(peer)}`, secret.toString("hex"));
      const keys = await deriveKeyExchange(peer, crypto);
      const hmac = (first: Uint8Array, text: string, last: Uint8Array) =>
        createHmac("sha256", createHash("sha256").update(first).update(text).update(last).digest())
          .update(secret)
          .digest("hex");
      const { challenge1, challenge2 } = peer;
      t.equal(hex(keys.masterSalt.reveal()), hmac(challenge1, "keyexchange salt", challenge2));
      t.equal(hex(keys.masterSenderKey.reveal()), hmac(challenge2, "key exchange key", challenge1));
      const octets = peer.sharedSecret.reveal();
      peer.wipe();
      t.equal(hex(octets), "00".repeat(32));
      t.throws(() => peer.sharedSecret.reveal(), TypeError);
    });

    t.test(
      `${name}: in the replier's place we accept the request, send its bytes, accept the final`,
      { skip },
      async (t) => {
        const state = await asReplier(t, recorded);
        t.equal(state.phase === "authenticated", AuthenticatedPeer.is(state.peer));
      },
    );
  }

  t.test("the candidate GUID of the recorded participants gives their adjusted GUIDs", async (t) => {
    const { certificate } = await local(
      readRecording(recordings[1]),
      "ec/alice",
      readRecording(recordings[1]).reply,
    );
    const candidate = octets("101112131415161718191a1b000001c1");
    t.equal(
      hex(await adjustedGuid(certificate.subject, candidate, crypto)),
      "da6657a07db58f641c33ccf3000001c1",
    );
  });

  /** A participant that announces what was recorded. */
  async function local(
    recorded: Recorded,
    identity: string,
    message: DataHolder,
    own = {},
  ): Promise<LocalIdentity> {
    const participantData = field(message, "c.pdata");
    const nul = field(recorded.request, "c.kagree_algo").at(-1) === 0;
    const modp = Buffer.from(field(recorded.request, "c.kagree_algo")).includes("MODP");
    return await validateLocalIdentity(
      {
        ...credentials(deployments, identity),
        crypto,
        participantData,
        trailingNul: nul,
        keyAgreement: modp ? "MODP-2048-256" : "P-256",
        ...own,
      },
      { at },
    );
  }

  async function asInitiator(t: Test, recorded: Recorded): Promise<Handshake> {
    const { request, reply, final } = recorded;
    const own = {
      crypto: scripted(field(request, "challenge1"), field(request, "dh1"), new Uint8Array(32).fill(7)),
      signer: recordedSigner(t, recorded.initiator.identity, field(final, "signature")),
    };
    const us = await local(recorded, recorded.initiator.identity, request, own);
    const remote = validateRemoteIdentity(us, { guid: guidOf(reply) });
    t.equal(remote.role, "initiator");
    const begun = await beginHandshakeRequest(us, remote, { at });
    sameFields(t, begun.send, request);
    t.equal(hex(field(begun.send as DataHolder, "hash_c1")), recorded.checks.hash_c1);
    const { state, send } = await processHandshake(begun.state, reply, { at });
    sameFields(t, send, final);
    t.equal(hex(field(send as DataHolder, "hash_c2")), recorded.checks.hash_c2);
    return state;
  }

  async function asReplier(t: Test, recorded: Recorded): Promise<Handshake> {
    const { request, reply, final } = recorded;
    // A replier of Fast DDS writes no NULs though the initiator did; we do as the initiator, so that our reply differs.
    const differs = field(reply, "c.perm").at(-1) !== 0 && field(request, "c.perm").at(-1) === 0;
    const own = {
      crypto: scripted(field(reply, "challenge2"), field(reply, "dh2"), new Uint8Array(32).fill(7)),
      ...(!differs && { signer: recordedSigner(t, recorded.replier.identity, field(reply, "signature")) }),
    };
    const us = await local(recorded, recorded.replier.identity, reply, own);
    const remote = validateRemoteIdentity(us, { guid: guidOf(request) });
    t.equal(remote.role, "replier");
    const begun = await beginHandshakeReply(us, remote, request, { at });
    t.equal(hex(field(begun.send as DataHolder, "hash_c1")), recorded.checks.hash_c1);
    if (differs) return begun.state;
    sameFields(t, begun.send, reply);
    return (await processHandshake(begun.state, final, { at })).state;
  }

  /** A key whose next signature is the recorded one: what it is asked to sign must be what was signed then. */
  function recordedSigner(t: Test, identity: string, signature: Uint8Array) {
    const { signer } = credentials(deployments, identity);
    return {
      ...signer,
      sign: async (scheme: Parameters<typeof signer.sign>[0], message: Uint8Array) => {
        t.ok(
          await crypto.verify(signer.publicKey, scheme, message, signature),
          "the signed bytes are the same",
        );
        return signature;
      },
    };
  }
});

const guidOf = (message: DataHolder): Uint8Array => decodeParticipantData(field(message, "c.pdata")).guid;

/** Every field that was recorded stands in the token with the same bytes. */
function sameFields(t: Test, token: DataHolder | undefined, recorded: DataHolder): void {
  t.equal(token?.classId, recorded.classId);
  for (const { name, value } of recorded.binaryProperties) {
    t.equal(hex(field(token as DataHolder, name)), hex(value), name);
  }
}

const INVALID: ErrorCode = "HANDSHAKE_TOKEN_INVALID";
