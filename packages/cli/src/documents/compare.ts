/** Where two texts differ: lines of each, from the first that differs to the last. */
export interface Difference {
  /** Line of both texts, from 1, on which they begin to differ. */
  readonly line: number;
  readonly signed: readonly string[];
  readonly file: readonly string[];
}

/**
 * Compares a signed text with the file it may have been made of, whatever their line ends and byte order marks.
 * Undefined where they are the same.
 */
export function compareTexts(signed: Uint8Array, file: Uint8Array): Difference | undefined {
  const [a, b] = [linesOf(signed), linesOf(file)];
  let start = 0;
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start += 1;
  if (start === a.length && start === b.length) return undefined;
  let rest = 0;
  const most = Math.min(a.length, b.length) - start;
  while (rest < most && a[a.length - 1 - rest] === b[b.length - 1 - rest]) rest += 1;
  return { line: start + 1, signed: a.slice(start, a.length - rest), file: b.slice(start, b.length - rest) };
}

function linesOf(bytes: Uint8Array): string[] {
  return new TextDecoder().decode(bytes).split(/\r*\n|\r/);
}
