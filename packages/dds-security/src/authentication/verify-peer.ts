import {
  type Certificate,
  CredentialError,
  certificatesFromPem,
  type ValidatedPath,
  verifyDocument,
} from "@ddscred/core";
import { grantFor } from "../documents/grant.ts";
import { type Grant, type Permissions, readPermissions } from "../documents/permissions.ts";
import { signingOf } from "./algorithms.ts";
import { identityMismatch, replayed, tokenInvalid } from "./fault.ts";
import { checkGuid, compareGuids } from "./guid.ts";
import { signedContent, type Transcript } from "./handshake-token.ts";
import type { LocalCredentials } from "./local-credentials.ts";
import type { LocalIdentity } from "./local-identity.ts";
import { decodeParticipantData, type ParticipantData } from "./parameter-list.ts";
import type { RemoteIdentity } from "./remote-identity.ts";

/** A peer whose certificate is good and fits its GUID. That it holds the key is not proved by this. */
export interface ClaimedIdentity {
  readonly certificate: Certificate;
  readonly path: ValidatedPath;
  readonly participantData: ParticipantData;
}

/** The credentials of a peer as it sent them, and their hash. */
interface Claim {
  readonly "c.id": Uint8Array;
  readonly "c.pdata": Uint8Array;
  readonly "c.perm": Uint8Array;
  readonly hash: Uint8Array;
}

/**
 * The identity that `c.id` and `c.pdata` claim: the certificate valid and issued by one of our CAs, the GUID the
 * one that was announced and bound to the certificate's subject (DDS-Security 1.1 9.3.3).
 */
export async function verifyIdentity(
  claim: Claim,
  context: { local: LocalIdentity; remote: RemoteIdentity; credentials: LocalCredentials; at: Date },
): Promise<ClaimedIdentity> {
  const { local, remote, credentials, at } = context;
  const { claims } = credentials.recent;
  const { chain, participantData } = await claims.get(claim.hash, () => readClaim(claim, credentials));
  const guid = participantData.guid.slice();
  const announced = remote.guid;
  if (announced !== undefined && compareGuids(guid.subarray(0, 12), announced.subarray(0, 12)) !== 0) {
    throw identityMismatch("the participant data hold another GUID than the peer announced");
  }
  if (compareGuids(guid.subarray(0, 12), local.guid.subarray(0, 12)) === 0) {
    throw replayed("the participant data are our own");
  }
  const [certificate, ...intermediates] = chain;
  if (certificate === undefined) throw new TypeError("a chain has a certificate");
  const path = await credentials.validatePeer({ leaf: certificate, intermediates, at });
  return { certificate, path, participantData: { ...participantData, guid } };
}

/** Certificates and participant data that fit together; that they are the peer's is not said. */
async function readClaim(
  { "c.id": id, "c.pdata": data }: Claim,
  { crypto, recent }: LocalCredentials,
): Promise<{ chain: readonly Certificate[]; participantData: ParticipantData }> {
  const participantData = decodeParticipantData(data);
  const digest = await crypto.digest("SHA-256", id);
  const chain = await recent.chains.get(digest, () => certificatesFromPem(withoutNul(id)));
  const [certificate] = chain;
  if (certificate === undefined || chain.length > MAX_CERTIFICATES) {
    throw tokenInvalid("c.id holds too many certificates");
  }
  await checkGuid(participantData.guid, certificate.subject, crypto);
  return { chain, participantData };
}

/** What the peer may do, by its own document, which our permissions CA must have signed. */
export async function verifyPermissions(
  { "c.perm": document, hash }: Claim,
  identity: ClaimedIdentity,
  { credentials, at }: { credentials: LocalCredentials; at: Date },
): Promise<{ permissions: Permissions; grant: Grant }> {
  const { permissionsCa: ca, crypto, recent } = credentials;
  // The signature of the same bytes by the same CA is as good as before; whether a grant is valid now is asked anew.
  const permissions = await recent.permissions.get(hash, async () => {
    const digest = await crypto.digest("SHA-256", document);
    return await recent.documents.get(digest, async () => {
      const verified = await verifyDocument(withoutNul(document), { ca, crypto });
      return readPermissions(verified, { file: "c.perm" });
    });
  });
  return { permissions, grant: grantFor(permissions, identity.certificate.subject, at) };
}

/** `HANDSHAKE_SIGNATURE_INVALID` unless the holder of the certificate signed this handshake. */
export async function verifySignature(
  message: "Reply" | "Final",
  transcript: Transcript,
  signature: Uint8Array,
  { certificate }: ClaimedIdentity,
  { crypto }: LocalCredentials,
): Promise<void> {
  const { scheme } = signingOf(certificate.publicKey);
  const { spki } = certificate.publicKey;
  if (await crypto.verify(spki, scheme, signedContent(message, transcript), signature)) return;
  throw new CredentialError(
    "HANDSHAKE_SIGNATURE_INVALID",
    `the signature of the ${message} message is invalid`,
    {
      section: "DDS-Security 1.1 9.3.2.5",
    },
  );
}

/** Implementations in C end texts with a NUL and count it. */
function withoutNul(text: Uint8Array): Uint8Array {
  return text.at(-1) === 0 ? text.subarray(0, -1) : text;
}

const MAX_CERTIFICATES = 9;
