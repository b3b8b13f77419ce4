import { type Certificate, CredentialError, type RevocationList } from "@ddscred/core";
import type { SecurityProperty } from "../configuration/properties.ts";
import {
  checkTrusted,
  hasKnownKey,
  openRevocationLists,
  openTrustedCas,
  type TrustedCas,
} from "../credentials/trust.ts";
import { oneLineName } from "../documents/one-line-name.ts";
import {
  type CycloneSource,
  formatRefusal,
  NO_FILE,
  readCertificate,
  valueOf,
  withUri,
} from "./cyclonedds-credentials.ts";
import { attempt, noFile, parsing, refusal } from "./cyclonedds-refusals.ts";
import { faultCode, peerPathFault } from "./peer-path.ts";
import { revocationFault } from "./peer-revocation.ts";

/** validate_local_identity. The key is not compared with the certificate. */
export async function validateIdentity(source: CycloneSource): Promise<Certificate> {
  for (const property of [IDENTITY_CERTIFICATE, IDENTITY_CA, PRIVATE_KEY] as const) {
    if (valueOf(source, property) === "") {
      throw refusal("PROPERTY_MISSING", 200, `validate_local_identity: missing property '${property}'`);
    }
  }
  const trusted = await trustedCas(source);
  const ca = await identityCertificate(source, IDENTITY_CA);
  const crl = valueOf(source, CRL);
  if (trusted !== undefined && trusted.certificates.length > 0) {
    if (crl !== "") throw refusal("PROPERTY_CONFLICT", 200, "Cannot specify both CRL and trusted_ca_list");
    await attempt(
      async () => checkTrusted(ca, trusted),
      (error) => refusal(error.code, 121, "Identity CA is not trusted"),
    );
  }
  const leaf = await identityCertificate(source, IDENTITY_CERTIFICATE);
  await openPrivateKey(source, leaf);
  const lists = crl === "" ? undefined : await revocationLists(source);
  return await withUri(source, IDENTITY_CERTIFICATE, async () => {
    const fault =
      (await peerPathFault({ leaf, store: [ca], ...source.context })) ??
      (lists && (await revocationFault(leaf, ca, lists, source.context)));
    if (fault === undefined) return leaf;
    const message = `Certificate not valid: error: ${fault.message}; subject: ${oneLineName(leaf.subject)}`;
    throw refusal(faultCode(fault), 200, message);
  });
}

/** Undefined where none is asked for. */
async function trustedCas(source: CycloneSource): Promise<TrustedCas | undefined> {
  const path = valueOf(source, TRUSTED_CAS);
  if (path === "") return undefined;
  return await attempt(
    () => openTrustedCas(path, source.context.readCaFolder),
    (error) => {
      if (error.code === "CA_NOT_TRUSTED") {
        const said = "Cannot open trusted CA directory: maximum number of CA directories (100) exceeded";
        return refusal(error.code, 152, said);
      }
      return refusal(error.code, 120, "Can not open trusted CA directory");
    },
  );
}

/** The identity certificate, or its CA's: both are read alike. */
async function identityCertificate(source: CycloneSource, property: SecurityProperty): Promise<Certificate> {
  return await withUri(source, property, async (uri) => {
    if (uri === undefined) {
      const expected = 'expecting "file:", "data:," or "pkcs11:" prefix';
      throw formatRefusal(property, 200, `Certificate specification has wrong format (${expected})`);
    }
    const certificate = await readCertificate(source, uri, (error) => {
      if (error.code === "FILE_NOT_REGULAR") {
        return refusal(error.code, 200, "load_X509_certificate_from_file: read from failed", error);
      }
      if (!NO_FILE.has(error.code)) return parsing(error, 200, "Failed to parse certificate");
      return refusal(error.code, 117, `load_file_into_BIO: ${noFile(uri)}`, error);
    });
    if (hasKnownKey(certificate)) return certificate;
    throw refusal("KEY_UNSUPPORTED", 125, "Certificate authentication algorithm unknown");
  });
}

async function openPrivateKey(source: CycloneSource, leaf: Certificate): Promise<void> {
  const { password } = source.configuration;
  await withUri(source, PRIVATE_KEY, async (uri) => {
    if (uri === undefined) throw formatRefusal(PRIVATE_KEY, 200, "Specified PrivateKey has wrong format");
    try {
      await source.context.resolver.signer(uri.uri, password && { passphrase: password.value });
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error;
      // Keys on curves that are not read here: Cyclone DDS looks at their size alone, as in the certificate.
      if (error.code === "KEY_UNSUPPORTED" && leaf.publicKey.curve === undefined) return;
      if (NO_FILE.has(error.code))
        throw refusal(error.code, 117, `load_file_into_BIO: ${noFile(uri)}`, error);
      const what = uri.kind === "file" ? "Failed to parse certificate" : "Failed to parse private key";
      throw parsing(error, 200, what);
    }
  });
}

async function revocationLists(source: CycloneSource): Promise<readonly RevocationList[]> {
  return await withUri(source, CRL, async (uri) => {
    if (uri === undefined) throw formatRefusal(CRL, 200, "Specified CRL has wrong format");
    return await attempt(
      () => openRevocationLists(uri.uri, source.context.resolver),
      (error) => parsing(error, 200, "Failed to read CRL"),
    );
  });
}

const CRL = "org.eclipse.cyclonedds.sec.auth.crl";
const TRUSTED_CAS = "dds.sec.auth.trusted_ca_dir";
const IDENTITY_CA = "dds.sec.auth.identity_ca";
const IDENTITY_CERTIFICATE = "dds.sec.auth.identity_certificate";
const PRIVATE_KEY = "dds.sec.auth.private_key";
