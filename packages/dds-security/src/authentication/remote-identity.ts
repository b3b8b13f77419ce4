import type { DataHolder } from "./data-holder.ts";
import { replayed, tokenInvalid } from "./fault.ts";
import { compareGuids } from "./guid.ts";
import { credentialsOf } from "./local-credentials.ts";
import type { LocalIdentity } from "./local-identity.ts";
import { authRequestToken, checkIdentityToken, readAuthRequest } from "./tokens.ts";

/** What is known of a peer before the handshake; none of it is proved. */
export interface RemoteAnnouncement {
  /** 16 octets, as announced at discovery. */
  readonly guid?: Uint8Array;
  readonly identityToken?: DataHolder;
  /** The peer's authentication request, where it sent one. */
  readonly authRequest?: DataHolder;
  /** Who begins, where that is known otherwise. Default: who has the lower GUID. */
  readonly role?: HandshakeRole;
}

/** Our own role. */
export type HandshakeRole = "initiator" | "replier";

export interface RemoteIdentity {
  readonly role: HandshakeRole;
  readonly guid?: Uint8Array;
  /** To send to the peer before the handshake, if it wants one: it announces `challenge`. */
  readonly authRequest: DataHolder;
  /** Ours, 32 octets. */
  readonly challenge: Uint8Array;
  /** The peer's, where it announced one. */
  readonly futureChallenge?: Uint8Array;
}

/**
 * Decides who begins (DDS-Security 1.1 9.3.3, validate_remote_identity): the participant with the lower GUID.
 *
 * @throws CredentialError `HANDSHAKE_TOKEN_INVALID`; `HANDSHAKE_REPLAYED` where the announcement is our own
 */
export function validateRemoteIdentity(local: LocalIdentity, remote: RemoteAnnouncement): RemoteIdentity {
  const { crypto } = credentialsOf(local);
  if (remote.identityToken !== undefined) checkIdentityToken(remote.identityToken);
  const futureChallenge = remote.authRequest && readAuthRequest(remote.authRequest);
  const guid = remote.guid?.slice();
  if (guid !== undefined && guid.length !== 16) throw tokenInvalid("the GUID of the peer has not 16 octets");
  const order = guid && compareGuids(local.guid, guid);
  if (order === 0) throw replayed("the peer has our own GUID");
  const role = remote.role ?? (order === undefined ? undefined : order < 0 ? "initiator" : "replier");
  if (role === undefined) throw new TypeError("name the peer's guid, or the role");
  const challenge = crypto.randomBytes(32);
  return Object.freeze({
    role,
    authRequest: authRequestToken(challenge),
    challenge,
    ...(guid && { guid }),
    ...(futureChallenge && { futureChallenge }),
  });
}
