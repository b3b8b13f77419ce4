import { elementOf } from "../configuration/properties.ts";
import type { Finding } from "../finding.ts";

/**
 * What is wrong with a thing that is used in several places is told once, at the first: a variable with the number of
 * the others, a module or a token with the names of the others.
 */
export function oncePerThing(findings: readonly Finding[]): Finding[] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    if (!isOfThing(finding)) continue;
    const key = keyOf(finding);
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return findings.flatMap((finding) => {
    const [first, ...others] = groups.get(keyOf(finding)) ?? [];
    if (!isOfThing(finding) || first === undefined || others.length === 0) return [finding];
    return finding === first ? [{ ...finding, message: `${finding.message} (also ${named(others)})` }] : [];
  });
}

const isOfThing = ({ code }: Finding): boolean =>
  code.startsWith("MODULE_") || THINGS.some((one) => one === code);

const THINGS: readonly Finding["code"][] = ["VARIABLE_UNDEFINED", "BINDING_UNAVAILABLE", "TOKEN_NOT_FOUND"];

const keyOf = ({ code, severity, message }: Finding): string => JSON.stringify([code, severity, message]);

function named(others: readonly Finding[]): string {
  if (others.some(({ code }) => code === "VARIABLE_UNDEFINED"))
    return others.length === 1 ? "in 1 more place" : `in ${others.length} more places`;
  return `for ${others.map(({ property = "" }) => elementOf(property)).join(", ")}`;
}
