import { agreementNamed, signingNamed, signingOf } from "./algorithms.ts";
import { AuthenticatedPeer, PEER_MINT } from "./authenticated-peer.ts";
import type { DataHolder } from "./data-holder.ts";
import { type AwaitingFinal, Handshake } from "./handshake-state.ts";
import {
  handshakeToken,
  hashCredentials,
  type MessageFields,
  readFields,
  signedContent,
} from "./handshake-token.ts";
import { ownCredentials } from "./initiator.ts";
import { credentialsOf } from "./local-credentials.ts";
import type { LocalIdentity } from "./local-identity.ts";
import { decodePublicValue, encodePublicValue } from "./public-value.ts";
import type { RemoteIdentity } from "./remote-identity.ts";
import { checkChallenge, checkEcho, checkHash } from "./rules.ts";
import { sharedSecretOf } from "./shared-secret.ts";
import { peerCredentialToken } from "./tokens.ts";
import { verifyIdentity, verifyPermissions, verifySignature } from "./verify-peer.ts";

/** Takes the request and makes the reply, in the form of the request: its NULs, its names, its way of writing numbers. */
export async function takeRequest(
  local: LocalIdentity,
  remote: RemoteIdentity,
  token: DataHolder,
  at: Date,
  earlier: readonly Handshake[] = [],
): Promise<Handshake> {
  const credentials = credentialsOf(local);
  const { crypto } = credentials;
  const fields = readFields(token, "Req");
  const { dh1, challenge1 } = fields;
  checkChallenge("challenge1", challenge1, remote);
  signingNamed(fields["c.dsign_algo"]);
  const agreement = agreementNamed(fields["c.kagree_algo"]);
  const { group } = agreement.row;
  const publicValue = decodePublicValue(dh1, group, "dh1");
  const hash_c1 = await hashCredentials(fields, crypto);
  checkHash("hash_c1", fields.hash_c1, hash_c1);
  const claim = { ...fields, hash: hash_c1 };
  const identity = await verifyIdentity(claim, { local, remote, credentials, at });
  const rights = await verifyPermissions(claim, identity, { credentials, at });

  const ephemeral = await crypto.generateEphemeralKey(group);
  const sharedSecret = await sharedSecretOf(await ephemeral.agree(publicValue.key), group, crypto);
  const own = await ownCredentials(local, credentials, fields["c.kagree_algo"]);
  const transcript = {
    hash_c1,
    hash_c2: own.hash,
    dh1,
    dh2: encodePublicValue(ephemeral.publicKey, group, publicValue.encoding),
    challenge1,
    challenge2: remote.challenge,
  };
  const { scheme } = signingOf(local.certificate.publicKey);
  const signature = await credentials.signer.sign(scheme, signedContent("Reply", transcript));
  const { hash_c2, dh2, challenge2 } = transcript;
  const answer = handshakeToken("Reply", {
    ...own.fields,
    hash_c2,
    dh2,
    hash_c1,
    dh1,
    challenge1,
    challenge2,
    signature,
  });
  return new Handshake(
    { role: "replier", deadline: new Date(at.getTime() + credentials.timeout), token: answer },
    {
      phase: "awaiting-final",
      crypto,
      accepted: [{ message: "Req", transcript, answer }],
      local,
      remote,
      earlier,
      transcript,
      identity,
      rights,
      credentialToken: peerCredentialToken({ identity: fields["c.id"], permissions: fields["c.perm"] }),
      sharedSecret,
    },
  );
}

/** Takes the final message: the peer holds its key. */
export async function takeFinal(
  handshake: Handshake,
  memory: AwaitingFinal,
  token: DataHolder,
): Promise<Handshake> {
  const { transcript, identity, sharedSecret } = memory;
  const credentials = credentialsOf(memory.local);
  const { crypto } = credentials;
  const fields = readFields(token, "Final");
  checkFinal(fields, memory);
  await verifySignature("Final", transcript, fields.signature, identity, credentials);
  const { challenge1, challenge2 } = transcript;
  const peer = new AuthenticatedPeer(PEER_MINT, {
    ...identity,
    ...memory.rights,
    guid: identity.participantData.guid,
    challenge1,
    challenge2,
    sharedSecret,
    credentialToken: memory.credentialToken,
  });
  // They come again where we have answered already; the peer has what it needs.
  const accepted = [
    { message: "Req", transcript },
    { message: "Final", transcript, signature: fields.signature },
  ] as const;
  return new Handshake(
    { role: "replier", deadline: handshake.deadline, peer },
    { phase: "authenticated", crypto, accepted },
  );
}

function checkFinal(fields: MessageFields<"Final">, { transcript }: AwaitingFinal): void {
  for (const name of ["challenge1", "challenge2", "dh1", "dh2", "hash_c1", "hash_c2"] as const) {
    checkEcho(name, fields[name], transcript[name]);
  }
}
