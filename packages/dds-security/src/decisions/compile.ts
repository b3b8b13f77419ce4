import { type DistinguishedName, VerifiedDocument } from "@ddscred/core";
import { Access } from "./access.ts";
import type { DialectName } from "./dialect.ts";
import { dialectOf } from "./dialects.ts";

export interface AccessInput {
  readonly governance: VerifiedDocument;
  readonly permissions: VerifiedDocument;
  /** How places in them are named. */
  readonly files?: { readonly governance?: string; readonly permissions?: string };
  /** Of the identity certificate. */
  readonly subject: DistinguishedName;
  readonly domain: number;
  /** The domain tag of the participant (DDSI-RTPS 2.5 8.5.3.2). Default: none, "". */
  readonly domainTag?: string;
  /** The moment to decide for. Default: now. */
  readonly at?: Date;
  /** Whose reading of the documents counts. Default `spec`. */
  readonly dialect?: DialectName;
}

/**
 * The rules of both documents for one participant in one domain, compiled: literal topics are looked up, so that the
 * last of a thousand rules is found as fast as the first.
 *
 * @throws CredentialError `XML_INVALID`, `DOCUMENT_INVALID`; `SUBJECT_MISMATCH`, `GRANT_EXPIRED`, `GRANT_NOT_YET_VALID` where no grant holds;
 * TypeError for documents that were not verified
 */
export function compileAccess(input: AccessInput): Access {
  const { governance, permissions, files = {}, subject, domain, at = new Date() } = input;
  if (!VerifiedDocument.is(governance) || !VerifiedDocument.is(permissions)) {
    throw new TypeError("governance and permissions are what verifyDocument returns");
  }
  if (!Number.isInteger(domain) || domain < 0) throw new TypeError("domain is a number from 0");
  if (Number.isNaN(at.getTime())) throw new TypeError("at is a valid Date");
  const dialect = dialectOf(input.dialect ?? "spec");
  const named = (file: string | undefined) => (file === undefined ? {} : { file });
  const rules = dialect.readGovernance(governance, named(files.governance));
  const grants = dialect.readPermissions(permissions, named(files.permissions));
  const grant = dialect.grantFor(grants, subject, at);
  return new Access(dialect, rules, grant, {
    id: domain,
    tag: (dialect.knowsDomainTags ? input.domainTag : undefined) ?? "",
  });
}
