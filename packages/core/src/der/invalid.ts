import { CredentialError } from "../errors/credential-error.ts";

/** The error of a broken encoding rule; `position` counts bytes. */
export function derInvalid(
  position: number,
  rule: string,
  message: string,
  section = "X.690",
): CredentialError {
  return new CredentialError("DER_INVALID", `not strict DER at byte ${position}: ${message} (${section})`, {
    position,
    rule,
    section,
  });
}
