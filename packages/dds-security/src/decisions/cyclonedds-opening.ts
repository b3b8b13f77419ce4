import {
  type Certificate,
  CredentialError,
  type ErrorCode,
  type RevocationList,
  type VerifiedDocument,
  verifyDocument,
} from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import type { SecurityProperty } from "../configuration/properties.ts";
import type { DeploymentContext } from "../credentials/deployment.ts";
import { checkTrusted, openRevocationLists, openTrustedCas, type TrustedCas } from "../credentials/trust.ts";
import { oneLineName } from "../documents/one-line-name.ts";
import { signedFormLimits } from "../documents/signed-form.ts";
import { Access } from "./access.ts";
import { cyclonedds } from "./cyclonedds.ts";
import { defaultGovernance, defaultGrant } from "./cyclonedds-defaults.ts";
import { attempt, noFile, parsing, refusal } from "./cyclonedds-refusals.ts";
import type { OpenedAccess, OpeningContext } from "./opening.ts";
import { faultCode, peerPathFault } from "./peer-path.ts";
import type { PeerRefusal } from "./peer-refusal.ts";
import { revocationFault } from "./peer-revocation.ts";
import { cycloneUri, type PeerUri } from "./peer-uri.ts";

/**
 * Opens a configuration as Cyclone DDS does: what it reads, in its order, with its codes. What ddscred would refuse
 * and Cyclone DDS takes, passes.
 */
export async function openCyclone(
  configuration: Configuration,
  context: OpeningContext,
): Promise<OpenedAccess | Access> {
  const opening = new CycloneOpening(configuration, context);
  const leaf = await opening.identity();
  if (opening.namesNoDocuments)
    return new Access(cyclonedds, defaultGovernance, defaultGrant, { id: context.domain, tag: "" });
  return await opening.documents(leaf);
}

class CycloneOpening {
  readonly #configuration: Configuration;
  readonly #context: DeploymentContext;

  constructor(configuration: Configuration, context: DeploymentContext) {
    this.#configuration = configuration;
    this.#context = context;
  }

  /** validate_local_identity. The key is not compared with the certificate. */
  async identity(): Promise<Certificate> {
    for (const property of [IDENTITY_CERTIFICATE, IDENTITY_CA, PRIVATE_KEY] as const) {
      if (this.#value(property) === "") {
        throw refusal("PROPERTY_MISSING", 200, `validate_local_identity: missing property '${property}'`);
      }
    }
    const trusted = await this.#trustedCas();
    const ca = await this.#identityCertificate(IDENTITY_CA);
    const crl = this.#value(CRL);
    if (trusted !== undefined && trusted.certificates.length > 0) {
      if (crl !== "") throw refusal("PROPERTY_CONFLICT", 200, "Cannot specify both CRL and trusted_ca_list");
      await attempt(
        async () => checkTrusted(ca, trusted),
        (error) => refusal(error.code, 121, "Identity CA is not trusted"),
      );
    }
    const leaf = await this.#identityCertificate(IDENTITY_CERTIFICATE);
    await this.#privateKey(leaf);
    const lists = crl === "" ? undefined : await this.#revocationLists(crl);
    const fault =
      (await peerPathFault({ leaf, store: [ca], ...this.#context })) ??
      (lists && (await revocationFault(leaf, ca, lists, this.#context)));
    if (fault === undefined) return leaf;
    const message = `Certificate not valid: error: ${fault.message}; subject: ${oneLineName(leaf.subject)}`;
    throw refusal(faultCode(fault), 200, message);
  }

  /** Then its defaults hold. */
  get namesNoDocuments(): boolean {
    return ACCESS.every((property) => this.#value(property) === "");
  }

  /** validate_local_permissions. The permissions CA itself is not judged. */
  async documents(leaf: Certificate): Promise<OpenedAccess> {
    if (ACCESS.some((property) => this.#value(property) === "")) {
      const message =
        "Governance, Permissions and Permissions CA properties do not exist properly. Either all must be empty or all must be valid";
      throw refusal("PROPERTY_MISSING", 116, message);
    }
    const ca = await this.#permissionsCa();
    const permissions = await this.#document(PERMISSIONS);
    const governance = await this.#document(GOVERNANCE);
    const verified = { permissions: await this.#verified(permissions, ca) };
    const signed = { ...verified, governance: await this.#verified(governance, ca) };
    return {
      ...signed,
      files: { governance: governance.file, permissions: permissions.file },
      subject: leaf.subject,
    };
  }

  async #identityCertificate(property: SecurityProperty): Promise<Certificate> {
    const value = this.#value(property);
    const uri = cycloneUri(value);
    if (uri === undefined) {
      const expected = 'expecting "file:", "data:," or "pkcs11:" prefix';
      throw refusal("URI_INVALID", 200, `Certificate specification has wrong format (${expected})`);
    }
    const certificate = await this.#certificate(uri, (error) => {
      if (error.code === "FILE_NOT_REGULAR") {
        return refusal(error.code, 200, "load_X509_certificate_from_file: read from failed", error);
      }
      if (!NO_FILE.has(error.code)) return parsing(error, 200, "Failed to parse certificate");
      return refusal(error.code, 117, `load_file_into_BIO: ${noFile(uri)}`, error);
    });
    if (isKnownKey(certificate)) return certificate;
    throw refusal("KEY_UNSUPPORTED", 125, "Certificate authentication algorithm unknown");
  }

  /** Undefined where none is asked for. */
  async #trustedCas(): Promise<TrustedCas | undefined> {
    const path = this.#value(TRUSTED_CAS);
    if (path === "") return undefined;
    return await attempt(
      () => openTrustedCas(path, this.#context.readCaFolder),
      (error) => {
        if (error.code === "CA_NOT_TRUSTED") {
          const said = "Cannot open trusted CA directory: maximum number of CA directories (100) exceeded";
          return refusal(error.code, 152, said);
        }
        return refusal(error.code, 120, "Can not open trusted CA directory");
      },
    );
  }

  async #revocationLists(value: string): Promise<readonly RevocationList[]> {
    const uri = cycloneUri(value);
    if (uri === undefined) throw refusal("URI_INVALID", 200, "Specified CRL has wrong format");
    return await attempt(
      () => openRevocationLists(uri.uri, this.#context.resolver),
      (error) => parsing(error, 200, "Failed to read CRL"),
    );
  }

  async #permissionsCa(): Promise<Certificate> {
    const uri = cycloneUri(this.#value(PERMISSIONS_CA));
    if (uri === undefined) throw refusal("URI_INVALID", 134, "Certificate type is not supported");
    return await this.#certificate(uri, (error) =>
      NO_FILE.has(error.code) || error.code === "FILE_NOT_REGULAR" || error.code === "FILE_EMPTY"
        ? refusal(error.code, 117, noFile(uri), error)
        : parsing(error, 133, "Certificate is invalid"),
    );
  }

  /** The first certificate alone is read. */
  async #certificate(uri: PeerUri, refuse: (error: CredentialError) => PeerRefusal): Promise<Certificate> {
    const certificates = await attempt(() => this.#context.resolver.certificates(uri.uri), refuse);
    const [first] = certificates;
    if (first === undefined) throw refusal("PEM_NOT_FOUND", 200, "Failed to parse certificate");
    return first;
  }

  async #privateKey(leaf: Certificate): Promise<void> {
    const uri = cycloneUri(this.#value(PRIVATE_KEY));
    if (uri === undefined) throw refusal("URI_INVALID", 200, "Specified PrivateKey has wrong format");
    const { password } = this.#configuration;
    try {
      await this.#context.resolver.signer(uri.uri, password && { passphrase: password.value });
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error;
      // Keys on curves that are not read here: Cyclone DDS looks at their size alone, as in the certificate.
      if (error.code === "KEY_UNSUPPORTED" && leaf.publicKey.curve === undefined) return;
      if (NO_FILE.has(error.code))
        throw refusal(error.code, 117, `load_file_into_BIO: ${noFile(uri)}`, error);
      const what = uri.kind === "file" ? "Failed to parse certificate" : "Failed to parse private key";
      throw parsing(error, 200, what);
    }
  }

  async #document(property: SecurityProperty): Promise<{ bytes: Uint8Array; file: string }> {
    const uri = cycloneUri(this.#value(property));
    if (uri === undefined || uri.kind === "pkcs11") {
      throw refusal("URI_SCHEME_REFUSED", 150, "Unsupported URI type");
    }
    // Paths of documents are edited before they are opened.
    const path = uri.path?.replaceAll("\\", "/").replaceAll('"', "");
    const real = path === undefined ? uri : cycloneUri(`file:${path}`);
    const bytes = await attempt(
      () => this.#context.resolver.document(real?.uri ?? uri.uri),
      (error) => refusal(error.code, 117, noFile(uri), error),
    );
    return { bytes, file: path ?? "data:" };
  }

  /** Cyclone DDS also takes SHA-1; no document counts as verified by that here, so that it is refused. */
  async #verified({ bytes }: { bytes: Uint8Array }, ca: Certificate): Promise<VerifiedDocument> {
    const { crypto } = this.#context;
    const what = "Failed to parse PKCS7 SMIME document";
    const signed = await attempt(
      () => verifyDocument(bytes, { ca, crypto }),
      (error) => parsing(error, 127, what),
    );
    const limit = signedFormLimits(signed).find(({ readers }) => readers.includes("cyclonedds"));
    if (limit === undefined) return signed;
    throw refusal("DOCUMENT_FORM_REFUSED", 127, `${what}: ${limit.message}`);
  }

  #value(property: SecurityProperty): string {
    return this.#configuration.properties.get(property)?.value ?? "";
  }
}

/** RSA of exactly 2048 bits, or EC of exactly 256 on whatever curve. */
function isKnownKey({ publicKey: { keyType, bits } }: Certificate): boolean {
  return (keyType === "rsa" && bits === 2048) || (keyType === "ec" && bits === 256);
}

const NO_FILE = new Set<ErrorCode>(["FILE_NOT_FOUND", "FILE_NOT_READABLE", "URI_INVALID"]);
const CRL = "org.eclipse.cyclonedds.sec.auth.crl";
const TRUSTED_CAS = "dds.sec.auth.trusted_ca_dir";
const IDENTITY_CA = "dds.sec.auth.identity_ca";
const IDENTITY_CERTIFICATE = "dds.sec.auth.identity_certificate";
const PRIVATE_KEY = "dds.sec.auth.private_key";
const PERMISSIONS_CA = "dds.sec.access.permissions_ca";
const GOVERNANCE = "dds.sec.access.governance";
const PERMISSIONS = "dds.sec.access.permissions";
const ACCESS = [PERMISSIONS_CA, GOVERNANCE, PERMISSIONS] as const;
