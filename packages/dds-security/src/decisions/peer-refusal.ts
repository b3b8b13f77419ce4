import { CredentialError, type ErrorCode, type SourceLocation } from "@ddscred/core";
import type { DecisionCode } from "./decision.ts";

/** What an implementation does not take: a CredentialError that also carries the implementation's own code. */
export class PeerRefusal extends CredentialError {
  /** As a decision gives it; undefined where the implementation has no code. */
  readonly peerCode: DecisionCode | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    { peerCode, location }: { peerCode?: number; location?: SourceLocation } = {},
  ) {
    super(code, message, location === undefined ? {} : { location });
    this.peerCode = peerCode;
  }
}
