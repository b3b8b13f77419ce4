import { CredentialError, type CredentialErrorDetails, type ErrorCode } from "@ddscred/core";
import type { DecisionCode } from "./decision.ts";

interface PeerRefusalDetails extends Pick<CredentialErrorDetails, "location" | "hint" | "uri"> {
  readonly peerCode?: DecisionCode | undefined;
}

/** What an implementation does not take: a CredentialError that also carries the implementation's own code. */
export class PeerRefusal extends CredentialError {
  /** As a decision gives it; undefined where the implementation has no code. */
  readonly peerCode: DecisionCode | undefined;

  constructor(code: ErrorCode, message: string, details: PeerRefusalDetails = {}) {
    super(code, message, details);
    this.peerCode = details.peerCode;
  }

  /** The same with what only an outer place knows, its code included. */
  override with(details: Pick<CredentialErrorDetails, "uri" | "location">): PeerRefusal {
    const { code, message, hint, peerCode, uri, location } = this;
    return new PeerRefusal(code, message, {
      ...details,
      hint,
      peerCode,
      ...(uri === undefined ? {} : { uri }),
      ...(location === undefined ? {} : { location }),
    });
  }
}
