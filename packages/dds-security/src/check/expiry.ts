import type { Configuration } from "../configuration/model.ts";
import { securityProperties } from "../configuration/properties.ts";
import { type Finding, finding } from "../finding.ts";
import { place } from "./place.ts";
import type { Expiry } from "./report.ts";

/** What is good at the moment and ends soon after it. What has ended already was told when it was opened. */
export function judgeExpiry(
  configuration: Configuration,
  expiry: readonly Expiry[],
  at: Date,
  warnBefore: number | undefined,
): Finding[] {
  if (warnBefore === undefined) return [];
  return expiry.flatMap(({ what, property, notAfter }) => {
    const left = Date.parse(notAfter) - at.getTime();
    if (left < 0 || left > warnBefore) return [];
    const row = securityProperties.find((candidate) => candidate.property === property);
    const where = row === undefined ? { property } : place(configuration, row.property);
    return [finding("EXPIRES_SOON", "warning", `${what} ends on ${day(notAfter)}, ${within(left)}`, where)];
  });
}

const day = (iso: string) => iso.slice(0, 10);

function within(milliseconds: number): string {
  const days = Math.floor(milliseconds / 86_400_000);
  if (days === 0) return "within a day";
  return days === 1 ? "in one day" : `in ${days} days`;
}
