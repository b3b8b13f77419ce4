import { type MockDeploymentOptions, mockDeployment, mockPki } from "@ddscred/backend-mock";
import { createResolver } from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import {
  type BinaryProperty,
  beginHandshakeReply,
  beginHandshakeRequest,
  type DataHolder,
  type Handshake,
  type HandshakeOptions,
  type LocalIdentity,
  openLocalIdentity,
  processHandshake,
  type RemoteIdentity,
  readCycloneConfiguration,
  validateRemoteIdentity,
} from "@ddscred/dds-security";

const crypto = nodeCrypto();

/** Two participants that trust each other, with keys on tokens in memory; the first one begins. */
export async function pair(
  deployment: MockDeploymentOptions = {},
  options: HandshakeOptions = {},
): Promise<readonly [LocalIdentity, LocalIdentity]> {
  const pki = deployment.pki ?? (await mockPki());
  const one = await participant({ ...deployment, pki, participant: "alice" }, options);
  const other = await participant({ ...deployment, pki, participant: "bob" }, options);
  const { role } = validateRemoteIdentity(one, { guid: other.guid });
  return role === "initiator" ? [one, other] : [other, one];
}

export async function participant(
  deployment: MockDeploymentOptions = {},
  options: HandshakeOptions = {},
  at = new Date(),
): Promise<LocalIdentity> {
  const { backend, configuration } = await mockDeployment(deployment);
  const [read] = readCycloneConfiguration(configuration, { file: "cyclonedds.xml", environment: {} });
  if (read === undefined) throw new Error("no configuration");
  return await openLocalIdentity(
    read,
    { resolver: createResolver([backend], { crypto }), crypto, at },
    options,
  );
}

/** A handshake up to each of its stages, and the tokens in between. */
export interface Course {
  readonly initiator: LocalIdentity;
  readonly replier: LocalIdentity;
  readonly toReplier: RemoteIdentity;
  readonly toInitiator: RemoteIdentity;
  readonly request: DataHolder;
  readonly reply: DataHolder;
  readonly final: DataHolder;
  readonly awaitingReply: Handshake;
  readonly awaitingFinal: Handshake;
}

/** @param announced whether both announced their challenges before */
export async function course(
  [initiator, replier]: readonly [LocalIdentity, LocalIdentity],
  { at = new Date(), announced = true } = {},
): Promise<Course> {
  // The challenges are announced to each other: one side must be known before the other.
  const first = validateRemoteIdentity(initiator, {
    guid: replier.guid,
    identityToken: replier.identityToken,
  });
  const toInitiator = validateRemoteIdentity(replier, {
    guid: initiator.guid,
    identityToken: initiator.identityToken,
    ...(announced && { authRequest: first.authRequest }),
  });
  const toReplier = announced ? { ...first, futureChallenge: toInitiator.challenge } : first;
  const begun = await beginHandshakeRequest(initiator, toReplier, { at });
  const request = sent(begun.send);
  const replied = await beginHandshakeReply(replier, toInitiator, request, { at });
  const reply = sent(replied.send);
  const answered = await processHandshake(begun.state, reply, { at });
  return {
    initiator,
    replier,
    toReplier,
    toInitiator,
    request,
    reply,
    final: sent(answered.send),
    awaitingReply: begun.state,
    awaitingFinal: replied.state,
  };
}

export function sent(token: DataHolder | undefined): DataHolder {
  if (token === undefined) throw new Error("nothing is sent");
  return token;
}

/** The token with one of its binary properties changed; undefined leaves it out. */
export function withField(
  token: DataHolder,
  name: string,
  change: (value: Uint8Array) => Uint8Array | undefined,
): DataHolder {
  const binaryProperties = token.binaryProperties.flatMap((property): BinaryProperty[] => {
    if (property.name !== name) return [property];
    const value = change(property.value);
    return value === undefined ? [] : [{ name, value }];
  });
  return { ...token, binaryProperties };
}

/** Numbers from 0 to below `below`, the same in every run. */
export function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
