import type { Configuration } from "../configuration/model.ts";
import type { Deployment } from "../credentials/deployment.ts";
import { domainSetHas } from "../documents/domains.ts";
import type { AccessRule, Criterion, Grant } from "../documents/permissions.ts";
import { type Finding, finding } from "../finding.ts";
import { judgedDomain } from "./domain.ts";
import { place } from "./place.ts";

/** Whether the grant lets the participant publish or subscribe to anything, in the domain or in any. */
export function judgeGrant(
  configuration: Configuration,
  { grant }: Deployment,
  asked: number | undefined,
): Finding[] {
  const domain = judgedDomain(configuration, asked);
  if (grant === undefined) return [];
  const allows = grant.rules.filter(({ action }) => action === "allow");
  // Where no rule covers the domain, that is told of the domain.
  const isOutside = domain !== undefined && !allows.some(({ domains }) => domainSetHas(domains, domain));
  if (isOutside && grant.defaultAction.value === "DENY") return [];
  const domains = domain === undefined ? someDomains(allows) : [domain];
  if (allowsSomething(grant, domains)) return [];
  const where = domain === undefined ? "" : ` in domain ${domain}`;
  return [
    finding("GRANT_ALLOWS_NOTHING", "warning", `the grant allows no topic${where}`, {
      ...place(configuration, "dds.sec.access.permissions"),
      target: grant.location,
    }),
  ];
}

/** Rules decide in their order (DDS-Security 1.2 10.4.1.5.3.4): a domain in which all is denied stays so. */
function allowsSomething(grant: Grant, domains: readonly number[]): boolean {
  let open = domains;
  for (const rule of grant.rules) {
    if (rule.action === "allow") {
      if (concernsTopics(rule) && open.some((domain) => domainSetHas(rule.domains, domain))) return true;
    } else if (deniesEverything(rule)) {
      open = open.filter((domain) => !domainSetHas(rule.domains, domain));
    }
  }
  return grant.defaultAction.value === "ALLOW" && open.length > 0;
}

const concernsTopics = ({ criteria }: AccessRule): boolean => criteria.some(({ kind }) => kind !== "relay");

function deniesEverything({ criteria }: AccessRule): boolean {
  const isWhole = ({ topics, partitions, dataTags }: Criterion) =>
    partitions === undefined && dataTags === undefined && topics.some(({ value }) => value === "*");
  return (["publish", "subscribe"] as const).every((kind) =>
    criteria.some((criterion) => criterion.kind === kind && isWhole(criterion)),
  );
}

/** The domains that have ports of their own, and of those beyond some that the rules name. */
function someDomains(rules: readonly AccessRule[]): readonly number[] {
  const usual = Array.from({ length: LAST_USUAL_DOMAIN + 1 }, (_, domain) => domain);
  const beyond = rules.flatMap(({ domains }) => domains.ranges.map(({ max }) => Math.min(max, MAX_DOMAIN)));
  return [...usual, ...beyond.filter((domain) => domain > LAST_USUAL_DOMAIN).slice(0, MAX_BEYOND)];
}

const LAST_USUAL_DOMAIN = 232;
const MAX_DOMAIN = 0xffffffff;
const MAX_BEYOND = 100;
