import type { SourceLocation } from "@ddscred/core";
import { place } from "../check/place.ts";
import type { Configuration } from "../configuration/model.ts";
import type { Deployment } from "../credentials/deployment.ts";
import type { DomainSet } from "../documents/domains.ts";
import type { FindingDetails } from "../finding.ts";

/** What each part of the audit looks at. */
export interface AuditInput {
  readonly configuration: Configuration;
  readonly deployment: Deployment;
  /** That the participant will join, where it is known. */
  readonly domain: number | undefined;
}

export type DocumentProperty = "dds.sec.access.governance" | "dds.sec.access.permissions";

/** Where a finding about a place of a document is. */
export const at = (
  { configuration }: AuditInput,
  property: DocumentProperty,
  target: SourceLocation,
): FindingDetails => ({ ...place(configuration, property), target });

/** Whether every domain id of one set is in the others. Ranges may have no end. */
export function coveredBy(set: DomainSet, others: readonly DomainSet[]): boolean {
  return set.ranges.every(({ min, max }) => {
    // The ranges of the others that begin earliest first: the covered part grows to the right.
    const ranges = others.flatMap((other) => other.ranges).toSorted((a, b) => a.min - b.min);
    let next = min;
    for (const range of ranges) {
      if (range.min > next) return false;
      if (range.max >= next) next = range.max + 1;
      if (next > max) return true;
    }
    return next > max;
  });
}

/** As a person writes it: `0, 10 to 12`. */
export const domainText = ({ ranges }: DomainSet): string =>
  ranges
    .slice(0, MAX_SHOWN)
    .map(({ min, max }) =>
      min === max ? `${min}` : max === Number.POSITIVE_INFINITY ? `from ${min}` : `${min} to ${max}`,
    )
    .join(", ");

/** A text of a document in a message. */
export const quoted = (text: string): string => `"${text.length > 80 ? `${text.slice(0, 80)}...` : text}"`;

const MAX_SHOWN = 5;
