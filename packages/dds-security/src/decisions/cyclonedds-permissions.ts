import { type Certificate, type VerifiedDocument, verifyDocument } from "@ddscred/core";
import type { SecurityProperty } from "../configuration/properties.ts";
import { signedFormLimits } from "../documents/signed-form.ts";
import {
  type CycloneSource,
  formatRefusal,
  NO_FILE,
  readCertificate,
  valueOf,
  withUri,
} from "./cyclonedds-credentials.ts";
import { attempt, noFile, parsing, refusal } from "./cyclonedds-refusals.ts";
import type { OpenedAccess } from "./opening.ts";
import { cycloneUri } from "./peer-uri.ts";

/** Whether no property of access control is set: then defaults of Cyclone DDS hold. */
export function namesNoDocuments(source: CycloneSource): boolean {
  return ACCESS.every((property) => valueOf(source, property) === "");
}

/** validate_local_permissions. The permissions CA itself is not judged. */
export async function validatePermissions(source: CycloneSource, leaf: Certificate): Promise<OpenedAccess> {
  if (ACCESS.some((property) => valueOf(source, property) === "")) {
    const message =
      "Governance, Permissions and Permissions CA properties do not exist properly. Either all must be empty or all must be valid";
    throw refusal("PROPERTY_MISSING", 116, message);
  }
  const ca = await permissionsCa(source);
  const permissions = await readDocument(source, PERMISSIONS);
  const governance = await readDocument(source, GOVERNANCE);
  return {
    permissions: await verified(source, permissions, ca),
    governance: await verified(source, governance, ca),
    files: { governance: governance.file, permissions: permissions.file },
    subject: leaf.subject,
  };
}

async function permissionsCa(source: CycloneSource): Promise<Certificate> {
  return await withUri(source, PERMISSIONS_CA, async (uri) => {
    if (uri === undefined) throw formatRefusal(PERMISSIONS_CA, 134, "Certificate type is not supported");
    return await readCertificate(source, uri, (error) =>
      NO_FILE.has(error.code) || error.code === "FILE_NOT_REGULAR" || error.code === "FILE_EMPTY"
        ? refusal(error.code, 117, noFile(uri), error)
        : parsing(error, 133, "Certificate is invalid"),
    );
  });
}

interface ReadDocument {
  readonly property: SecurityProperty;
  readonly bytes: Uint8Array;
  readonly file: string;
}

async function readDocument(source: CycloneSource, property: SecurityProperty): Promise<ReadDocument> {
  return await withUri(source, property, async (uri) => {
    if (uri === undefined || uri.kind === "pkcs11") {
      throw refusal("URI_SCHEME_REFUSED", 150, "Unsupported URI type");
    }
    // Paths of documents are edited before they are opened.
    const path = uri.path?.replaceAll("\\", "/").replaceAll('"', "");
    const real = path === undefined ? uri : cycloneUri(`file:${path}`);
    const bytes = await attempt(
      () => source.context.resolver.document(real?.uri ?? uri.uri),
      (error) => refusal(error.code, 117, noFile(uri), error),
    );
    return { property, bytes, file: path ?? "data:" };
  });
}

/** Cyclone DDS also takes SHA-1; no document counts as verified by that here, so that it is refused. */
async function verified(
  source: CycloneSource,
  { property, bytes }: ReadDocument,
  ca: Certificate,
): Promise<VerifiedDocument> {
  const { crypto } = source.context;
  const what = "Failed to parse PKCS7 SMIME document";
  return await withUri(source, property, async () => {
    const signed = await attempt(
      () => verifyDocument(bytes, { ca, crypto }),
      (error) => parsing(error, 127, what),
    );
    const limit = signedFormLimits(signed).find(({ readers }) => readers.includes("cyclonedds"));
    if (limit === undefined) return signed;
    throw refusal("DOCUMENT_FORM_REFUSED", 127, `${what}: ${limit.message}`);
  });
}

const PERMISSIONS_CA = "dds.sec.access.permissions_ca";
const GOVERNANCE = "dds.sec.access.governance";
const PERMISSIONS = "dds.sec.access.permissions";
const ACCESS = [PERMISSIONS_CA, GOVERNANCE, PERMISSIONS] as const;
