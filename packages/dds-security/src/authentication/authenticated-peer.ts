import type { Certificate, DistinguishedName, ValidatedPath } from "@ddscred/core";
import type { Grant, Permissions } from "../documents/permissions.ts";
import type { DataHolder } from "./data-holder.ts";
import type { ParticipantData } from "./parameter-list.ts";
import type { SharedSecret } from "./shared-secret.ts";

interface PeerFacts {
  readonly certificate: Certificate;
  readonly path: ValidatedPath;
  /** 16 octets, as its participant data say; the first six are bound to the certificate. */
  readonly guid: Uint8Array;
  readonly participantData: ParticipantData;
  /** Its permissions document, verified, and the grant in it for its subject. */
  readonly permissions: Permissions;
  readonly grant: Grant;
  readonly challenge1: Uint8Array;
  readonly challenge2: Uint8Array;
  readonly sharedSecret: SharedSecret;
  /** For access control: certificate and permissions document as they were sent. */
  readonly credentialToken: DataHolder;
}

/** A peer that proved its identity: only a handshake that was completed makes one. */
export class AuthenticatedPeer implements PeerFacts {
  readonly #authenticated = true;
  readonly certificate: Certificate;
  readonly subject: DistinguishedName;
  readonly path: ValidatedPath;
  readonly guid: Uint8Array;
  readonly participantData: ParticipantData;
  readonly permissions: Permissions;
  readonly grant: Grant;
  readonly challenge1: Uint8Array;
  readonly challenge2: Uint8Array;
  readonly sharedSecret: SharedSecret;
  readonly credentialToken: DataHolder;

  /** Not for callers: `mint` never leaves the package. */
  constructor(mint: typeof PEER_MINT, facts: PeerFacts) {
    if (mint !== PEER_MINT) throw new TypeError("an AuthenticatedPeer is made by a handshake only");
    this.certificate = facts.certificate;
    this.subject = facts.certificate.subject;
    this.path = facts.path;
    this.guid = facts.guid;
    this.participantData = facts.participantData;
    this.permissions = facts.permissions;
    this.grant = facts.grant;
    this.challenge1 = facts.challenge1;
    this.challenge2 = facts.challenge2;
    this.sharedSecret = facts.sharedSecret;
    this.credentialToken = facts.credentialToken;
    Object.freeze(this);
  }

  /** Whether a value was made by a handshake, whatever its type says. */
  static is(value: unknown): value is AuthenticatedPeer {
    return typeof value === "object" && value !== null && #authenticated in value && value.#authenticated;
  }

  /** Overwrites the shared secret. */
  wipe(): void {
    this.sharedSecret.wipe();
  }
}

export const PEER_MINT: unique symbol = Symbol("AuthenticatedPeer");
