/**
 * At most three of the existing labels that could be meant by the wanted one, the nearest first, by edit distance
 * without regard to case. None where all are far from it.
 */
export function nearest(wanted: string, existing: readonly string[]): string[] {
  const target = comparable(wanted);
  return closest(wanted, existing).filter((label) => {
    const other = comparable(label);
    const [short, long] = target.length < other.length ? [target, other] : [other, target];
    if (short.length >= MIN_PREFIX && long.startsWith(short)) return true;
    return editDistance(target, other, MAX_COMPARED) <= Math.max(1, long.length * MAX_DIFFERENCE);
  });
}

/**
 * The three labels with the least edit distance, however far they are. What a distance is at least costs little, and
 * leaves few to measure; of those that are alike nonetheless, so many are measured as take a millisecond or two.
 */
export function closest(wanted: string, existing: readonly string[]): string[] {
  const target = comparable(wanted);
  const labels = [...new Set(existing.slice(0, MAX_EXAMINED))];
  const others = labels.map(comparable);
  const best: Measured[] = [];
  let work = 0;
  for (const [least, places] of byLeastDistance(target, others).entries()) {
    for (const place of places) {
      const worst = best.length < MAX_NEAREST ? undefined : best.at(-1);
      if (worst !== undefined && (least > worst.distance || work > MAX_WORK)) return labelsOf(best);
      const [a, b] = whereTheyDiffer(target, others[place] ?? "");
      work += a.length * b.length;
      const distance = editDistance(a, b, worst?.distance ?? MAX_COMPARED);
      const at = best.findIndex(
        (known) => distance < known.distance || (distance === known.distance && place < known.place),
      );
      best.splice(at === -1 ? best.length : at, 0, { label: labels[place] ?? "", distance, place });
      best.length = Math.min(best.length, MAX_NEAREST);
    }
  }
  return labelsOf(best);
}

interface Measured {
  readonly label: string;
  readonly distance: number;
  /** Among the labels: of two that are as near, the first. */
  readonly place: number;
}

const labelsOf = (best: readonly Measured[]): string[] => best.map(({ label }) => label);

/** The places of texts by the distance that they have at least. */
function byLeastDistance(target: string, others: readonly string[]): readonly number[][] {
  const counts = new Int16Array(KINDS); // how often the target has a kind of character
  for (let n = 0; n < target.length; n++) {
    const kind = target.charCodeAt(n) % KINDS;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  const places: number[][] = Array.from({ length: MAX_COMPARED + 1 }, () => []);
  others.forEach((other, place) => places[leastDistance(counts, target, other)]?.push(place));
  return places;
}

/** How many characters of the longer text the other lacks, wherever they stand: each costs a step at least. */
function leastDistance(counts: Int16Array, target: string, other: string): number {
  let common = 0;
  for (let n = 0; n < other.length; n++) {
    const kind = other.charCodeAt(n) % KINDS;
    const left = counts[kind] ?? 0;
    counts[kind] = left - 1;
    if (left > 0) common++;
  }
  for (let n = 0; n < other.length; n++) {
    const kind = other.charCodeAt(n) % KINDS;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return Math.max(target.length, other.length) - common;
}

function comparable(label: string): string {
  return label.slice(0, MAX_COMPARED).normalize("NFC").toLowerCase().slice(0, MAX_COMPARED);
}

/** Both without what they begin and end with alike, which changes no distance. */
function whereTheyDiffer(a: string, b: string): readonly [string, string] {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start] === b[start]) start++;
  let end = 0;
  while (end < shorter - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return [a.slice(start, a.length - end), b.slice(start, b.length - end)];
}

/** Levenshtein distance, or more than the bound as soon as it must be. Texts are short: it fits a byte. */
function editDistance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) > bound) return bound + 1;
  let previous = Uint8Array.from({ length: b.length + 1 }, (_, column) => column);
  let current = new Uint8Array(b.length + 1);
  for (let row = 1; row <= a.length; row++) {
    const code = a.charCodeAt(row - 1);
    let left = row;
    let least = row;
    current[0] = row;
    for (let column = 1; column <= b.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (code === b.charCodeAt(column - 1) ? 0 : 1);
      left = Math.min(substitution, (previous[column] ?? 0) + 1, left + 1);
      current[column] = left;
      if (left < least) least = left;
    }
    if (least > bound) return bound + 1;
    [previous, current] = [current, previous];
  }
  return previous[b.length] ?? 0;
}

const MAX_NEAREST = 3;
const MIN_PREFIX = 3;
/** Of the longer label: what differs in more is not a misspelling. */
const MAX_DIFFERENCE = 0.4;
/** Labels are compared by so many characters at most. */
const MAX_COMPARED = 64;
/** Labels that are looked at. */
const MAX_EXAMINED = 10_000;
/** Pairs of characters that are compared. */
const MAX_WORK = 30_000;
/** Characters that the bound tells apart: it takes others for one of them, and is the lower for it. */
const KINDS = 64;
