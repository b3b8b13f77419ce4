import type { ErrorCode } from "../../errors/codes.ts";
import { CredentialError } from "../../errors/credential-error.ts";
import type { Certificate } from "../certificate.ts";
import { displayName, formatName } from "../name-format.ts";

/** An error about one certificate, which the message names by its subject. */
export function certificateError(
  code: ErrorCode,
  certificate: Certificate,
  problem: string,
  section: string,
  hint?: string,
): CredentialError {
  const message = `certificate ${displayName(certificate.subject)}: ${problem} (${section})`;
  const error = new CredentialError(code, message, {
    section,
    subject: formatName(certificate.subject),
    ...(hint === undefined ? {} : { hint }),
  });
  faulty.set(error, certificate);
  return error;
}

/** The certificate that an error is about. */
export function certificateAtFault(error: CredentialError): Certificate | undefined {
  return faulty.get(error);
}

const faulty = new WeakMap<CredentialError, Certificate>();
