import type { Certificate, PathQuestion, ValidatedPath } from "@ddscred/core";
import type { Permissions } from "../documents/permissions.ts";
import type { HashedFields } from "./handshake-token.ts";
import type { LocalIdentity, LocalIdentityOptions } from "./local-identity.ts";
import type { ParticipantData } from "./parameter-list.ts";
import { Recent } from "./recent.ts";

/** What a handshake needs of its own side and nobody else may see. */
export interface LocalCredentials
  extends Required<
    Pick<
      LocalIdentityOptions,
      "crypto" | "signer" | "permissionsCa" | "permissionsDocument" | "keyAgreement" | "modpEncoding"
    >
  > {
  readonly trailingNul: boolean;
  readonly timeout: number;
  /** Validates the path of a peer's certificate. */
  readonly validatePeer: (question: PathQuestion) => Promise<ValidatedPath>;
  /** `c.id`: the certificate as PEM. */
  readonly identity: Uint8Array;
  /** `c.pdata`. */
  readonly participantData: Uint8Array;
  /** Our own credentials, by the name of the key agreement that they are sent with. */
  readonly own: Recent<HashedFields>;
  readonly recent: RecentPeers;
}

/** What peers sent lately. Whether it is valid now is asked at each handshake anew. */
interface RecentPeers {
  /** By the hash of all credentials: what they claim, not verified but that it fits together. */
  readonly claims: Recent<{
    readonly chain: readonly Certificate[];
    readonly participantData: ParticipantData;
  }>;
  /** By the same: documents that our permissions CA was verified to have signed. */
  readonly permissions: Recent<Permissions>;
  /** By digest, for a peer that comes with another GUID: certificates, and documents that were verified. */
  readonly chains: Recent<readonly Certificate[]>;
  readonly documents: Recent<Permissions>;
}

/** For the handshake alone. */
export function credentialsOf(local: LocalIdentity): LocalCredentials {
  const found = credentials.get(local);
  if (found === undefined) throw new TypeError("a LocalIdentity is made by validateLocalIdentity only");
  return found;
}

/** For validateLocalIdentity alone: what it found good, with nothing remembered yet. */
export function keepCredentials(
  local: LocalIdentity,
  checked: Omit<LocalCredentials, "own" | "recent">,
): void {
  credentials.set(local, {
    ...checked,
    own: new Recent(MAX_RECENT),
    recent: {
      claims: new Recent(MAX_RECENT),
      permissions: new Recent(MAX_RECENT),
      chains: new Recent(MAX_RECENT),
      documents: new Recent(MAX_RECENT),
    },
  });
}

const credentials = new WeakMap<LocalIdentity, LocalCredentials>();
const MAX_RECENT = 32;
