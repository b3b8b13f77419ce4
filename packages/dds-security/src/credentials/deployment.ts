import {
  type Certificate,
  CredentialError,
  type CryptoProvider,
  ddsIdentityProfile,
  ddsPermissionsCaProfile,
  matchKey,
  type PathInput,
  parseFileUri,
  provePossession,
  type Resolver,
  type RevocationList,
  type Signer,
  uriScheme,
  type ValidatedPath,
  validatePath,
} from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import type { SecurityProperty } from "../configuration/properties.ts";
import { type Governance, readGovernance } from "../documents/governance.ts";
import { grantFor } from "../documents/grant.ts";
import { type Grant, type Permissions, readPermissions } from "../documents/permissions.ts";
import {
  documentOpener,
  type OpenDocument,
  type OpenedDocument,
  type ReadDocument,
} from "./document-cache.ts";
import {
  checkTrusted,
  openRevocationLists,
  openTrustedCas,
  type ReadCaFolder,
  type TrustedCas,
} from "./trust.ts";

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
 * How one step of opening ends when it fails: the policy of the caller. {@link failFast} throws; `check`
 * notes the error as a finding of the property and goes on with what does not depend on it.
 */
export type Attempt = <T>(property: SecurityProperty, work: () => Promise<T> | T) => Promise<T | undefined>;

export const failFast: Attempt = async (_property, work) => await work();

const IDENTITY_CA = "dds.sec.auth.identity_ca";
const IDENTITY_CERTIFICATE = "dds.sec.auth.identity_certificate";
const CRL = "org.eclipse.cyclonedds.sec.auth.crl";
const TRUSTED_CAS = "dds.sec.auth.trusted_ca_dir";
const PRIVATE_KEY = "dds.sec.auth.private_key";
const PERMISSIONS_CA = "dds.sec.access.permissions_ca";
const GOVERNANCE = "dds.sec.access.governance";
const PERMISSIONS = "dds.sec.access.permissions";

/**
 * Opens the six credentials in the order in which they depend on each other, each under `attempt`, and what restricts
 * them: revocation lists and the trusted-CA directory.
 */
export async function openDeployment(
  configuration: Configuration,
  context: DeploymentContext,
  attempt: Attempt = failFast,
): Promise<Deployment> {
  const { resolver, crypto, at, openDocument = documentOpener(crypto) } = context;
  const uriOf = (property: SecurityProperty) => requiredUri(configuration, property);

  const identityCa = await attempt(IDENTITY_CA, () => resolver.certificates(uriOf(IDENTITY_CA)));
  const identityChain = await attempt(IDENTITY_CERTIFICATE, () =>
    resolver.certificates(uriOf(IDENTITY_CERTIFICATE)),
  );
  const identityCertificate = identityChain?.[0];
  const privateKey = await attempt(PRIVATE_KEY, () =>
    resolver.signer(uriOf(PRIVATE_KEY), {
      ...(configuration.password && { passphrase: configuration.password.value }),
      // A token that keeps the private key alone does not say what its public half is.
      ...(identityCertificate && { publicKey: identityCertificate.publicKey.spki }),
    }),
  );
  const permissionsCas = await attempt(PERMISSIONS_CA, () => resolver.certificates(uriOf(PERMISSIONS_CA)));
  const permissionsCa = permissionsCas?.[0];

  const revocationLists = await openSet(configuration, CRL, attempt, async (uri) => {
    return await openRevocationLists(uri, resolver);
  });
  const trustedCas = await openSet(configuration, TRUSTED_CAS, attempt, async (path) => {
    return await openTrustedCas(path, context.readCaFolder);
  });
  const [firstCa] = identityCa ?? [];
  if (firstCa && trustedCas) await attempt(TRUSTED_CAS, () => checkTrusted(firstCa, trustedCas));

  const identity = identityCertificate &&
    identityCa && {
      leaf: identityCertificate,
      intermediates: identityChain.slice(1),
      anchors: identityCa,
      at,
      crypto,
      profile: ddsIdentityProfile,
    };
  const path = identity && (await attempt(IDENTITY_CERTIFICATE, () => validatePath(identity)));
  const identityPath =
    path && revocationLists
      ? ((await lookUp({ ...identity, revocation: { lists: revocationLists } }, attempt)) ?? path)
      : path;
  const possessionProved =
    identityCertificate &&
    privateKey &&
    (await attempt(PRIVATE_KEY, async () => {
      const uri = uriOf(PRIVATE_KEY);
      matchKey(identityCertificate, privateKey, uri);
      await provePossession(identityCertificate, privateKey, crypto, uri);
      return true;
    }));

  const permissionsCaPath =
    permissionsCa &&
    (await attempt(PERMISSIONS_CA, () =>
      validatePath({
        leaf: permissionsCa,
        anchors: [permissionsCa],
        at,
        crypto,
        profile: ddsPermissionsCaProfile,
      }),
    ));
  const open = async <Model>(property: SecurityProperty, read: ReadDocument<Model>) =>
    await attempt(property, async () => {
      const uri = uriOf(property);
      const bytes = await document(resolver, uri);
      if (permissionsCa === undefined) return undefined;
      return await openDocument(bytes, permissionsCa, { file: fileName(uri), read });
    });
  const governance = await open(GOVERNANCE, readGovernance);
  const permissions = await open(PERMISSIONS, readPermissions);
  const grant =
    permissions &&
    identityCertificate &&
    (await attempt(PERMISSIONS, () => grantFor(permissions.model, identityCertificate.subject, at)));

  return {
    identityCa,
    identityCertificate,
    identityChain,
    identityPath,
    trustedCas,
    revocationLists,
    privateKey,
    possessionProved: possessionProved === true,
    permissionsCa,
    permissionsCaPath,
    governance,
    permissions,
    grant,
  };
}

/** Opens what an optional property names, where it is set; an empty value is none. */
async function openSet<T>(
  configuration: Configuration,
  property: SecurityProperty,
  attempt: Attempt,
  open: (value: string) => Promise<T>,
): Promise<T | undefined> {
  const value = configuration.properties.get(property)?.value;
  if (value === undefined || value === "") return undefined;
  return await attempt(property, async () => await open(value));
}

/**
 * Validates the identity again, with revocation: that it is revoked is about the certificate, that its status cannot
 * be found out is about the list.
 */
async function lookUp(input: PathInput, attempt: Attempt): Promise<ValidatedPath | undefined> {
  const result = await attempt(CRL, async () => {
    try {
      return await validatePath(input);
    } catch (error) {
      if (error instanceof CredentialError && error.code === "CERTIFICATE_REVOKED") return error;
      throw error;
    }
  });
  if (!(result instanceof CredentialError)) return result;
  return await attempt(IDENTITY_CERTIFICATE, () => {
    throw result;
  });
}

/** How a place inside the document is named. */
function fileName(uri: string): string {
  return uriScheme(uri) === "file" ? parseFileUri(uri).path : "data:";
}

function requiredUri(configuration: Configuration, property: SecurityProperty): string {
  const value = configuration.properties.get(property);
  if (value !== undefined) return value.value;
  throw new CredentialError("PROPERTY_MISSING", `${property} is not set`);
}

/** Governance and Permissions are signed files; a token cannot hold them, in this or any implementation. */
async function document(resolver: Resolver, uri: string): Promise<Uint8Array> {
  if (uriScheme(uri) === "pkcs11") {
    throw new CredentialError(
      "URI_SCHEME_REFUSED",
      "Unsupported URI type: a pkcs11: URI cannot name a signed document; its integrity comes from the signature, not from a token",
      { uri },
    );
  }
  return await resolver.document(uri);
}
