/** Exit status of the program, the same for every verb. */
export const EXIT = {
  good: 0,
  /** The answer is no: findings of severity error, no match, not equal, not valid. */
  no: 1,
  usage: 2,
  /** Could not find out: a device or ddscred itself failed, or something is not judged yet. */
  unknown: 3,
} as const;

/** Wrong use of the program; its message follows the verb's name on stderr. */
export class UsageError extends Error {}
