import { CredentialError } from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import { type DeploymentContext, openDeployment } from "../credentials/deployment.ts";
import { type LocalIdentity, type LocalIdentityOptions, validateLocalIdentity } from "./local-identity.ts";

/** What a configuration does not say of a handshake. */
export type HandshakeOptions = Pick<
  LocalIdentityOptions,
  "candidateGuid" | "securityInfo" | "keyAgreement" | "modpEncoding" | "trailingNul" | "timeout"
>;

/**
 * The participant of a configuration, ready to authenticate: its credentials opened, the key proved, the documents
 * verified. Peers are held to its revocation lists, and may be of any CA of its trusted-CA directory.
 *
 * @throws CredentialError the first thing that is wrong, as openDeployment says
 */
export async function openLocalIdentity(
  configuration: Configuration,
  context: DeploymentContext,
  options: HandshakeOptions = {},
): Promise<LocalIdentity> {
  const deployment = await openDeployment(configuration, context);
  const { identityChain, identityCa, privateKey, permissionsCa, trustedCas, revocationLists } = deployment;
  const uri = configuration.properties.get("dds.sec.access.permissions")?.value;
  if (!identityChain || !identityCa || !privateKey || !permissionsCa || uri === undefined) {
    throw new CredentialError("PROPERTY_MISSING", "a participant needs all six credentials to authenticate");
  }
  const { resolver, crypto, at } = context;
  // openDeployment has refused every scheme that names no document.
  const permissionsDocument = await resolver.document(uri);
  return await validateLocalIdentity(
    {
      ...options,
      certificates: identityChain,
      signer: privateKey,
      identityCa,
      permissionsCa,
      permissionsDocument,
      crypto,
      ...(trustedCas && { trustedCas: trustedCas.certificates }),
      ...(revocationLists && { revocation: { lists: revocationLists } }),
    },
    { at },
  );
}
