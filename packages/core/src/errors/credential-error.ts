import { redactUri } from "../uri/redact.ts";
import { type ErrorCode, errorCodes } from "./codes.ts";

/** What the place that raises a {@link CredentialError} knows besides code and message. */
export interface CredentialErrorDetails {
  /** What to do. Default: the hint of the code. */
  readonly hint?: string;
  /** The URI concerned; it is redacted here, so give it as it is. */
  readonly uri?: string;
  readonly cause?: unknown;
  /** Whether the same call may succeed when it is made again. Default false. */
  readonly retryable?: boolean;
  /** Name of the PKCS#11 return value, such as `CKR_PIN_INCORRECT`. */
  readonly rv?: string;
  /** The PKCS#11 function that returned it, such as `C_Login`. */
  readonly call?: string;
  /** Which rule of a grammar or standard was broken, such as `duplicate-attribute`. */
  readonly rule?: string;
  /** Section of the standard that holds the rule, such as `RFC 7512 2.3`. */
  readonly section?: string;
  /** Offset in characters, from 0, into the text concerned. */
  readonly position?: number;
  /** Where in a file: line and column start at 1. */
  readonly location?: SourceLocation;
  /** Subject of the certificate at fault, by RFC 4514. */
  readonly subject?: string;
  /** What DDS implementations do where it is known and this is refused here. */
  readonly peers?: PeerVerdicts;
  /** Full URIs of what could have been meant: the candidates of an ambiguity, or near misses. */
  readonly candidates?: readonly string[];
}

/** Names of DDS implementations, such as `cyclonedds`: those that refuse the same, and those that accept it. */
export interface PeerVerdicts {
  readonly reject: readonly string[];
  readonly accept: readonly string[];
}

/** A place in a text; line and column start at 1, the column counts characters. */
export interface SourceLocation {
  readonly file?: string;
  readonly line: number;
  readonly column: number;
}

/**
 * The one error of ddscred: everything that data, files, tokens or peers can do wrong.
 * Wrong use of the library by its caller is a TypeError instead.
 *
 * No PIN, passphrase or key is ever part of it: `uri` and `candidates` are redacted.
 */
export class CredentialError extends Error {
  override readonly name = "CredentialError";
  readonly code: ErrorCode;
  readonly hint: string;
  readonly retryable: boolean;
  // Declared alone: whoever prints an error sees no fields that it does not have.
  declare readonly uri?: string;
  declare readonly rv?: string;
  declare readonly call?: string;
  declare readonly rule?: string;
  declare readonly section?: string;
  declare readonly position?: number;
  declare readonly location?: SourceLocation;
  declare readonly candidates?: readonly string[];
  declare readonly subject?: string;
  declare readonly peers?: PeerVerdicts;
  readonly #details: CredentialErrorDetails;

  constructor(code: ErrorCode, message: string, details: CredentialErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.#details = { ...details, ...(details.uri === undefined ? {} : { uri: redactUri(details.uri) }) };
    this.code = code;
    this.hint = details.hint ?? errorCodes[code].hint;
    this.retryable = details.retryable ?? false;
    if (details.uri !== undefined) this.uri = redactUri(details.uri);
    if (details.rv !== undefined) this.rv = details.rv;
    if (details.call !== undefined) this.call = details.call;
    if (details.rule !== undefined) this.rule = details.rule;
    if (details.section !== undefined) this.section = details.section;
    if (details.position !== undefined) this.position = details.position;
    if (details.location !== undefined) this.location = details.location;
    if (details.subject !== undefined) this.subject = details.subject;
    if (details.peers !== undefined) this.peers = details.peers;
    if (details.candidates !== undefined) this.candidates = details.candidates.map(redactUri);
  }

  /** The same error with details that only an outer place knows; what is already known stays. */
  with(details: Pick<CredentialErrorDetails, "uri" | "location" | "peers">): CredentialError {
    return new CredentialError(this.code, this.message, { ...details, ...this.#details });
  }

  toJSON(): Record<string, unknown> {
    const { uri, rv, call, rule, section, position, location, candidates } = this;
    const { code, message, hint, retryable, subject, peers } = this;
    const place = { uri, rv, call, rule, section, position, location, candidates };
    return { code, message, hint, retryable, ...place, subject, peers };
  }
}
