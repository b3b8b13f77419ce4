import type { SourceLocation } from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import type { SecurityProperty } from "../configuration/properties.ts";
import type { Deployment } from "../credentials/deployment.ts";
import { type DomainSet, domainSetHas } from "../documents/domains.ts";
import { type Finding, finding } from "../finding.ts";
import { place } from "./place.ts";

/** Whether a rule of each document covers the domain that the participant will join. */
export function judgeDomain(
  configuration: Configuration,
  deployment: Deployment,
  asked: number | undefined,
): Finding[] {
  const domain = judgedDomain(configuration, asked);
  if (domain === undefined) return [];
  const covers = (sets: readonly DomainSet[]) => sets.some((set) => domainSetHas(set, domain));
  const missing = (property: SecurityProperty, what: string, target: SourceLocation) =>
    finding("DOMAIN_NOT_COVERED", "error", `no ${what} covers domain ${domain}`, {
      ...place(configuration, property),
      target,
    });
  const findings: Finding[] = [];
  const rules = deployment.governance?.model.domainRules;
  if (rules?.[0] !== undefined && !covers(rules.map(({ domains }) => domains))) {
    findings.push(
      missing("dds.sec.access.governance", "domain rule of the governance", rules[0].domains.location),
    );
  }
  const { grant } = deployment;
  // A grant whose default is ALLOW needs no rule for the domain.
  if (grant !== undefined && grant.defaultAction.value !== "ALLOW") {
    const allows = grant.rules.filter(({ action }) => action === "allow").map(({ domains }) => domains);
    const target = allows[0]?.location ?? grant.location;
    if (!covers(allows))
      findings.push(missing("dds.sec.access.permissions", "allow rule of the grant", target));
  }
  return findings;
}

/** The domain that is asked for goes before the one that the configuration is for. */
export function judgedDomain({ domain }: Configuration, asked: number | undefined): number | undefined {
  return asked ?? (typeof domain === "number" ? domain : undefined);
}
