import { CredentialError } from "@ddscred/core";
import { type DataHolder, tokenLimits } from "./data-holder.ts";
import { tokenInvalid } from "./fault.ts";
import { Handshake } from "./handshake-state.ts";
import { messageOf, repeats } from "./handshake-token.ts";
import { makeRequest, takeReply } from "./initiator.ts";
import type { LocalIdentity } from "./local-identity.ts";
import type { RemoteIdentity } from "./remote-identity.ts";
import { takeFinal, takeRequest } from "./replier.ts";

/** Where a handshake stands after a token, and what to send now. */
export interface HandshakeStep {
  readonly state: Handshake;
  readonly send?: DataHolder;
}

interface Moment {
  /** The time: certificates are validated for it, and the deadline is counted from it. */
  readonly at: Date;
}

/**
 * Begins as initiator (DDS-Security 1.1 9.3.4, begin_handshake_request).
 *
 * @throws CredentialError `UNSUPPORTED` where the CryptoProvider lacks the key agreement
 */
export async function beginHandshakeRequest(
  local: LocalIdentity,
  remote: RemoteIdentity,
  { at }: Moment,
): Promise<HandshakeStep> {
  if (remote.role !== "initiator")
    throw new TypeError("this participant is the replier: wait for the request");
  return sent(await makeRequest(local, remote, at));
}

/**
 * Begins as replier, with the request of the peer (begin_handshake_reply).
 *
 * @throws CredentialError as {@link processHandshake}
 */
export async function beginHandshakeReply(
  local: LocalIdentity,
  remote: RemoteIdentity,
  request: DataHolder,
  { at }: Moment,
): Promise<HandshakeStep> {
  if (remote.role !== "replier") throw new TypeError("this participant is the initiator: send the request");
  checkToken(request);
  return sent(await takeRequest(local, remote, request, at));
}

/**
 * Takes the next token (process_handshake). A token that was accepted before is answered as it was then, so that
 * what was lost on the way comes again. A token that is refused leaves the state as it is: the right one may still
 * come. A replier answers another request of its peer too, because the first may have been forged.
 *
 * @throws CredentialError
 * `HANDSHAKE_TIMEOUT` after the deadline;
 * `HANDSHAKE_TOKEN_UNEXPECTED` for a message that does not belong here now;
 * `HANDSHAKE_TOKEN_INVALID` for one that is malformed;
 * `HANDSHAKE_REPLAYED` for one of another handshake, or our own;
 * `HANDSHAKE_ALGORITHM_REFUSED`, `HANDSHAKE_IDENTITY_MISMATCH`, `HANDSHAKE_SIGNATURE_INVALID`;
 * `KEY_INVALID` for a public value outside the group;
 * what certificatesFromPem, validatePath, verifyDocument, readPermissions and grantFor say of the peer's credentials;
 * and what the Signer says
 */
export async function processHandshake(
  state: Handshake,
  token: DataHolder,
  { at }: Moment,
): Promise<HandshakeStep> {
  const memory = Handshake.memoryOf(state);
  checkToken(token);
  if (memory.phase !== "authenticated" && at >= state.deadline) throw timedOut(state);
  const message = messageOf(token);
  for (const accepted of [state, ...earlierOf(state)].flatMap(
    (stage) => Handshake.memoryOf(stage).accepted,
  )) {
    if (!(await repeats(token, accepted, memory.crypto))) continue;
    return { state, ...(accepted.answer && { send: accepted.answer }) };
  }
  if (memory.phase === "awaiting-reply" && message === "Reply") {
    return sent(await takeReply(state, memory, token, at));
  }
  if (memory.phase === "awaiting-final" && message === "Final") return sent(await takeFinalOf(state, token));
  if (memory.phase === "awaiting-final" && message === "Req") {
    const { local, remote, earlier } = memory;
    return sent(await takeRequest(local, remote, token, at, [state, ...earlier].slice(0, MAX_EARLIER)));
  }
  throw unexpected(state, message);
}

const earlierOf = (state: Handshake): readonly Handshake[] => {
  const memory = Handshake.memoryOf(state);
  return memory.phase === "awaiting-final" ? memory.earlier : [];
};

/** The final message belongs to one of the requests that came, perhaps not to the last. */
async function takeFinalOf(state: Handshake, token: DataHolder): Promise<Handshake> {
  let refusal: unknown;
  for (const candidate of [state, ...earlierOf(state)]) {
    const memory = Handshake.memoryOf(candidate);
    if (memory.phase !== "awaiting-final") continue;
    try {
      return await takeFinal(candidate, memory, token);
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error;
      // What is wrong with the handshake that it belongs to says more than that it belongs to no other.
      if (refusal === undefined || error.code !== "HANDSHAKE_REPLAYED") refusal = error;
    }
  }
  throw refusal;
}

/** Of unsigned requests, so many are remembered besides the last. */
const MAX_EARLIER = 3;

const sent = (state: Handshake): HandshakeStep => ({ state, ...(state.token && { send: state.token }) });

function timedOut({ phase }: Handshake): CredentialError {
  const waited = phase === "awaiting-reply" ? "reply" : "final message";
  return new CredentialError("HANDSHAKE_TIMEOUT", `the peer's ${waited} did not come in time`, {
    retryable: true,
  });
}

function unexpected({ phase, role }: Handshake, message: string): CredentialError {
  const now = phase === "authenticated" ? "is over" : `is ${phase.replace("-", " the ")}`;
  return new CredentialError(
    "HANDSHAKE_TOKEN_UNEXPECTED",
    `another ${message} message came to the ${role}, whose handshake ${now}`,
  );
}

/** Whatever comes is measured before it is hashed. */
function checkToken(token: DataHolder): void {
  const { classId, properties, binaryProperties } = token;
  if (typeof classId !== "string" || !Array.isArray(properties) || !Array.isArray(binaryProperties)) {
    throw new TypeError("a token is a DataHolder");
  }
  if (!binaryProperties.every(({ name, value }) => typeof name === "string" && value instanceof Uint8Array)) {
    throw new TypeError("a binary property is a name and a Uint8Array");
  }
  if (!properties.every(({ name, value }) => typeof name === "string" && typeof value === "string")) {
    throw new TypeError("a property is a name and a string");
  }
  const octets = [...properties, ...binaryProperties].reduce(
    (sum, { name, value }) => sum + name.length + value.length,
    classId.length,
  );
  if (octets > tokenLimits.octets || properties.length + binaryProperties.length > tokenLimits.properties) {
    throw tokenInvalid("the token is larger than any that a handshake needs");
  }
}
