import { CredentialError } from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import { noteConcern } from "../credentials/attempt.ts";
import { type DeploymentContext, openDeployment } from "../credentials/deployment.ts";
import { Access } from "./access.ts";
import { type AccessInput, compileAccess } from "./compile.ts";
import { openCyclone } from "./cyclonedds-opening.ts";
import { type Decision, makeDecision } from "./decision.ts";
import type { DialectName } from "./dialect.ts";
import { openFast } from "./fastdds-opening.ts";
import { PeerRefusal } from "./peer-refusal.ts";

export interface OpenAccessOptions extends Omit<DeploymentContext, "at"> {
  /** The domain that the participant joins. */
  readonly domain: number;
  /** Its domain tag. Default: none. */
  readonly domainTag?: string;
  /** Default: now. */
  readonly at?: Date;
  /** Default `spec`. */
  readonly dialect?: DialectName;
}

/** What opening in a dialect needs of the world. */
export interface OpeningContext extends DeploymentContext {
  readonly domain: number;
}

/** What a dialect opens of a configuration. */
export type OpenedAccess = Pick<AccessInput, "governance" | "permissions" | "files" | "subject">;

/**
 * Opens a configuration as the dialect's implementation would, and compiles its rules. What that implementation would
 * not accept, an identity, a signature, a document, is thrown; {@link refusedDecision} makes a decision of it.
 *
 * @throws CredentialError with the code of what is not accepted; `UNSUPPORTED` where that cannot be said here
 */
export async function openAccess(configuration: Configuration, options: OpenAccessOptions): Promise<Access> {
  const { dialect = "spec", domain, domainTag = "", at = new Date() } = options;
  const wrong = configuration.findings.find(({ severity }) => severity === "error");
  if (wrong !== undefined) {
    const { code, message, hint, location, property } = wrong;
    const error = new CredentialError(code, message, { hint, ...(location && { location }) });
    throw property === undefined ? error : noteConcern(error, { property, ...(location && { location }) });
  }
  const opened = await OPENINGS[dialect](configuration, { ...options, at });
  return opened instanceof Access ? opened : compileAccess({ ...opened, domain, domainTag, at, dialect });
}

/** The decision that follows where a configuration is not accepted: nothing is allowed. */
export function refusedDecision(error: CredentialError): Decision {
  const peerCode = error instanceof PeerRefusal ? error.peerCode : undefined;
  const { code, message, location } = error;
  return makeDecision({ allowed: false, code: peerCode ?? code, reason: message, rule: location }, () => []);
}

async function openSpec(configuration: Configuration, context: DeploymentContext): Promise<OpenedAccess> {
  const { governance, permissions, identityCertificate } = await openDeployment(configuration, context);
  if (governance === undefined || permissions === undefined || identityCertificate === undefined) {
    throw new CredentialError("INTERNAL", "a deployment was opened without its documents");
  }
  return {
    governance: governance.signed,
    permissions: permissions.signed,
    files: { governance: governance.file, permissions: permissions.file },
    subject: identityCertificate.subject,
  };
}

const OPENINGS: Readonly<
  Record<
    DialectName,
    (configuration: Configuration, context: OpeningContext) => Promise<OpenedAccess | Access>
  >
> = { spec: openSpec, cyclonedds: openCyclone, fastdds: openFast };
