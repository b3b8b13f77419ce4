import type { Configuration } from "../configuration/model.ts";
import type { Deployment } from "../credentials/deployment.ts";
import type { Finding } from "../finding.ts";
import { FindingList } from "../finding-list.ts";
import { judgeCoverage } from "./coverage.ts";
import { judgePortability } from "./portability.ts";
import { judgeProtection } from "./protection.ts";
import { judgeReach } from "./reach.ts";
import { judgeSize } from "./size.ts";

/**
 * What the documents of a deployment mean, beyond that they are good: what implementations read otherwise, rules
 * that are never reached, domains and topics without a rule, what goes unprotected, what is too large. None of
 * this is an error: it is what their author would want to know.
 */
export function auditDocuments(
  configuration: Configuration,
  deployment: Deployment,
  domain: number | undefined,
): readonly Finding[] {
  const findings = new FindingList();
  for (const judge of [judgePortability, judgeProtection, judgeCoverage, judgeReach, judgeSize]) {
    findings.add(...judge({ configuration, deployment, domain }));
  }
  return findings.all();
}
