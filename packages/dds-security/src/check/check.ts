import { CredentialError, type CryptoProvider, type Resolver } from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import type { SecurityProperty } from "../configuration/properties.ts";
import { type Attempt, openDeployment } from "../credentials/deployment.ts";
import { type Finding, findingFromError } from "../finding.ts";
import { describeDeployment } from "./describe.ts";
import { judgeDomain } from "./domain.ts";
import { judgePeers } from "./peers.ts";
import type { CheckReport } from "./report.ts";
import { judgeUnjudged } from "./unjudged.ts";
import { judgeUris } from "./uris.ts";

/** What `check` needs besides the configuration. */
export interface CheckOptions {
  readonly resolver: Resolver;
  readonly crypto: CryptoProvider;
  /** The moment to judge. Default: now. */
  readonly at?: Date;
  /** DDS domain that the participant will join; without it the rules' domains are not judged. */
  readonly domain?: number;
  /** Whether users other than the owner may read the file that holds the configuration. Default false. */
  readonly readableByOthers?: boolean;
  /**
   * Whose acceptance decides: what that implementation does not take becomes an error, and what only others do
   * not take is left out; `spec` leaves out all such. Default: each is a warning.
   */
  readonly peer?: "cyclonedds" | "fastdds" | "spec";
}

/**
 * Audits one configuration: opens all six credentials, proves that they fit, verifies both documents, and
 * says everything that is wrong, not only the first thing. It never throws a CredentialError: each becomes a
 * finding with its property and place.
 */
export async function check(configuration: Configuration, options: CheckOptions): Promise<CheckReport> {
  const at = options.at ?? new Date();
  const findings: Finding[] = [
    ...configuration.findings,
    ...judgeUris(configuration, options.readableByOthers ?? false),
    ...judgeUnjudged(configuration),
  ];

  const attempt: Attempt = async (property, work) => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error;
      if (!saidAlready(findings, property, error)) findings.push(toFinding(configuration, property, error));
      return undefined;
    }
  };
  const deployment = await openDeployment(configuration, { ...options, at }, attempt);
  findings.push(...judgeDomain(configuration, deployment, options.domain));
  findings.push(...judgePeers(configuration, deployment));
  const judged = options.peer === undefined ? findings : seenBy(options.peer, findings);

  return {
    source: configuration.source,
    ok: judged.every((finding) => finding.severity !== "error"),
    findings: inOrder(judged),
    ...describeDeployment(configuration, deployment),
  };
}

/** The findings where one implementation, or the specification alone, decides what PEER_DIFFERS means. */
function seenBy(peer: NonNullable<CheckOptions["peer"]>, findings: readonly Finding[]): Finding[] {
  return findings.flatMap((finding) => {
    if (finding.code !== "PEER_DIFFERS" || finding.peers === undefined) return [finding];
    return finding.peers.includes(peer) ? [{ ...finding, severity: "error" as const }] : [];
  });
}

/** The reader of the configuration may have reported the same before: a missing property, a bad variable. */
function saidAlready(
  findings: readonly Finding[],
  property: SecurityProperty,
  error: CredentialError,
): boolean {
  return findings.some(
    (finding) =>
      finding.property === property &&
      finding.severity === "error" &&
      (finding.code === error.code ||
        finding.code === "VARIABLE_UNDEFINED" ||
        finding.code === "PROPERTY_MISSING"),
  );
}

function toFinding(
  configuration: Configuration,
  property: SecurityProperty,
  error: CredentialError,
): Finding {
  const value = configuration.properties.get(property);
  // The place in the configuration comes first; a place inside the file that it names is the target.
  return findingFromError(error, "error", {
    property,
    ...(value === undefined ? {} : { uri: value.value }),
    ...(value?.location === undefined ? {} : { location: value.location }),
    ...(error.location === undefined ? {} : { target: error.location }),
  });
}

const SEVERITIES = ["error", "warning", "info"];

function inOrder(findings: readonly Finding[]): readonly Finding[] {
  const key = (finding: Finding) => SEVERITIES.indexOf(finding.severity);
  return findings.toSorted((a, b) => key(a) - key(b));
}
