import type { DistinguishedName, NameText, NameTextAttribute } from "@ddscred/core";
import { fnmatch } from "./fnmatch.ts";

/** How a written subject differs from the one of a certificate. */
export interface SubjectDifference {
  readonly matches: boolean;
  /** Attributes of the certificate that the text does not have. */
  readonly missing: readonly SubjectAttribute[];
  /** Attributes of the text that the certificate does not have. */
  readonly surplus: readonly SubjectAttribute[];
}

export type SubjectAttribute = NameTextAttribute;

/**
 * Compares a certificate's subject with one that a document holds, by DDS-Security 1.2: the same attributes
 * with identical values in any order; `pattern` compares values by fnmatch. This is stricter than the equality
 * of names in RFC 5280: case and inner blanks count.
 */
export function compareSubject(
  subject: DistinguishedName,
  written: NameText,
  pattern: boolean,
): SubjectDifference {
  const missing: SubjectAttribute[] = [];
  const surplus = written.rdns.flat();
  for (const attribute of subject.rdns.flat()) {
    // Attributes of one type are taken in their order; a text may be written either way round, so that an
    // attribute which is there literally goes before one that only matches.
    const found = firstIndex(surplus, attribute, pattern);
    if (found < 0) missing.push({ type: attribute.type, value: attribute.value });
    else surplus.splice(found, 1);
  }
  return { matches: missing.length === 0 && surplus.length === 0, missing, surplus };
}

function firstIndex(
  written: readonly SubjectAttribute[],
  wanted: SubjectAttribute,
  pattern: boolean,
): number {
  const sameType = (each: SubjectAttribute) => each.type === wanted.type;
  const literal = written.findIndex((each) => sameType(each) && each.value === wanted.value);
  if (literal >= 0 || !pattern) return literal;
  return written.findIndex((each) => sameType(each) && fnmatch(each.value, wanted.value, AS_SUBJECT));
}

/** FNM_PATHNAME and FNM_NOESCAPE, without FNM_PERIOD (10.4.1.5.3.2.1). */
const AS_SUBJECT = { pathname: true, noEscape: true };
