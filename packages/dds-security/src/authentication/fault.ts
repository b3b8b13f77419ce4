import { CredentialError } from "@ddscred/core";

/** The section that describes DDS:Auth:PKI-DH. */
const SECTION = "DDS-Security 1.1 9.3";

/** A token, or a part of one, that is not what DDS Security says. */
export function tokenInvalid(message: string): CredentialError {
  return new CredentialError("HANDSHAKE_TOKEN_INVALID", message, { section: SECTION });
}

/** A token of another handshake than this one, or our own sent back. */
export function replayed(message: string): CredentialError {
  return new CredentialError("HANDSHAKE_REPLAYED", message, { section: SECTION });
}

export function identityMismatch(message: string): CredentialError {
  return new CredentialError("HANDSHAKE_IDENTITY_MISMATCH", message, { section: SECTION });
}
