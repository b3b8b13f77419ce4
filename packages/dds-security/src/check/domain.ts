import type { Configuration } from "../configuration/model.ts";
import type { Deployment } from "../credentials/deployment.ts";
import { type DomainSet, domainSetHas } from "../documents/domains.ts";
import { type Finding, finding } from "../finding.ts";

/** Whether a rule of each document covers the domain that the participant will join. */
export function judgeDomain(
  configuration: Configuration,
  deployment: Deployment,
  asked: number | undefined,
): Finding[] {
  const domain = asked ?? (typeof configuration.domain === "number" ? configuration.domain : undefined);
  if (domain === undefined) return [];
  const findings: Finding[] = [];
  const require = (property: string, what: string, sets: readonly DomainSet[] | undefined) => {
    if (sets === undefined || sets.some((set) => domainSetHas(set, domain))) return;
    findings.push(finding("DOMAIN_NOT_COVERED", "error", `no ${what} covers domain ${domain}`, { property }));
  };
  require("dds.sec.access.governance", "domain rule of the governance", deployment.governance?.model.domainRules.map(
    (rule) => rule.domains,
  ));
  // A grant whose default is ALLOW needs no rule for the domain.
  if (deployment.grant?.defaultAction.value !== "ALLOW") {
    require("dds.sec.access.permissions", "allow rule of the grant", deployment.grant?.rules
      .filter((rule) => rule.action === "allow")
      .map((rule) => rule.domains));
  }
  return findings;
}
