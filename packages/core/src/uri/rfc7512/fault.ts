import { CredentialError } from "../../errors/credential-error.ts";

/** The rules of RFC 7512 that a URI can break: `rule` of the error. */
export type Pkcs11UriRule =
  | "bad-scheme"
  | "too-long"
  | "empty-attribute"
  | "bad-syntax"
  | "bad-attribute-name"
  | "duplicate-attribute"
  | "bad-character"
  | "bad-percent-encoding"
  | "bad-utf8"
  | "value-too-long"
  | "bad-serial-character"
  | "bad-version"
  | "bad-type"
  | "bad-slot-id"
  | "pin-conflict"
  | "relative-module-path";

export interface Fault {
  readonly rule: Pkcs11UriRule;
  readonly message: string;
  readonly hint?: string;
}

/** `URI_INVALID` for a fault at a place of a text; without both for attributes that no URI can be made of. */
export function uriInvalid(fault: Fault, uri?: string, position?: number): CredentialError {
  const section = OF_QUERY.has(fault.rule) ? "RFC 7512 2.4" : "RFC 7512 2.3";
  return new CredentialError("URI_INVALID", `${fault.message} (${section})`, {
    rule: fault.rule,
    section,
    ...(position === undefined ? {} : { position }),
    ...(uri === undefined ? {} : { uri }),
    ...(fault.hint === undefined ? {} : { hint: fault.hint }),
  });
}

const OF_QUERY: ReadonlySet<Pkcs11UriRule> = new Set(["pin-conflict", "relative-module-path"]);
