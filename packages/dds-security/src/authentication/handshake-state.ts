import type { CryptoProvider, EphemeralKey } from "@ddscred/core";
import type { Grant, Permissions } from "../documents/permissions.ts";
import type { AgreementRow } from "./algorithms.ts";
import type { AuthenticatedPeer } from "./authenticated-peer.ts";
import type { DataHolder } from "./data-holder.ts";
import type { Accepted, Transcript } from "./handshake-token.ts";
import type { LocalIdentity } from "./local-identity.ts";
import type { HandshakeRole, RemoteIdentity } from "./remote-identity.ts";
import type { SharedSecret } from "./shared-secret.ts";
import type { ClaimedIdentity } from "./verify-peer.ts";

/**
 * A handshake at one of its stages. It does not change: every token that is accepted makes a new one, a token that is
 * refused leaves the one there was.
 */
export class Handshake {
  readonly role: HandshakeRole;
  readonly phase: "awaiting-reply" | "awaiting-final" | "authenticated";
  /** A handshake that is not authenticated by then has failed. */
  readonly deadline: Date;
  /** What was sent last: to be sent again while nothing comes back. */
  readonly token: DataHolder | undefined;
  /** Once authenticated. */
  readonly peer: AuthenticatedPeer | undefined;
  readonly #memory: Memory;

  /** Not for callers: only the functions of the handshake have a Memory. */
  constructor(
    facts: {
      readonly role: HandshakeRole;
      readonly deadline: Date;
      readonly token?: DataHolder;
      readonly peer?: AuthenticatedPeer;
    },
    memory: Memory,
  ) {
    this.role = facts.role;
    this.phase = memory.phase;
    this.deadline = facts.deadline;
    this.token = facts.token;
    this.peer = facts.peer;
    this.#memory = memory;
    Object.freeze(this);
  }

  /** Overwrites the secrets: for a handshake that is given up. The peer, where there is one, is wiped too. */
  wipe(): void {
    if (this.#memory.phase === "awaiting-final") {
      this.#memory.sharedSecret.wipe();
      for (const earlier of this.#memory.earlier) earlier.wipe();
    }
    this.peer?.wipe();
  }

  /** @internal */
  static memoryOf(handshake: Handshake): Memory {
    return handshake.#memory;
  }
}

/** What a stage knows. */
export type Memory = AwaitingReply | AwaitingFinal | Authenticated;

interface Common {
  readonly crypto: CryptoProvider;
  /** Messages that may come again, because their answer was lost. */
  readonly accepted: readonly Accepted[];
}

export interface AwaitingReply extends Common {
  readonly phase: "awaiting-reply";
  readonly local: LocalIdentity;
  readonly remote: RemoteIdentity;
  readonly agreement: AgreementRow;
  readonly ephemeral: EphemeralKey;
  readonly hash_c1: Uint8Array;
  readonly dh1: Uint8Array;
}

export interface AwaitingFinal extends Common {
  readonly phase: "awaiting-final";
  readonly local: LocalIdentity;
  readonly remote: RemoteIdentity;
  /**
   * Stages after other requests of the same peer: no request is signed, so that any of them may be the peer's own.
   * The final message says which.
   */
  readonly earlier: readonly Handshake[];
  readonly transcript: Transcript;
  readonly identity: ClaimedIdentity;
  readonly rights: { readonly permissions: Permissions; readonly grant: Grant };
  readonly credentialToken: DataHolder;
  readonly sharedSecret: SharedSecret;
}

interface Authenticated extends Common {
  readonly phase: "authenticated";
}
