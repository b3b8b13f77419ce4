import type { Certificate } from "../certificate.ts";
import { checkRevocation, type PathInput } from "./input.ts";
import { validatePath } from "./validate.ts";
import { pathAt, type ValidatedPath } from "./validated-path.ts";

/** What all validations of a {@link pathValidator} have in common. */
export type PathTerms = Omit<PathInput, "leaf" | "intermediates" | "at">;

/** What one of them is about. */
export type PathQuestion = Pick<PathInput, "leaf" | "intermediates" | "at">;

/**
 * Validates like {@link validatePath}, for many leaves on the same terms, and many times for the same leaf. A path that
 * held is not validated again as long as the outcome cannot differ: the moment counts only where one of the certificates
 * or revocation lists begins or ceases to be valid, so that a verdict stands from one of these dates to the next.
 * Refusals are not remembered.
 *
 * @param terms copied; lists are parsed once. `CRL_INVALID`, `DER_INVALID`
 * @returns throws as {@link validatePath} does
 */
export function pathValidator(terms: PathTerms): (question: PathQuestion) => Promise<ValidatedPath> {
  const anchors = [...terms.anchors];
  const revocation = terms.revocation && checkRevocation(terms.revocation);
  const own = { ...terms, anchors, ...(revocation && { revocation }) };
  const listDates = (revocation?.lists ?? []).flatMap(({ thisUpdate, nextUpdate }) => [
    thisUpdate,
    nextUpdate,
  ]);
  const remembered = new WeakMap<Certificate, Remembered>();
  return async ({ leaf, intermediates = [], at }) => {
    const known = remembered.get(leaf);
    if (known !== undefined && stands(known, intermediates, at)) return pathAt(known.path, at);
    const given = [...intermediates];
    const path = await validatePath({ ...own, leaf, intermediates: given, at });
    const dates = [leaf, ...given, ...anchors].flatMap(({ notBefore, notAfter }) => [notBefore, notAfter]);
    remembered.set(leaf, { path, intermediates: given, ...around(path.at, [...dates, ...listDates]) });
    return path;
  };
}

interface Remembered {
  readonly path: ValidatedPath;
  readonly intermediates: readonly Certificate[];
  /** The verdict is the same after this and before that moment. */
  readonly after: number;
  readonly before: number;
}

function stands(
  { after, before, intermediates }: Remembered,
  given: readonly Certificate[],
  at: Date,
): boolean {
  return (
    after < at.getTime() &&
    at.getTime() < before &&
    intermediates.length === given.length &&
    intermediates.every((certificate, index) => certificate === given[index])
  );
}

/** The dates next to a moment. Whole seconds count, so that something may change a second later, too. */
function around(at: Date, dates: readonly (Date | undefined)[]): { after: number; before: number } {
  const turns = dates.flatMap((date) => (date ? [date.getTime(), date.getTime() + 1000] : []));
  return {
    after: Math.max(...turns.filter((turn) => turn <= at.getTime())),
    before: Math.min(...turns.filter((turn) => turn > at.getTime())),
  };
}
