import {
  CredentialError,
  ddsIdentityProfile,
  explainPath,
  matchKey,
  type PathInput,
  provePossession,
  type RevocationList,
  type ValidatedPath,
  validatePath,
} from "@ddscred/core";
import type { SecurityProperty } from "../configuration/properties.ts";
import { type Attempt, type Opening, requiredUri } from "./attempt.ts";
import type { Deployment } from "./deployment.ts";
import { checkTrusted, openRevocationLists, openTrustedCas } from "./trust.ts";

/** The credentials of dds.sec.auth, read. */
type ReadIdentity = Pick<Deployment, "identityCa" | "identityCertificate" | "identityChain" | "privateKey">;

/** Reads the identity CA, the identity certificate and its key. */
export async function readIdentity(opening: Opening): Promise<ReadIdentity> {
  const { configuration, context, attempt } = opening;
  const certificates = (property: SecurityProperty) =>
    attempt(property, () => context.resolver.certificates(requiredUri(opening, property)));
  const identityCa = await certificates(IDENTITY_CA);
  const identityChain = await certificates(IDENTITY_CERTIFICATE);
  const identityCertificate = identityChain?.[0];
  const privateKey = await attempt(PRIVATE_KEY, () =>
    context.resolver.signer(requiredUri(opening, PRIVATE_KEY), {
      ...(configuration.password && { passphrase: configuration.password.value }),
      // A token that keeps the private key alone does not say what its public half is.
      ...(identityCertificate && { publicKey: identityCertificate.publicKey.spki }),
    }),
  );
  return { identityCa, identityChain, identityCertificate, privateKey };
}

/** What restricts the identities that are trusted, where the configuration names it. */
type Restrictions = Pick<Deployment, "revocationLists" | "trustedCas">;

/** Reads revocation lists and the trusted-CA directory, and looks for the identity CA among these. */
export async function readRestrictions(
  opening: Opening,
  { identityCa }: ReadIdentity,
): Promise<Restrictions> {
  const { context, attempt } = opening;
  const revocationLists = await openSet(opening, CRL, async (uri) => {
    return await openRevocationLists(uri, context.resolver);
  });
  const trustedCas = await openSet(opening, TRUSTED_CAS, async (path) => {
    return await openTrustedCas(path, context.readCaFolder);
  });
  const [firstCa] = identityCa ?? [];
  if (firstCa && trustedCas) await attempt(TRUSTED_CAS, () => checkTrusted(firstCa, trustedCas));
  return { revocationLists, trustedCas };
}

/** Validates the identity certificate under its CA, and proves that the key is the certificate's. */
export async function proveIdentity(
  opening: Opening,
  read: ReadIdentity,
  { revocationLists }: Restrictions,
): Promise<Pick<Deployment, "identityPath" | "possessionProved">> {
  const identityPath = await pathOf(opening, read, revocationLists);
  return { identityPath, possessionProved: await isKeyProved(opening, read) };
}

async function pathOf(
  { context: { at, crypto }, attempt }: Opening,
  { identityCa, identityChain, identityCertificate }: ReadIdentity,
  lists: readonly RevocationList[] | undefined,
): Promise<ValidatedPath | undefined> {
  if (identityCa === undefined || identityCertificate === undefined) return undefined;
  const identity: PathInput = {
    leaf: identityCertificate,
    intermediates: identityChain?.slice(1) ?? [],
    anchors: identityCa,
    at,
    crypto,
    profile: ddsIdentityProfile,
  };
  const { path, error } = await explainPath(identity);
  if (error !== undefined) await tell(error, identity, attempt);
  if (path === undefined || lists === undefined) return path;
  return (await lookUp({ ...identity, revocation: { lists } }, attempt)) ?? path;
}

/** A CA that is out of date is at fault itself, also beside a certificate that is out of date. */
async function tell(error: CredentialError, identity: PathInput, attempt: Attempt): Promise<void> {
  const fail = async (property: SecurityProperty, fault: CredentialError) =>
    await attempt(property, () => {
      throw fault;
    });
  if (!isOfDates(error)) return await fail(IDENTITY_CERTIFICATE, error);
  const ca = await caOutOfDate(identity, error);
  if (ca?.subject !== error.subject) await fail(IDENTITY_CERTIFICATE, error);
  if (ca !== undefined) await fail(IDENTITY_CA, ca);
}

/** Why no CA is valid at the moment, or else the one that the error is about. */
async function caOutOfDate(
  { anchors, at, crypto, profile }: PathInput,
  { subject }: CredentialError,
): Promise<CredentialError | undefined> {
  const each = anchors.map(async (ca) => await explainPath({ leaf: ca, anchors: [ca], at, crypto, profile }));
  const faults = (await Promise.all(each)).flatMap(({ error }) =>
    error !== undefined && isOfDates(error) ? [error] : [],
  );
  const own = faults.find((fault) => fault.subject === subject);
  return own ?? (faults.length === anchors.length ? faults[0] : undefined);
}

const isOfDates = ({ code }: CredentialError) =>
  code === "CERTIFICATE_EXPIRED" || code === "CERTIFICATE_NOT_YET_VALID";

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

async function isKeyProved(
  opening: Opening,
  { identityCertificate, privateKey }: ReadIdentity,
): Promise<boolean> {
  if (identityCertificate === undefined || privateKey === undefined) return false;
  const proved = await opening.attempt(PRIVATE_KEY, async () => {
    const uri = requiredUri(opening, PRIVATE_KEY);
    matchKey(identityCertificate, privateKey, uri);
    await provePossession(identityCertificate, privateKey, opening.context.crypto, uri);
    return true;
  });
  return proved === true;
}

/** Opens what an optional property names, where it is set; an empty value is none. */
async function openSet<T>(
  { configuration, attempt }: Opening,
  property: SecurityProperty,
  open: (value: string) => Promise<T>,
): Promise<T | undefined> {
  const value = configuration.properties.get(property)?.value;
  if (value === undefined || value === "") return undefined;
  return await attempt(property, async () => await open(value));
}

const IDENTITY_CA = "dds.sec.auth.identity_ca";
const IDENTITY_CERTIFICATE = "dds.sec.auth.identity_certificate";
const CRL = "org.eclipse.cyclonedds.sec.auth.crl";
const TRUSTED_CAS = "dds.sec.auth.trusted_ca_dir";
const PRIVATE_KEY = "dds.sec.auth.private_key";
