import type { CallOptions, CredentialSource, Signer } from "./credential-source.ts";

/**
 * What a source may offer besides. Each is a separate interface, found by the presence of its method:
 * `"document" in source`, or the guards at the end of this file. A source that cannot do it has no such
 * method; it never has one that always fails.
 */

/** Signed documents: Governance and Permissions. file: and data: only. */
export interface DocumentSource {
  /** The document's bytes, untouched; at most 16 MiB. */
  document(uri: string, options?: CallOptions): Promise<Uint8Array>;
}

/** Certificate revocation lists. */
export interface RevocationSource {
  /** All CRLs that the URI names, each the DER of a CertificateList (RFC 5280 5.1); never an empty list. */
  revocationLists(uri: string, options?: CallOptions): Promise<readonly Uint8Array[]>;
}

/** Looking around. */
export interface CredentialDirectory {
  /** All that the URI matches; nothing matching is an empty iteration. An empty URI path matches all. */
  list(uri: string, options?: CallOptions): AsyncIterable<CredentialDescription>;
}

/** One object that a directory knows. */
export interface CredentialDescription {
  /** Canonical, names exactly this object, and holds no PIN. */
  readonly uri: string;
  readonly kind: "certificate" | "private-key" | "public-key" | "secret-key" | "data" | "token";
  /** A label to show; may be empty. */
  readonly label: string;
  /** Further facts in the order to show them: key type and size, subject, expiry. */
  readonly details: Readonly<Record<string, string>>;
}

/** Making keys where they will stay. */
export interface KeyGenerator {
  /**
   * Makes a key pair whose private half never leaves its place, under the label and id of the URI. A label or
   * an id is needed (`OBJECT_UNNAMED`); an id that the URI does not give is made up. A signature by the new key
   * was made and verified when this returns; where anything fails, nothing is left behind.
   *
   * `OBJECT_EXISTS` where a key of that label or id is there, `TOKEN_READ_ONLY`, `KEY_UNSUPPORTED` where the
   * place cannot make such a key, and what opening a key may throw. After `ABORTED`, no key is left either.
   */
  generateKeyPair(uri: string, options: GenerateKeyPairOptions): Promise<StoredKeyPair>;
}

export interface GenerateKeyPairOptions extends CallOptions {
  /** RSA with the public exponent 65537. */
  readonly keyType: NewKeyType;
}

export type NewKeyType = "rsa-2048" | "rsa-3072" | "rsa-4096" | "ec-p256" | "ec-p384";

/** A key pair that was just stored, ready to sign. */
export interface StoredKeyPair extends Signer {
  /** Canonical, names exactly the private key, and holds no PIN. */
  readonly uri: string;
  /** The same of the public key, where that is an object of its own. */
  readonly publicKeyUri?: string;
  /** What the place itself says of the private key; absent where it does not say. */
  readonly protection: KeyProtection;
}

export interface KeyProtection {
  /** It cannot be read out in plain (CKA_SENSITIVE). */
  readonly sensitive?: boolean;
  /** Since it exists, it could never be read out, not even wrapped by another key (CKA_NEVER_EXTRACTABLE). */
  readonly neverExtractable?: boolean;
  /** It was made where it is (CKA_LOCAL). */
  readonly local?: boolean;
}

/**
 * Taking in keys that were made elsewhere. A risk: whoever had the file, or a copy, a backup or a disk block
 * of it, has the key, whatever the token does with it from now on. It is an interface of its own so that
 * nobody imports a key by mistake.
 */
export interface KeyImporter {
  /**
   * Stores a private key, and its public half, as {@link KeyGenerator.generateKeyPair} does with one that it
   * made, and with the same errors; `KEY_INVALID`, `KEY_UNSUPPORTED` for other keys than RSA of 2048 to 4096
   * bits and EC on P-256 or P-384.
   *
   * @param privateKey DER of PKCS#8 PrivateKeyInfo, not encrypted (RFC 5208)
   */
  importPrivateKey(uri: string, privateKey: Uint8Array, options?: CallOptions): Promise<StoredKeyPair>;
}

/** Storing and removing. */
export interface CredentialWriter {
  /**
   * Stores a certificate (DER) under the URI, beside the private key it belongs to: that key is found by its
   * public half, and its id becomes the certificate's. A CA's certificate needs no key there.
   *
   * `KEY_MISMATCH` where the key is not there (see {@link ImportCertificateOptions.withoutKey}) or the URI has
   * another id, `OBJECT_EXISTS` where the certificate, or one of the same label, is there,
   * `OBJECT_UNNAMED`, `TOKEN_READ_ONLY`, `CERTIFICATE_INVALID`, `DER_INVALID`.
   */
  importCertificate(
    uri: string,
    certificate: Uint8Array,
    options?: ImportCertificateOptions,
  ): Promise<ImportedCertificate>;
  /**
   * Removes the one object that the URI names, and no other; a private key only where the URI says
   * `type=private` (`REMOVAL_REFUSED`). `OBJECT_NOT_FOUND`, `OBJECT_AMBIGUOUS`, `TOKEN_READ_ONLY`.
   */
  remove(uri: string, options?: CallOptions): Promise<void>;
}

export interface ImportCertificateOptions extends CallOptions {
  /** Stores the certificate of an end entity also where its private key is not. Default false. */
  readonly withoutKey?: boolean;
}

/** A certificate that was just stored. */
export interface ImportedCertificate {
  /** Canonical, and names exactly this certificate. */
  readonly uri: string;
  /** The same of the private key that it belongs to, where that is there. */
  readonly privateKeyUri?: string;
}

/** Self-examination, for `ddscred doctor`. */
export interface HealthReport {
  diagnose(options?: CallOptions): Promise<readonly HealthFinding[]>;
}

export interface HealthFinding {
  readonly severity: "error" | "warning" | "info";
  readonly message: string;
  readonly hint?: string;
}

export const isDocumentSource = (source: CredentialSource): source is CredentialSource & DocumentSource =>
  "document" in source;
export const isRevocationSource = (source: CredentialSource): source is CredentialSource & RevocationSource =>
  "revocationLists" in source;
export const isCredentialDirectory = (
  source: CredentialSource,
): source is CredentialSource & CredentialDirectory => "list" in source;
export const isKeyGenerator = (source: CredentialSource): source is CredentialSource & KeyGenerator =>
  "generateKeyPair" in source;
export const isKeyImporter = (source: CredentialSource): source is CredentialSource & KeyImporter =>
  "importPrivateKey" in source;
export const isCredentialWriter = (source: CredentialSource): source is CredentialSource & CredentialWriter =>
  "importCertificate" in source;
