import { CredentialError } from "../errors/credential-error.ts";

/** The part of WebCrypto that core uses, in types of its own: core knows no DOM and no Node.js types. */
export interface HostCrypto {
  readonly subtle: HostSubtleCrypto;
  getRandomValues(into: Uint8Array): Uint8Array;
}

export interface HostCryptoKey {
  readonly algorithm: { readonly name: string; readonly modulusLength?: number };
}

export interface HostSubtleCrypto {
  importKey(
    format: "spki" | "raw",
    data: Uint8Array,
    algorithm: object,
    extractable: boolean,
    usages: readonly string[],
  ): Promise<HostCryptoKey>;
  exportKey(format: "raw", key: HostCryptoKey): Promise<ArrayBuffer>;
  verify(algorithm: object, key: HostCryptoKey, signature: Uint8Array, data: Uint8Array): Promise<boolean>;
  digest(algorithm: string, data: Uint8Array): Promise<ArrayBuffer>;
  generateKey(
    algorithm: object,
    extractable: boolean,
    usages: readonly string[],
  ): Promise<{ publicKey: HostCryptoKey; privateKey: HostCryptoKey }>;
  deriveBits(algorithm: object, key: HostCryptoKey, length: number): Promise<ArrayBuffer>;
}

/** The host's WebCrypto, or `UNSUPPORTED`. */
export function hostCrypto(): HostCrypto {
  const { crypto } = globalThis as { crypto?: Partial<HostCrypto> };
  if (crypto?.subtle === undefined) {
    throw new CredentialError("UNSUPPORTED", "this host has no WebCrypto (crypto.subtle)", {
      hint: "Serve the page over HTTPS, or pass a CryptoProvider of your own.",
    });
  }
  return crypto as HostCrypto;
}
