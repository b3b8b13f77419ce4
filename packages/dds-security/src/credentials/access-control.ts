import {
  type Certificate,
  CredentialError,
  ddsPermissionsCaProfile,
  parseFileUri,
  type Resolver,
  uriScheme,
  validatePath,
} from "@ddscred/core";
import type { SecurityProperty } from "../configuration/properties.ts";
import { readGovernance } from "../documents/governance.ts";
import { grantFor } from "../documents/grant.ts";
import { readPermissions } from "../documents/permissions.ts";
import { type Opening, requiredUri } from "./attempt.ts";
import type { Deployment } from "./deployment.ts";
import { documentOpener, type ReadDocument } from "./document-cache.ts";

/** Reads the permissions CA: DDS knows one, the first of those that the URI names. */
export async function readPermissionsCa(opening: Opening): Promise<Certificate | undefined> {
  const certificates = await opening.attempt(PERMISSIONS_CA, () =>
    opening.context.resolver.certificates(requiredUri(opening, PERMISSIONS_CA)),
  );
  return certificates?.[0];
}

/** Validates the permissions CA, opens the documents that it signed, and finds the identity's grant in them. */
export async function openDocuments(
  opening: Opening,
  permissionsCa: Certificate | undefined,
  identity: Certificate | undefined,
): Promise<Pick<Deployment, "permissionsCaPath" | "governance" | "permissions" | "grant">> {
  const { context, attempt } = opening;
  const { at, crypto } = context;
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
  const { resolver, openDocument = documentOpener(crypto) } = context;
  const open = async <Model>(property: SecurityProperty, read: ReadDocument<Model>) =>
    await attempt(property, async () => {
      const uri = requiredUri(opening, property);
      const bytes = await document(resolver, uri);
      if (permissionsCa === undefined) return undefined;
      return await openDocument(bytes, permissionsCa, { file: fileName(uri), read });
    });
  const governance = await open(GOVERNANCE, readGovernance);
  const permissions = await open(PERMISSIONS, readPermissions);
  const grant =
    permissions &&
    identity &&
    (await attempt(PERMISSIONS, () => grantFor(permissions.model, identity.subject, at)));
  return { permissionsCaPath, governance, permissions, grant };
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

/** How a place inside the document is named. */
function fileName(uri: string): string {
  return uriScheme(uri) === "file" ? parseFileUri(uri).path : "data:";
}

const PERMISSIONS_CA = "dds.sec.access.permissions_ca";
const GOVERNANCE = "dds.sec.access.governance";
const PERMISSIONS = "dds.sec.access.permissions";
