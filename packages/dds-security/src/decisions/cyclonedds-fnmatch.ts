import { utf8Bytes } from "@ddscred/core";
import { matchTokens, type Token } from "../documents/fnmatch.ts";
import { type CompileExpression, expressionsOf } from "./expression.ts";

/**
 * Patterns as Cyclone DDS reads them: `*`, `?` one byte, `[set]` with ranges and `!`. Nothing escapes, `^` and
 * classes mean nothing. The `]` of a set is one of its members; an empty or unfinished set matches nothing.
 */
export const cycloneExpression: CompileExpression = expressionsOf(/[*?[]/, (pattern) => {
  const compiled = tokens(octets(pattern));
  return (text) => matchTokens(compiled, octets(text));
});

/** One character an octet of UTF-8. */
const octets = (text: string): string[] => Array.from(utf8Bytes(text), (octet) => String.fromCharCode(octet));

function tokens(pattern: readonly string[]): Token[] {
  const result: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const octet = pattern[at] ?? "";
    if (octet === "*") {
      if (result.at(-1) !== "*") result.push("*");
    } else if (octet === "?") {
      result.push(() => true);
    } else if (octet === "[") {
      const set = readSet(pattern, at + 1);
      result.push(set.matches);
      at = set.last;
    } else {
      result.push((other) => other === octet);
    }
  }
  return result;
}

/** `last` is the place of what was read last. */
function readSet(
  pattern: readonly string[],
  start: number,
): { matches: (octet: string) => boolean; last: number } {
  const negated = pattern[start] === "!";
  const members: (readonly [string, string])[] = [];
  let at = negated ? start + 1 : start;
  // A set that is closed at once has no members, and its ] stands for itself.
  if (pattern[at] === "]") return { matches: () => negated, last: at - 1 };
  for (let low = ""; low !== "]"; at++) {
    low = pattern[at] ?? "";
    const isRange = pattern[at + 1] === "-";
    const high = isRange ? pattern[at + 2] : low;
    if (low === "" || high === undefined || (isRange && high === "]")) {
      return { matches: () => false, last: pattern.length };
    }
    members.push([low, high]);
    if (isRange) at += 2;
  }
  const has = (octet: string) => members.some(([low, high]) => low <= octet && octet <= high);
  return { matches: (octet) => has(octet) !== negated, last: at - 1 };
}
