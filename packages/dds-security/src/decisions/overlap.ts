/**
 * Whether there may be a topic that both patterns match. `false` is certain; a set in brackets counts as any character.
 */
export function mayOverlap(one: string, other: string): boolean {
  const [a, b] = [piecesOf(one), piecesOf(other)];
  if (a.length * b.length > MAX_WORK) return true;
  // Which ends of `b` meet the end of `a` that is looked at, from its empty end on.
  let next: readonly boolean[] = [];
  for (let i = a.length; i >= 0; i--) {
    const meets: boolean[] = [];
    for (let j = b.length; j >= 0; j--) {
      meets[j] = endsMeet(a[i], b[j], { both: next[j + 1], left: next[j], right: meets[j + 1] });
    }
    next = meets;
  }
  return next[0] === true;
}

/** Whether the ends from two pieces on meet, given those behind both, behind the left, and behind the right one. */
function endsMeet(
  a: string | undefined,
  b: string | undefined,
  behind: Readonly<Record<"both" | "left" | "right", boolean | undefined>>,
): boolean {
  if (a === undefined && b === undefined) return true;
  if (a === MANY && (behind.left === true || (b !== undefined && behind.right === true))) return true;
  if (b === MANY && (behind.right === true || (a !== undefined && behind.left === true))) return true;
  if (a === undefined || b === undefined || a === MANY || b === MANY) return false;
  return (a === b || a === ANY || b === ANY) && behind.both === true;
}

/** A pattern in pieces: characters, each behind a backslash itself, {@link ANY} and {@link MANY}. */
function piecesOf(pattern: string): readonly string[] {
  return [...pattern.matchAll(/\\([^])|\[[!^]?\]?[^\]]*\]|[^]/gu)].map(([piece, escaped]) => {
    if (escaped !== undefined) return escaped;
    if (piece === "*") return MANY;
    return piece === "?" || piece.length > 2 ? ANY : piece;
  });
}

const ANY = "any";
const MANY = "many";
const MAX_WORK = 65_536;
