/** A pattern of topics or partitions, read once. */
export interface Expression {
  /** As written. */
  readonly text: string;
  /** Matches nothing but its own text, so that it can be looked up. */
  readonly literal: boolean;
  matches(text: string): boolean;
}

/** How a dialect reads a pattern. */
export type CompileExpression = (text: string) => Expression;

/**
 * The way of a dialect to read patterns, by its characters with a meaning and its matcher.
 *
 * @param special finds any character that is not literal
 */
export function expressionsOf(
  special: RegExp,
  compile: (pattern: string) => (text: string) => boolean,
): CompileExpression {
  return (text) => {
    if (!special.test(text)) return { text, literal: true, matches: (other) => other === text };
    if (text === "*") return { text, literal: false, matches: () => true };
    const start = text.slice(0, text.search(special));
    const matches = compile(text);
    // What stands before the first wildcard is compared first: most patterns of a long list end there.
    return { text, literal: false, matches: (other) => other.startsWith(start) && matches(other) };
  };
}
