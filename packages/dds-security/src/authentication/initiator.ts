import { sameBytes, utf8Bytes } from "@ddscred/core";
import { agreementNamed, agreementOf, signingNamed, signingOf } from "./algorithms.ts";
import { AuthenticatedPeer, PEER_MINT } from "./authenticated-peer.ts";
import type { DataHolder } from "./data-holder.ts";
import { replayed } from "./fault.ts";
import { type AwaitingReply, Handshake } from "./handshake-state.ts";
import {
  type HashedFields,
  handshakeToken,
  hashCredentials,
  type MessageFields,
  readFields,
  signedContent,
} from "./handshake-token.ts";
import { credentialsOf, type LocalCredentials } from "./local-credentials.ts";
import type { LocalIdentity } from "./local-identity.ts";
import { decodePublicValue, encodePublicValue } from "./public-value.ts";
import type { RemoteIdentity } from "./remote-identity.ts";
import { agreementDiffers, checkChallenge, checkEcho, checkHash } from "./rules.ts";
import { sharedSecretOf } from "./shared-secret.ts";
import { peerCredentialToken } from "./tokens.ts";
import { verifyIdentity, verifyPermissions, verifySignature } from "./verify-peer.ts";

/** The request: our credentials, half of the key agreement, a challenge. */
export async function makeRequest(
  local: LocalIdentity,
  remote: RemoteIdentity,
  at: Date,
): Promise<Handshake> {
  const credentials = credentialsOf(local);
  const { crypto, keyAgreement, modpEncoding, trailingNul, timeout } = credentials;
  const agreement = agreementOf(keyAgreement);
  const ephemeral = await crypto.generateEphemeralKey(agreement.group);
  const dh1 = encodePublicValue(ephemeral.publicKey, agreement.group, modpEncoding);
  const kagree = text(agreement.names[0], trailingNul);
  const { fields, hash: hash_c1 } = await ownCredentials(local, credentials, kagree);
  const token = handshakeToken("Req", { ...fields, hash_c1, dh1, challenge1: remote.challenge });
  const deadline = new Date(at.getTime() + timeout);
  return new Handshake(
    { role: "initiator", deadline, token },
    { phase: "awaiting-reply", crypto, accepted: [], local, remote, agreement, ephemeral, hash_c1, dh1 },
  );
}

/** The five fields that say who we are, and their hash, for a way to name the key agreement: all names follow it. */
export async function ownCredentials(
  { certificate }: LocalIdentity,
  credentials: LocalCredentials,
  kagree: Uint8Array,
): Promise<HashedFields> {
  return await credentials.own.get(kagree, async () => {
    const { trailingNul, modern } = agreementNamed(kagree);
    const { names } = signingOf(certificate.publicKey).row;
    const { permissionsDocument } = credentials;
    const fields = {
      "c.id": credentials.identity,
      "c.perm": trailingNul ? withNul(permissionsDocument) : permissionsDocument,
      "c.pdata": credentials.participantData,
      "c.dsign_algo": text(names[modern ? 1 : 0], trailingNul),
      "c.kagree_algo": kagree,
    };
    return { fields, hash: await hashCredentials(fields, credentials.crypto) };
  });
}

const text = (value: string, trailingNul: boolean) => utf8Bytes(trailingNul ? `${value}\0` : value);

/** Takes the reply and makes the final message. Nothing of the peer is used before its signature is good. */
export async function takeReply(
  handshake: Handshake,
  memory: AwaitingReply,
  token: DataHolder,
  at: Date,
): Promise<Handshake> {
  const { local, remote } = memory;
  const credentials = credentialsOf(local);
  const { crypto } = credentials;
  const fields = readFields(token, "Reply");
  const { dh2, challenge2, signature } = fields;
  const hash_c2 = await checkReply(fields, memory, credentials);
  const transcript = {
    hash_c1: memory.hash_c1,
    hash_c2,
    dh1: memory.dh1,
    dh2,
    challenge1: remote.challenge,
    challenge2,
  };
  const { group } = memory.agreement;
  const publicValue = decodePublicValue(dh2, group, "dh2");
  const claim = { ...fields, hash: hash_c2 };
  const identity = await verifyIdentity(claim, { local, remote, credentials, at });
  await verifySignature("Reply", transcript, signature, identity, credentials);
  const rights = await verifyPermissions(claim, identity, { credentials, at });
  const sharedSecret = await sharedSecretOf(await memory.ephemeral.agree(publicValue.key), group, crypto);

  const { scheme } = signingOf(local.certificate.publicKey);
  const ours = await credentials.signer.sign(scheme, signedContent("Final", transcript));
  const { hash_c1, dh1, challenge1 } = transcript;
  const answer = handshakeToken("Final", {
    hash_c1,
    hash_c2,
    dh1,
    dh2,
    challenge1,
    challenge2,
    signature: ours,
  });
  const peer = new AuthenticatedPeer(PEER_MINT, {
    ...identity,
    ...rights,
    guid: identity.participantData.guid,
    challenge1,
    challenge2,
    sharedSecret,
    credentialToken: peerCredentialToken({ identity: fields["c.id"], permissions: fields["c.perm"] }),
  });
  return new Handshake(
    { role: "initiator", deadline: handshake.deadline, token: answer, peer },
    { phase: "authenticated", crypto, accepted: [{ message: "Reply", transcript, signature, answer }] },
  );
}

/** Everything that needs no cryptography but a hash; answers with hash_c2. */
async function checkReply(
  fields: MessageFields<"Reply">,
  { remote, hash_c1, dh1, agreement }: AwaitingReply,
  { crypto }: LocalCredentials,
): Promise<Uint8Array> {
  checkEcho("challenge1", fields.challenge1, remote.challenge);
  checkEcho("dh1", fields.dh1, dh1);
  checkEcho("hash_c1", fields.hash_c1, hash_c1);
  checkChallenge("challenge2", fields.challenge2, remote);
  signingNamed(fields["c.dsign_algo"]);
  const { row } = agreementNamed(fields["c.kagree_algo"]);
  if (row !== agreement) throw agreementDiffers(row, agreement);
  const hash_c2 = await hashCredentials(fields, crypto);
  checkHash("hash_c2", fields.hash_c2, hash_c2);
  if (sameBytes(fields.dh2, dh1)) throw replayed("dh2 is our own dh1");
  return hash_c2;
}

function withNul(document: Uint8Array): Uint8Array {
  const out = new Uint8Array(document.length + 1);
  out.set(document);
  return out;
}
