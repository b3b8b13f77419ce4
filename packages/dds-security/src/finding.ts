import {
  type CredentialError,
  type ErrorCode,
  errorCodes,
  redactUri,
  type SourceLocation,
} from "@ddscred/core";

export type Severity = "error" | "warning" | "info";

/**
 * One thing that an examination found. It carries what a person needs to mend it, and never a PIN: `uri` and
 * `candidates` are redacted here, and no text of a configuration's value is put into a message.
 */
export interface Finding extends FindingDetails {
  readonly code: ErrorCode;
  readonly severity: Severity;
  readonly message: string;
  readonly hint: string;
}

export interface FindingDetails {
  /** What to do. Default: the hint of the code. */
  readonly hint?: string;
  /** DDS name of the property concerned, such as `dds.sec.auth.identity_ca`. */
  readonly property?: string;
  /** The URI concerned; it is redacted here, so give it as it is. */
  readonly uri?: string;
  /** Where in the configuration. */
  readonly location?: SourceLocation;
  /** Where in the file that the property names. */
  readonly target?: SourceLocation;
  /** The implementations it concerns, where it does not concern all. */
  readonly peers?: readonly string[];
  /** What could have been meant. */
  readonly candidates?: readonly string[];
}

/** A finding; whatever `extra` leaves open is filled from the table of codes. */
export function finding(
  code: ErrorCode,
  severity: Severity,
  message: string,
  extra: FindingDetails = {},
): Finding {
  const { uri, candidates } = extra;
  return {
    ...extra,
    ...(uri === undefined ? {} : { uri: redactUri(uri) }),
    ...(candidates === undefined ? {} : { candidates: candidates.map(redactUri) }),
    code,
    severity,
    message,
    hint: extra.hint ?? errorCodes[code].hint,
  };
}

/** The finding that an error amounts to. What `extra` says goes before what the error knows. */
export function findingFromError(
  error: CredentialError,
  severity: Severity = "error",
  extra: FindingDetails = {},
): Finding {
  const { hint, uri, location, candidates } = error;
  return finding(error.code, severity, error.message, {
    hint,
    ...(uri === undefined ? {} : { uri }),
    ...(location === undefined ? {} : { location }),
    ...(candidates === undefined ? {} : { candidates }),
    ...extra,
  });
}
