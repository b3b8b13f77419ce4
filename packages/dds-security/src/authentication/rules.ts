import { CredentialError } from "@ddscred/core";
import type { AgreementRow } from "./algorithms.ts";
import { replayed, tokenInvalid } from "./fault.ts";
import type { RemoteIdentity } from "./remote-identity.ts";
import { equalInConstantTime } from "./shared-secret.ts";

/** What a peer repeats of this handshake must be what it was; optional fields may be missing. */
export function checkEcho(name: string, found: Uint8Array | undefined, expected: Uint8Array): void {
  if (found === undefined || equalInConstantTime(found, expected)) return;
  throw replayed(`${name} is not the one of this handshake`);
}

/** What a peer says is the hash of its own credentials must be that, where it says it. */
export function checkHash(name: string, found: Uint8Array | undefined, expected: Uint8Array): void {
  if (found === undefined || equalInConstantTime(found, expected)) return;
  throw tokenInvalid(`${name} is not the hash of the credentials in the token`);
}

/** The peer's challenge: what it announced, if it did, and never ours. */
export function checkChallenge(name: string, found: Uint8Array, remote: RemoteIdentity): void {
  if (remote.futureChallenge !== undefined && !equalInConstantTime(found, remote.futureChallenge)) {
    throw replayed(`${name} is not the challenge that the peer announced`);
  }
  if (equalInConstantTime(found, remote.challenge)) throw replayed(`${name} is our own challenge`);
}

export function agreementDiffers(found: AgreementRow, expected: AgreementRow): CredentialError {
  return new CredentialError(
    "HANDSHAKE_ALGORITHM_REFUSED",
    `the peer answered ${found.names[0]} to a proposal of ${expected.names[0]}`,
    { section: "DDS-Security 1.1 9.3.2.3" },
  );
}
