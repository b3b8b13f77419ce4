import type { SourceLocation } from "@ddscred/core";
import { fnmatch } from "./fnmatch.ts";
import { readDomainId } from "./values.ts";
import type { ElementWalker } from "./walk.ts";

/** A <domains> element (DDS-Security 10.4.1.2.5.1): ids and ranges, and since 1.2 tags. */
export interface DomainSet {
  readonly location: SourceLocation;
  /** In document order; a single id is a range of one. Never empty. */
  readonly ranges: readonly DomainRange[];
  /** Empty means that only domains without a tag are meant. */
  readonly tags: readonly DomainTag[];
}

export interface DomainRange {
  readonly min: number;
  /** Inclusive; Infinity where the range has no end. */
  readonly max: number;
  readonly location: SourceLocation;
}

export interface DomainTag {
  /** The tag, or a pattern of tags. */
  readonly text: string;
  readonly pattern: boolean;
  readonly location: SourceLocation;
}

/** Whether a domain id is in the set. Tags are not looked at. */
export const domainSetHas = (set: DomainSet, domain: number): boolean =>
  set.ranges.some(({ min, max }) => min <= domain && domain <= max);

/** Whether domains of a tag are in the set: by 1.2 those that it lists; where it lists none, those without a tag. */
export function domainSetHasTag(set: DomainSet, tag: string): boolean {
  if (set.tags.length === 0) return tag === "";
  return set.tags.some(({ text, pattern }) => (pattern ? fnmatch(text, tag) : text === tag));
}

export function readDomainSet(walker: ElementWalker): DomainSet {
  const ranges = walker.some("id", "id_range").map(readRange);
  const tags = walker.many("tag", "tag_expression").map((child) => {
    const pattern = child.element.name === "tag_expression";
    return { text: child.text().value, pattern, location: child.location };
  });
  walker.end();
  return { location: walker.location, ranges, tags };
}

function readRange(walker: ElementWalker): DomainRange {
  const { location } = walker;
  if (walker.element.name === "id") {
    const { value } = readDomainId(walker);
    return { min: value, max: value, location };
  }
  const first = walker.take("min", "max");
  const last = first.element.name === "min" ? walker.optional("max") : first;
  walker.end();
  const min = first.element.name === "min" ? readDomainId(first).value : 0;
  const max = last === undefined ? Number.POSITIVE_INFINITY : readDomainId(last).value;
  if (min > max) throw walker.invalid(`the range ends at ${max}, before it begins at ${min}`);
  return { min, max, location };
}
