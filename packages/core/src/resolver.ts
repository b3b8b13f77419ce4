import { webCrypto } from "./crypto/web.ts";
import { sameBytes } from "./der/values.ts";
import { CredentialError } from "./errors/credential-error.ts";
import type { CallOptions, CredentialSource, Signer, SignerOptions } from "./ports/credential-source.ts";
import type { CryptoProvider } from "./ports/crypto-provider.ts";
import {
  type CredentialDescription,
  isCredentialDirectory,
  isDocumentSource,
  isRevocationSource,
} from "./ports/optional.ts";
import { uriScheme } from "./uri/scheme.ts";
import type { Certificate } from "./x509/certificate.ts";

/** What {@link Resolver.credential} opens. */
export interface CredentialUris {
  /** Names the certificate, perhaps with its chain. */
  readonly certificate: string;
  /** Names the private key. */
  readonly privateKey: string;
}

export interface CredentialOptions extends SignerOptions {
  /** Also make a signature with the key and verify it with the certificate. Default false. */
  readonly proofOfPossession?: boolean;
}

/** A certificate and the private key that belongs to it. */
export interface Credential {
  readonly certificate: Certificate;
  /** All certificates that the URI named, the end entity's first. */
  readonly chain: readonly Certificate[];
  readonly signer: Signer;
}

/**
 * One door to several sources: each call goes to the source that answers the URI's scheme.
 * `URI_SCHEME_UNKNOWN` where none does, `UNSUPPORTED` where the one that does lacks the operation;
 * otherwise the source's own errors.
 */
export interface Resolver {
  /** URI schemes that can be answered, in the order of the sources. */
  readonly schemes: readonly string[];
  certificates(uri: string, options?: CallOptions): Promise<readonly Certificate[]>;
  signer(uri: string, options?: SignerOptions): Promise<Signer>;
  document(uri: string, options?: CallOptions): Promise<Uint8Array>;
  revocationLists(uri: string, options?: CallOptions): Promise<readonly Uint8Array[]>;
  list(uri: string, options?: CallOptions): AsyncIterable<CredentialDescription>;
  /** Opens both and matches them by public key. `KEY_MISMATCH` where they do not belong together. */
  credential(uris: CredentialUris, options?: CredentialOptions): Promise<Credential>;
  /** Closes every source; the first failure is thrown after all were tried. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * @param sources in order; the first that answers a scheme wins
 * @param options `crypto` verifies the proof of possession. Default: the host's WebCrypto.
 */
export function createResolver(
  sources: readonly CredentialSource[],
  options: { crypto?: CryptoProvider } = {},
): Resolver {
  const schemes = [...new Set(sources.flatMap((source) => source.schemes))];
  const crypto = options.crypto ?? webCrypto();

  const sourceFor = (uri: string): CredentialSource => {
    if (typeof uri !== "string") throw new TypeError("a URI is a string");
    const scheme = uriScheme(uri);
    const source = sources.find((candidate) => scheme !== undefined && candidate.schemes.includes(scheme));
    if (source !== undefined) return source;
    const known = schemes.map((name) => `${name}:`).join(", ");
    throw new CredentialError(
      "URI_SCHEME_UNKNOWN",
      scheme === undefined
        ? `the value has no URI scheme; known are ${known}`
        : `no backend answers ${scheme}:; known are ${known}`,
      scheme === undefined ? { uri, hint: "Write file: before a path." } : { uri },
    );
  };

  const resolver: Resolver = {
    schemes,
    certificates: async (uri, options) => await sourceFor(uri).certificates(uri, options),
    signer: async (uri, options) => await sourceFor(uri).signer(uri, options),
    async document(uri, options) {
      const source = sourceFor(uri);
      if (isDocumentSource(source)) return await source.document(uri, options);
      throw unsupported(source, uri, "signed documents");
    },
    async revocationLists(uri, options) {
      const source = sourceFor(uri);
      if (isRevocationSource(source)) return await source.revocationLists(uri, options);
      throw unsupported(source, uri, "revocation lists");
    },
    async *list(uri, options) {
      const source = sourceFor(uri);
      if (!isCredentialDirectory(source)) throw unsupported(source, uri, "listing");
      yield* source.list(uri, options);
    },
    async credential(uris, options = {}) {
      const chain = await resolver.certificates(uris.certificate, options);
      const [certificate] = chain;
      if (certificate === undefined)
        throw new CredentialError("OBJECT_NOT_FOUND", "no certificate", { uri: uris.certificate });
      const publicKey = certificate.publicKey.spki;
      const signer = await resolver.signer(uris.privateKey, { publicKey, ...options });
      matchKey(certificate, signer, uris.privateKey);
      if (options.proofOfPossession === true)
        await provePossession(certificate, signer, crypto, uris.privateKey, options);
      return { certificate, chain, signer };
    },
    async close() {
      const results = await Promise.allSettled(sources.map((source) => source.close()));
      for (const result of results) if (result.status === "rejected") throw result.reason;
    },
    [Symbol.asyncDispose]: () => resolver.close(),
  };
  return resolver;
}

/** `KEY_MISMATCH` unless the signer's public key is the certificate's. */
export function matchKey(certificate: Certificate, signer: Signer, keyUri: string): void {
  if (sameBytes(certificate.publicKey.spki, signer.publicKey)) return;
  throw new CredentialError(
    "KEY_MISMATCH",
    "the private key does not belong to the certificate: their public keys differ",
    {
      uri: keyUri,
    },
  );
}

/**
 * Signs a fresh challenge and verifies it with the certificate's public key: the key is there, may be used,
 * and is the one it claims to be. `KEY_MISMATCH` or the source's error.
 */
export async function provePossession(
  certificate: Certificate,
  signer: Signer,
  crypto: CryptoProvider,
  keyUri: string,
  options: CallOptions = {},
): Promise<void> {
  const [scheme] = signer.schemes;
  if (scheme === undefined) {
    throw new CredentialError(
      "MECHANISM_UNSUPPORTED",
      `a key of this kind (${certificate.publicKey.label}) makes no signature of DDS Security`,
      {
        uri: keyUri,
      },
    );
  }
  const challenge = crypto.randomBytes(32);
  const signature = await signer.sign(scheme, challenge, options);
  if (await crypto.verify(certificate.publicKey.spki, scheme, challenge, signature)) return;
  throw new CredentialError(
    "KEY_MISMATCH",
    "a signature made by the private key does not verify with the certificate",
    {
      uri: keyUri,
    },
  );
}

function unsupported(source: CredentialSource, uri: string, what: string): CredentialError {
  return new CredentialError("UNSUPPORTED", `the ${source.name} backend has no ${what}`, { uri });
}
