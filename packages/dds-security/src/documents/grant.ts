import {
  attributeKeyword,
  CredentialError,
  type DistinguishedName,
  formatName,
  type NameText,
  nameFromText,
  VerifiedDocument,
} from "@ddscred/core";
import type { Grant, Permissions } from "./permissions.ts";
import { compareSubject, type SubjectAttribute, type SubjectDifference } from "./subject.ts";

export type { Grant } from "./permissions.ts";

/**
 * The grant for a subject at a moment: the first in the document whose subject matches and whose validity
 * holds, both ends included. Grants out of their validity are passed over (DDS-Security 1.2 10.4.1.5.3.3).
 *
 * Subjects match where they have the same attributes with identical values, in any order (10.4.1.5.3.1.1);
 * an expression matches by fnmatch, attribute by attribute (10.4.1.5.3.2.1).
 *
 * @throws CredentialError SUBJECT_MISMATCH (with the subjects there are, and what to write), GRANT_EXPIRED,
 * GRANT_NOT_YET_VALID, all with location
 */
export function grantFor(permissions: Permissions, subject: DistinguishedName, at: Date): Grant {
  if (!VerifiedDocument.is(permissions.document)) {
    throw new TypeError("permissions are those that readPermissions returns");
  }
  if (Number.isNaN(at.getTime())) throw new TypeError("at is a valid Date");
  const matching = permissions.grants.filter((grant) => differenceOf(grant, subject)?.matches === true);
  const [first] = matching;
  if (first === undefined) throw mismatch(permissions.grants, subject);
  const valid = matching.find(
    ({ validity }) => validity.notBefore.value <= at && at <= validity.notAfter.value,
  );
  if (valid === undefined) throw outOfValidity(first, at);
  return valid;
}

/** How a grant's subject differs; undefined where its text is no name at all. */
function differenceOf(grant: Grant, subject: DistinguishedName): SubjectDifference | undefined {
  const { subject: own } = grant;
  // With a peer that comes again, reading the text would take longer than all else that is asked here.
  if (!names.has(own)) names.set(own, readName(own.text));
  const written = names.get(own);
  return written === undefined ? undefined : compareSubject(subject, written, grant.subject.pattern);
}

const names = new WeakMap<Grant["subject"], NameText | undefined>();

function readName(text: string): NameText | undefined {
  try {
    return nameFromText(text);
  } catch (error) {
    if (error instanceof CredentialError) return undefined;
    throw error;
  }
}

function mismatch(grants: readonly Grant[], subject: DistinguishedName): CredentialError {
  const nearest = nearestGrant(grants, subject);
  const told = nearest === undefined ? "" : `; ${describe(nearest.grant, nearest.difference)}`;
  const location = (nearest?.grant ?? grants[0])?.subject.location;
  const shown = formatName(subject).slice(0, MAX_LENGTH);
  return new CredentialError("SUBJECT_MISMATCH", `no grant is for the subject "${shown}"${told}`, {
    hint: `Write <subject_name>${escapeXml(formatName(subject))}</subject_name> and sign the document again.`,
    candidates: grants.slice(0, MAX_SHOWN).map((grant) => grant.subject.text),
    ...(location === undefined ? {} : { location }),
  });
}

function nearestGrant(grants: readonly Grant[], subject: DistinguishedName) {
  let nearest: { grant: Grant; difference: SubjectDifference } | undefined;
  const size = ({ missing, surplus }: SubjectDifference) => missing.length + surplus.length;
  for (const grant of grants) {
    const difference = differenceOf(grant, subject);
    if (difference === undefined) continue;
    if (nearest === undefined || size(difference) < size(nearest.difference)) nearest = { grant, difference };
  }
  return nearest;
}

function describe(grant: Grant, { missing, surplus }: SubjectDifference): string {
  const list = (attributes: readonly SubjectAttribute[]) =>
    attributes
      .map(({ type, value }) => `${attributeKeyword(type) ?? type}="${value}"`.slice(0, 100))
      .join(", ");
  const parts = [
    ...(surplus.length > 0 ? [`has ${list(surplus)}`] : []),
    ...(missing.length > 0 ? [`lacks ${list(missing)}`] : []),
  ];
  return `the grant at line ${grant.location.line} ${parts.join(" and ")}`;
}

function outOfValidity(grant: Grant, at: Date): CredentialError {
  const { notBefore, notAfter } = grant.validity;
  const [code, end, word] =
    at < notBefore.value
      ? (["GRANT_NOT_YET_VALID", notBefore, "is valid from"] as const)
      : (["GRANT_EXPIRED", notAfter, "was valid until"] as const);
  const when = `${end.value.toISOString()} (written ${end.text})`;
  return new CredentialError(code, `the grant "${grant.name.slice(0, 64)}" ${word} ${when}`, {
    location: end.location,
  });
}

const escapeXml = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

const MAX_SHOWN = 20;
const MAX_LENGTH = 200;
