import type { HashName, SignatureScheme } from "../schemes.ts";

/** Checks signatures. Cryptographic failure says nothing finer than false. */
export interface Verifier {
  /**
   * Whether the signature over the message was made with the private half of the key.
   * A key, or a signature, of the wrong form is false too; a scheme that the provider lacks is `UNSUPPORTED`.
   *
   * @param publicKey DER of SubjectPublicKeyInfo
   * @param signature in the form of the scheme (ECDSA as strict DER)
   */
  verify(
    publicKey: Uint8Array,
    scheme: SignatureScheme,
    message: Uint8Array,
    signature: Uint8Array,
  ): Promise<boolean>;
}

/** All the cryptography that ddscred needs of its host, apart from private keys. */
export interface CryptoProvider extends Verifier {
  /** For messages: `webcrypto`, `node`. */
  readonly name: string;
  /** Whether `verify` recovers a salt length of RSASSA-PSS that the scheme does not name; if not, its usual and the longest are tried. */
  readonly anyPssSalt: boolean;

  /**
   * Whether a signature with SHA-1 (PKCS#1 v1.5 or ECDSA, by the key) is valid. For predicting what implementations
   * accept that still take it; nothing that ddscred trusts is verified so. Optional.
   */
  verifySha1?(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
  digest(hash: HashName, data: Uint8Array): Promise<Uint8Array>;
  /** Unpredictable bytes; at most 65,536 at once. */
  randomBytes(length: number): Uint8Array;
  /** A fresh key pair for one key agreement (DDS-Security 1.1 9.3.2.3). `UNSUPPORTED` where the host lacks the group. */
  generateEphemeralKey(group: KeyAgreementGroup): Promise<EphemeralKey>;
}

/** ECDH on P-256, or Diffie-Hellman in the group of RFC 5114 2.3. */
export type KeyAgreementGroup = "P-256" | "MODP-2048-256";

export interface EphemeralKey {
  readonly group: KeyAgreementGroup;
  /** P-256: the uncompressed point, 65 bytes. MODP: the number, big-endian, 256 bytes. */
  readonly publicKey: Uint8Array;
  /**
   * The shared secret: P-256 the x-coordinate (32 bytes), MODP the number padded to 256 bytes.
   * A peer's public key that is not an element of the group is `KEY_INVALID`.
   */
  agree(peerPublicKey: Uint8Array): Promise<Uint8Array>;
}
