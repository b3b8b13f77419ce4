import type { Finding } from "../finding.ts";

/** A variable that is used in several places is told once: at the first, with the number of the others. */
export function oncePerVariable(findings: readonly Finding[]): Finding[] {
  const places = new Map<string, number>();
  for (const { code, message } of findings) {
    if (code === "VARIABLE_UNDEFINED") places.set(message, (places.get(message) ?? 0) + 1);
  }
  const told = new Set<string>();
  return findings.flatMap((finding) => {
    const others = (places.get(finding.message) ?? 1) - 1;
    if (finding.code !== "VARIABLE_UNDEFINED" || others === 0) return [finding];
    if (told.has(finding.message)) return [];
    told.add(finding.message);
    const more = others === 1 ? "in 1 more place" : `in ${others} more places`;
    return [{ ...finding, message: `${finding.message} (also ${more})` }];
  });
}
