import { CredentialError, type CryptoProvider, type Resolver } from "@ddscred/core";
import { auditDocuments } from "../audit/audit.ts";
import type { Configuration } from "../configuration/model.ts";
import type { SecurityProperty } from "../configuration/properties.ts";
import type { Attempt } from "../credentials/attempt.ts";
import { openDeployment } from "../credentials/deployment.ts";
import type { ReadCaFolder } from "../credentials/trust.ts";
import { type Finding, findingFromError } from "../finding.ts";
import { judgeCa } from "./ca.ts";
import { describeDeployment } from "./describe.ts";
import { judgeDomain, judgedDomain } from "./domain.ts";
import { judgeExpiry } from "./expiry.ts";
import { type ExposureOf, judgeKeyFile } from "./exposure.ts";
import type { Fleet } from "./fleet.ts";
import { judgeGrant } from "./grant.ts";
import { oncePerThing } from "./once.ts";
import { judgePeers } from "./peers.ts";
import type { CheckReport } from "./report.ts";
import { judgeSecrets } from "./secrets.ts";
import { judgeTrust } from "./trust.ts";
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
  /** Whether they may change it. Default false. */
  readonly writableByOthers?: boolean;
  /** Asked for the file of the private key; without it nothing is said of that. It throws CredentialErrors only. */
  readonly exposure?: ExposureOf;
  /** Reads the trusted-CA directory; without it, a configuration that names one is `UNSUPPORTED`. */
  readonly readCaFolder?: ReadCaFolder;
  /** What ends within this many milliseconds of the moment is a warning. Default: nothing is. */
  readonly warnBefore?: number;
  /**
   * Whose acceptance decides: what that implementation does not take becomes an error, and what only others do
   * not take is left out; `spec` leaves out all such. Default: each is a warning.
   */
  readonly peer?: "cyclonedds" | "fastdds" | "spec";
  /** The fleet that the participant is one of: what it shares with others is opened once. Default: it is alone. */
  readonly fleet?: Fleet;
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
    ...judgeUris(configuration),
    ...judgeSecrets(configuration, options),
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
  const { fleet } = options;
  const context = { ...options, at, ...(fleet && { openDocument: fleet.openDocument }) };
  const deployment = await openDeployment(configuration, context, attempt);
  await fleet?.add(configuration, deployment);
  findings.push(...judgeDomain(configuration, deployment, options.domain));
  findings.push(...judgeGrant(configuration, deployment, options.domain));
  findings.push(...judgeCa(configuration, deployment));
  findings.push(...judgeTrust(configuration, deployment));
  findings.push(...judgePeers(configuration, deployment));
  findings.push(...auditDocuments(configuration, deployment, judgedDomain(configuration, options.domain)));
  const exposed = await attempt(PRIVATE_KEY, () => judgeKeyFile(configuration, deployment, options));
  findings.push(...(exposed ?? []));
  const described = describeDeployment(configuration, deployment);
  findings.push(...judgeExpiry(configuration, described.expiry, at, options.warnBefore));
  const judged = options.peer === undefined ? findings : seenBy(options.peer, findings);

  return {
    source: configuration.source,
    ...(configuration.domain === undefined ? {} : { domain: configuration.domain }),
    ok: judged.every((finding) => finding.severity !== "error"),
    findings: inOrder(oncePerThing(judged)),
    ...described,
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
  return findings.some((finding) => {
    // Without a section everything is missing, and that is said once.
    if (finding.code === "SECURITY_MISSING") return error.code === "PROPERTY_MISSING";
    return (
      finding.property === property &&
      finding.severity === "error" &&
      (finding.code === error.code ||
        finding.code === "VARIABLE_UNDEFINED" ||
        finding.code === "PROPERTY_MISSING")
    );
  });
}

function toFinding(
  configuration: Configuration,
  property: SecurityProperty,
  error: CredentialError,
): Finding {
  const value = configuration.properties.get(property);
  const isIndented = error.code === "PEM_INVALID" && /\n[ \t]+-----END/.test(value?.value ?? "");
  // The place in the configuration comes first; a place inside the file that it names is the target.
  return findingFromError(error, "error", {
    property,
    ...(isIndented ? { hint: INDENTED } : {}),
    ...(value === undefined ? {} : { uri: value.value }),
    ...(value?.location === undefined ? {} : { location: value.location }),
    ...(error.location === undefined ? {} : { target: error.location }),
  });
}

const PRIVATE_KEY = "dds.sec.auth.private_key";
const INDENTED =
  "Let the lines of the PEM text begin in the first column: no implementation reads them indented.";
const SEVERITIES = ["error", "warning", "info"];

function inOrder(findings: readonly Finding[]): readonly Finding[] {
  const key = (finding: Finding) => SEVERITIES.indexOf(finding.severity);
  return findings.toSorted((a, b) => key(a) - key(b));
}
