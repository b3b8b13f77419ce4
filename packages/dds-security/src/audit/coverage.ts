import { spec } from "../decisions/spec.ts";
import { domainSetHas } from "../documents/domains.ts";
import { type Finding, finding } from "../finding.ts";
import { type AuditInput, at, coveredBy, domainText, quoted } from "./input.ts";

/** Domains and topics that the permissions speak of and the governance does not: nothing is allowed there. */
export function judgeCoverage(input: AuditInput): Finding[] {
  const { grant, governance } = input.deployment;
  if (grant === undefined || governance === undefined) return [];
  const { domainRules } = governance.model;
  const findings: Finding[] = [];
  const sets = domainRules.map(({ domains }) => domains);
  for (const rule of grant.rules.filter(({ action }) => action === "allow")) {
    // A range without end speaks of every domain there may be: it is not meant word by word.
    const isMeant = rule.domains.ranges.every(({ max }) => max < WIDE);
    if (isMeant && !coveredBy(rule.domains, sets)) {
      const message = `the rule allows domains ${domainText(rule.domains)}; the governance has no rule for all of them`;
      findings.push(uncovered(input, rule.domains.location, message));
    }
    const topicRules = domainRules
      .filter(({ domains }) => rule.domains.ranges.some(({ min }) => domainSetHas(domains, min)))
      .flatMap((domainRule) => domainRule.topicRules);
    if (topicRules.length === 0) continue;
    const expressions = topicRules.map(({ topicExpression }) => spec.expression(topicExpression.value));
    for (const { value, location } of rule.criteria.flatMap(({ topics }) => topics)) {
      const topic = spec.expression(value);
      if (!topic.literal || expressions.some((expression) => expression.matches(value))) continue;
      const message = `topic ${quoted(value)} is allowed, and no topic rule of the governance is for it: it is denied`;
      findings.push(uncovered(input, location, message));
    }
  }
  return findings;
}

const uncovered = (input: AuditInput, location: Parameters<typeof at>[2], message: string): Finding =>
  finding("RULE_WITHOUT_EFFECT", "warning", message, {
    ...at(input, "dds.sec.access.permissions", location),
    hint: "Add a rule to the governance, or take it out of the permissions.",
  });

/** Whoever allows as much means "all". */
const WIDE = 230;
