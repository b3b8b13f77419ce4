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
  /** Makes a key pair that never leaves its place, under the label and id of the URI. */
  generateKeyPair(uri: string, options: GenerateKeyPairOptions): Promise<Signer>;
}

export interface GenerateKeyPairOptions extends CallOptions {
  readonly keyType: "rsa-2048" | "rsa-3072" | "rsa-4096" | "ec-p256" | "ec-p384";
}

/** Storing and removing. */
export interface CredentialWriter {
  /** Stores a certificate (DER) under the URI, beside the key it belongs to. */
  importCertificate(uri: string, certificate: Uint8Array, options?: CallOptions): Promise<void>;
  /** Removes the one object that the URI names. */
  remove(uri: string, options?: CallOptions): Promise<void>;
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
