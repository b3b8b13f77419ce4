import {
  type Certificate,
  CredentialError,
  namesEqual,
  type RevocationList,
  sameBytes,
  type VerifiedDocument,
} from "@ddscred/core";
import type { Configuration } from "../configuration/model.ts";
import type { SecurityProperty } from "../configuration/properties.ts";
import { onProperty } from "../credentials/attempt.ts";
import type { DeploymentContext } from "../credentials/deployment.ts";
import { openRevocationLists } from "../credentials/trust.ts";
import { oneLineName } from "../documents/one-line-name.ts";
import { attempt, shown, uriRefusal } from "./fastdds-refusals.ts";
import { verifySigned } from "./fastdds-signature.ts";
import type { OpenedAccess } from "./opening.ts";
import { caKind, faultCode, type PathFault, peerPathFault } from "./peer-path.ts";
import { PeerRefusal } from "./peer-refusal.ts";
import { revocationFault } from "./peer-revocation.ts";
import { fastUri, type PeerUri } from "./peer-uri.ts";

/**
 * Opens a configuration as Fast DDS does: what it reads, in its order. It often refuses without a word; then the
 * message is ours.
 */
export async function openFast(
  configuration: Configuration,
  context: DeploymentContext,
): Promise<OpenedAccess> {
  const opening = new FastOpening(configuration, context);
  const leaf = await opening.identity();
  return await opening.documents(leaf);
}

class FastOpening {
  readonly #configuration: Configuration;
  readonly #context: DeploymentContext;

  constructor(configuration: Configuration, context: DeploymentContext) {
    this.#configuration = configuration;
    this.#context = context;
  }

  async identity(): Promise<Certificate> {
    const store = await this.#ca("dds.sec.auth.identity_ca");
    const leaf = await this.#on(IDENTITY_CERTIFICATE, () => this.#identityCertificate(store));
    await this.#on(PRIVATE_KEY, () => this.#privateKey(leaf));
    return leaf;
  }

  async #identityCertificate(store: readonly Certificate[]): Promise<Certificate> {
    const uri = this.#uri(IDENTITY_CERTIFICATE);
    const [leaf] = await this.#certificates(uri);
    if (leaf === undefined) throw new PeerRefusal("PEM_NOT_FOUND", `cannot read ${shown(uri)}`);
    const lists = await this.#revocationLists();
    const [ca = leaf] = store.filter(({ subject }) => namesEqual(subject, leaf.issuer));
    const fault =
      (await peerPathFault({ leaf, store, ...this.#context })) ??
      (lists && (await revocationFault(leaf, ca, lists, this.#context)));
    if (fault !== undefined) {
      throw new PeerRefusal(faultCode(fault), `the identity certificate is not accepted: ${fault.message}`);
    }
    if (!KNOWN_SIGNATURES.has(leaf.signatureAlgorithm.oid)) {
      const message = "the identity certificate is not accepted: it is not signed with SHA-256";
      throw new PeerRefusal("ALGORITHM_REFUSED", message);
    }
    return leaf;
  }

  async documents(leaf: Certificate): Promise<OpenedAccess> {
    const store = await this.#ca("dds.sec.access.permissions_ca");
    const governance = await this.#document("dds.sec.access.governance", store);
    const permissions = await this.#document("dds.sec.access.permissions", store);
    return {
      governance: governance.signed,
      permissions: permissions.signed,
      files: { governance: governance.file, permissions: permissions.file },
      subject: leaf.subject,
    };
  }

  #ca(property: SecurityProperty): Promise<readonly Certificate[]> {
    return this.#on(property, () => this.#store(property));
  }

  /** All certificates of the file, from the first on whose signature it knows; the first one of all is verified. */
  async #store(property: SecurityProperty): Promise<readonly Certificate[]> {
    const all = await this.#certificates(this.#uri(property));
    const from = all.findIndex(({ signatureAlgorithm: { oid } }) => KNOWN_SIGNATURES.has(oid));
    const [first] = all;
    if (first === undefined || from < 0) {
      throw new PeerRefusal("ALGORITHM_REFUSED", "the CA is not accepted: it is not signed with SHA-256");
    }
    const store = all.slice(from);
    const fault = (await peerPathFault({ leaf: first, store, ...this.#context })) ?? strictFault(first);
    if (fault === undefined) return store;
    const name = oneLineName(first.subject);
    const message = `Error '${fault.number}' verifying CA certificate for ${name}: ${fault.message}`;
    throw new PeerRefusal(faultCode(fault), message);
  }

  /** Undefined where none are named. */
  async #revocationLists(): Promise<readonly RevocationList[] | undefined> {
    if ((this.#configuration.properties.get(CRL)?.value ?? "") === "") return undefined;
    return await this.#on(CRL, async () => {
      const uri = this.#uri(CRL);
      return await attempt(
        () => openRevocationLists(uri.uri, this.#context.resolver),
        `OpenSSL library cannot read file ${shown(uri)}`,
      );
    });
  }

  async #certificates(uri: PeerUri): Promise<readonly Certificate[]> {
    return await attempt(
      () => this.#context.resolver.certificates(uri.uri),
      `OpenSSL library cannot read file ${shown(uri)}`,
    );
  }

  async #privateKey(leaf: Certificate): Promise<void> {
    const uri = this.#uri(PRIVATE_KEY, ["file", "pkcs11"]);
    const { password } = this.#configuration;
    try {
      const key = await this.#context.resolver.signer(uri.uri, password && { passphrase: password.value });
      if (sameBytes(key.publicKey, leaf.publicKey.spki)) return;
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error;
      // Keys of kinds that are not read here: Fast DDS takes any that fits the certificate.
      if (error.code === "KEY_UNSUPPORTED") return;
      const { code, message, hint } = error;
      throw new PeerRefusal(code, `Error obtaining private key ${shown(uri)}: ${message}`, { hint });
    }
    throw new PeerRefusal("KEY_MISMATCH", `Error verifying private key ${shown(uri)}`);
  }

  async #document(
    property: SecurityProperty,
    store: readonly Certificate[],
  ): Promise<{ signed: VerifiedDocument; file: string }> {
    return await this.#on(property, async () => {
      const uri = this.#uri(property);
      const bytes = await attempt(
        () => this.#context.resolver.document(uri.uri),
        `Cannot read file file://${shown(uri)}`,
      );
      return { signed: await verifySigned(bytes, store, this.#context.crypto), file: shown(uri) };
    });
  }

  #on<T>(property: SecurityProperty, work: () => Promise<T>): Promise<T> {
    return onProperty(this.#configuration, property, work);
  }

  #uri(property: SecurityProperty, kinds: readonly PeerUri["kind"][] = ["file"]): PeerUri {
    const ofFastdds = this.#configuration.form === "fastdds";
    const given = this.#configuration.properties.get(property);
    // A profile's own words are read as Fast DDS does; its values were made URIs that everyone reads.
    const value = (ofFastdds ? given?.written : given?.value) ?? "";
    if (value === "") throw new PeerRefusal("PROPERTY_MISSING", `Not found ${property} property`);
    const uri = fastUri(value, ofFastdds);
    if (uri !== undefined && kinds.includes(uri.kind)) return uri;
    throw uriRefusal(this.#configuration, property, value);
  }
}

/** A file of CAs must begin with one that is a CA by its constraints, or with none at all. */
function strictFault(certificate: Certificate): PathFault | undefined {
  return caKind(certificate) > 1 ? { number: 79, message: "invalid CA certificate" } : undefined;
}

const IDENTITY_CERTIFICATE = "dds.sec.auth.identity_certificate";
const PRIVATE_KEY = "dds.sec.auth.private_key";
const CRL = "org.eclipse.cyclonedds.sec.auth.crl";
/** ecdsa-with-SHA256, sha256WithRSAEncryption, sha1WithRSAEncryption. */
const KNOWN_SIGNATURES = new Set(["1.2.840.10045.4.3.2", "1.2.840.113549.1.1.11", "1.2.840.113549.1.1.5"]);
