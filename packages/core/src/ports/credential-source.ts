import type { AbortSignalLike } from "../host.ts";
import type { SignatureScheme } from "../schemes.ts";
import type { Secret } from "../secret.ts";
import type { Certificate } from "../x509/certificate.ts";

/** Options of every call that may wait for a device or a disk. */
export interface CallOptions {
  /** Ends the call early with `ABORTED`. */
  readonly signal?: AbortSignalLike;
}

/** Options of opening a private key. */
export interface SignerOptions extends CallOptions {
  /** Opens an encrypted key file. Sources whose keys have a PIN of their own ignore it. */
  readonly passphrase?: Secret;
  /**
   * The public half that the key is expected to have: DER of SubjectPublicKeyInfo. A source that cannot read it where
   * the key is takes this one, and the first signature proves it. It never replaces one that can be read.
   */
  readonly publicKey?: Uint8Array;
}

/**
 * Where credentials live. One instance answers the URI schemes that it names; a resolver picks it by scheme,
 * so a source never sees another scheme's URI through a resolver. Every method may be called at any time,
 * also while another call is under way; nothing is opened before the first call.
 *
 * A URI that matches nothing is an error here, never an empty result: `OBJECT_NOT_FOUND`, `TOKEN_NOT_FOUND`,
 * `FILE_NOT_FOUND` or a kin of them. Several matches where one is wanted are `OBJECT_AMBIGUOUS` (or
 * `TOKEN_AMBIGUOUS`) with every candidate as a full URI, up to fifty. A text that is no URI of the scheme is `URI_INVALID`.
 * After `close()`, every call fails with `CLOSED`. Nothing but a CredentialError is thrown, except a
 * TypeError for arguments of a wrong type.
 */
export interface CredentialSource {
  /** Short and lower case, for messages: `file`, `pkcs11`. */
  readonly name: string;
  /** URI schemes that it answers, lower case and without the colon. */
  readonly schemes: readonly string[];

  /** All certificates that the URI names, the end entity's first; never an empty list. */
  certificates(uri: string, options?: CallOptions): Promise<readonly Certificate[]>;

  /** The private key that the URI names. Exactly one, or an error. */
  signer(uri: string, options?: SignerOptions): Promise<Signer>;

  /** Releases all that is open, after the calls under way have ended. May be called again. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A private key that can sign, wherever it is. It lives until its source is closed. */
export interface Signer {
  /** The public half: DER of SubjectPublicKeyInfo (RFC 5280 4.1). */
  readonly publicKey: Uint8Array;
  /** What it can do; the scheme that DDS uses first. */
  readonly schemes: readonly SignatureScheme[];
  /** Whether the private half can leave its place; undefined where the place does not say. */
  readonly extractable: boolean | undefined;

  /**
   * Signs the message itself (never a digest of it). The signature has the form that the scheme defines.
   * `MECHANISM_UNSUPPORTED` where the scheme is not one of `schemes`.
   */
  sign(scheme: SignatureScheme, message: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
}
