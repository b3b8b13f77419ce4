import { escaped, UNSAFE } from "./style.ts";

/**
 * Prints a value as JSON on stdout. What a terminal would obey is written as an escape, which JSON allows; the
 * line ends between its parts stay.
 */
export function printJson(value: unknown): void {
  const json = JSON.stringify(value, null, 2);
  process.stdout.write(
    `${json.replace(UNSAFE, (character) => (character === "\n" ? character : escaped(character)))}\n`,
  );
}
