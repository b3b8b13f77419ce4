import type {
  Certificate,
  CryptoProvider,
  Resolver,
  RevocationList,
  Signer,
  ValidatedPath,
} from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import type { Governance } from "../documents/governance.ts";
import type { Grant, Permissions } from "../documents/permissions.ts";
import { openDocuments, readPermissionsCa } from "./access-control.ts";
import { type Attempt, failFast, type Opening, onProperty } from "./attempt.ts";
import type { OpenDocument, OpenedDocument } from "./document-cache.ts";
import { proveIdentity, readIdentity, readRestrictions } from "./identity.ts";
import type { ReadCaFolder, TrustedCas } from "./trust.ts";

/** What opening a deployment needs of the world. */
export interface DeploymentContext {
  readonly resolver: Resolver;
  readonly crypto: CryptoProvider;
  /** The moment at which everything must be valid. */
  readonly at: Date;
  /** Reads the trusted-CA directory. Without it, a configuration that names one is `UNSUPPORTED`. */
  readonly readCaFolder?: ReadCaFolder;
  /** Opens signed documents. Default: each anew. */
  readonly openDocument?: OpenDocument;
}

/** The six credentials of a participant, opened and proved to fit; what failed is undefined. */
export interface Deployment {
  readonly identityCa?: readonly Certificate[] | undefined;
  readonly identityCertificate?: Certificate | undefined;
  readonly identityChain?: readonly Certificate[] | undefined;
  readonly identityPath?: ValidatedPath | undefined;
  /** The CAs of the trusted-CA directory, where the configuration names one. */
  readonly trustedCas?: TrustedCas | undefined;
  /** The lists in which the identity was looked up, where the configuration names them. */
  readonly revocationLists?: readonly RevocationList[] | undefined;
  readonly privateKey?: Signer | undefined;
  /** The key made a signature that the identity certificate verifies. */
  readonly possessionProved: boolean;
  readonly permissionsCa?: Certificate | undefined;
  readonly permissionsCaPath?: ValidatedPath | undefined;
  readonly governance?: OpenedDocument<Governance> | undefined;
  readonly permissions?: OpenedDocument<Permissions> | undefined;
  /** The grant for the identity certificate's subject at the moment asked. */
  readonly grant?: Grant | undefined;
}

/**
 * Opens the six credentials in the order in which they depend on each other, each under `attempt`, and what restricts
 * them: revocation lists and the trusted-CA directory. An error has the URI of its property.
 */
export async function openDeployment(
  configuration: Configuration,
  context: DeploymentContext,
  attempt: Attempt = failFast,
): Promise<Deployment> {
  const opening: Opening = {
    configuration,
    context,
    attempt: (property, work) => attempt(property, () => onProperty(configuration, property, work)),
  };
  const identity = await readIdentity(opening);
  const permissionsCa = await readPermissionsCa(opening);
  const restrictions = await readRestrictions(opening, identity);
  const proof = await proveIdentity(opening, identity, restrictions);
  const documents = await openDocuments(opening, permissionsCa, identity.identityCertificate);
  return { ...identity, ...restrictions, ...proof, permissionsCa, ...documents };
}
