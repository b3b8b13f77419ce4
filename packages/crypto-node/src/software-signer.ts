import {
  constants,
  createPublicKey,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
  verify,
} from "node:crypto";
import { type CallOptions, CredentialError, Secret, type SignatureScheme, type Signer } from "@ddscred/core";
import { privateKeyBlock } from "./software-signer-block.ts";
import { openPrivateKey } from "./software-signer-open.ts";
import { schemesOf } from "./software-signer-schemes.ts";

/** What {@link softwareSigner} takes besides the key. */
export interface SoftwareSignerOptions {
  /** Opens an encrypted key; ignored where the key is not encrypted. */
  readonly passphrase?: Secret;
  /** Where the key came from, for errors. */
  readonly uri?: string;
  /** The file it was read from, for the `location` of errors. */
  readonly file?: string;
}

/**
 * A signer on a private key that is held in this process. It never asks for anything on a terminal.
 *
 * @param key PEM text, or bytes of PEM or DER: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017 A.1.2), SEC1 (RFC 5915),
 *   encrypted as PKCS#8 or in the traditional way of PEM (`Proc-Type: 4,ENCRYPTED`). Of several PEM blocks the
 *   first private key is taken.
 * @throws CredentialError `PEM_NOT_FOUND` (no private key in the PEM), `PEM_INVALID`, `KEY_INVALID`,
 *   `KEY_UNSUPPORTED` (no RSA, EC or Ed25519 key; a cipher or a cost of the encryption that is not done here),
 *   `PASSPHRASE_REQUIRED`, `PASSPHRASE_INCORRECT`
 *
 * A key for which there is no signature scheme opens with empty `schemes`: EC on another curve such as secp256k1,
 * with explicit parameters or a compressed point, and RSA that is bound to PSS.
 */
export function softwareSigner(key: Uint8Array | string, options: SoftwareSignerOptions = {}): Signer {
  const { privateKey, spki, schemes } = openKey(key, options);
  return new SoftwareSigner(privateKey, spki, schemes, options.uri);
}

/**
 * The private key itself, to be stored elsewhere: DER of PKCS#8, not encrypted. For the key and the errors see
 * {@link softwareSigner}.
 */
export function exportPrivateKey(key: Uint8Array | string, options: SoftwareSignerOptions = {}): Uint8Array {
  const { privateKey } = openKey(key, options);
  return new Uint8Array(privateKey.export({ format: "der", type: "pkcs8" }));
}

/** Opens a key, whose halves fit. */
function openKey(
  key: Uint8Array | string,
  options: SoftwareSignerOptions,
): { privateKey: KeyObject; spki: Uint8Array; schemes: readonly SignatureScheme[] } {
  if (typeof key !== "string" && !(key instanceof Uint8Array)) {
    throw new TypeError("a key is PEM text, or bytes of PEM or DER");
  }
  const { passphrase, uri, file } = options;
  if (passphrase !== undefined && !(passphrase instanceof Secret)) {
    throw new TypeError("a passphrase is a Secret: new Secret(text)");
  }
  const place = { ...(uri === undefined ? {} : { uri }), ...(file === undefined ? {} : { file }) };
  const block = privateKeyBlock(key, place);
  const privateKey = openPrivateKey(block, passphrase);
  const publicKey = createPublicKey(privateKey);
  const spki = new Uint8Array(publicKey.export({ format: "der", type: "spki" }));
  const schemes = schemesOf(spki, block.fail);
  if (!halvesFit(privateKey, publicKey, schemes[0])) {
    throw block.fail("KEY_INVALID", "the public half inside the private key belongs to another key");
  }
  return { privateKey, spki, schemes };
}

class SoftwareSigner implements Signer {
  readonly publicKey: Uint8Array;
  readonly schemes: readonly SignatureScheme[];
  readonly extractable = true;
  readonly #key: KeyObject;
  readonly #place: { uri?: string };

  constructor(
    key: KeyObject,
    publicKey: Uint8Array,
    schemes: readonly SignatureScheme[],
    uri: string | undefined,
  ) {
    this.#key = key;
    this.publicKey = publicKey;
    this.schemes = schemes;
    this.#place = uri === undefined ? {} : { uri };
  }

  async sign(scheme: SignatureScheme, message: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    if (!(message instanceof Uint8Array)) throw new TypeError("a message is a Uint8Array");
    if (typeof scheme?.name !== "string") throw new TypeError("a scheme is a row of signatureSchemes");
    const row = this.schemes.find(({ name }) => name === scheme.name);
    if (row === undefined) {
      throw new CredentialError(
        "MECHANISM_UNSUPPORTED",
        `the key cannot sign with ${scheme.name}`,
        this.#place,
      );
    }
    this.#throwIfAborted(options);
    const signature = this.#isQuick(row)
      ? this.#signHere(row, message)
      : await this.#signInBackground(row, message);
    this.#throwIfAborted(options);
    return signature;
  }

  /** Whether a signature takes less time than a change of threads costs on a busy machine: up to half a millisecond. */
  #isQuick({ keyType, curve }: SignatureScheme): boolean {
    if (keyType === "rsa") return (this.#key.asymmetricKeyDetails?.modulusLength ?? Infinity) <= 2048;
    return curve === "P-256" || keyType === "ed25519";
  }

  #signHere(scheme: SignatureScheme, message: Uint8Array): Uint8Array {
    try {
      return new Uint8Array(sign(hashOf(scheme), message, parameters(scheme, this.#key)));
    } catch (cause) {
      throw this.#cannotSign(scheme, cause);
    }
  }

  /** node:crypto copies the message before it returns, and signs on its thread pool. */
  #signInBackground(scheme: SignatureScheme, message: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      sign(hashOf(scheme), message, parameters(scheme, this.#key), (cause, signature) => {
        if (cause === null) resolve(new Uint8Array(signature));
        else reject(this.#cannotSign(scheme, cause));
      });
    });
  }

  #cannotSign(scheme: SignatureScheme, cause: unknown): CredentialError {
    const text = `node:crypto cannot sign with ${scheme.name} and this key`;
    return new CredentialError("MECHANISM_UNSUPPORTED", text, { ...this.#place, cause });
  }

  #throwIfAborted({ signal }: CallOptions): void {
    if (signal?.aborted === true) {
      throw new CredentialError("ABORTED", "signing was aborted by the caller", this.#place);
    }
  }
}

/** The public half is data of its own in SEC1 and PKCS#1, and OpenSSL takes it unseen. */
function halvesFit(
  privateKey: KeyObject,
  publicKey: KeyObject,
  scheme: SignatureScheme | undefined,
): boolean {
  if (scheme === undefined) return true;
  const probe = new Uint8Array(32);
  try {
    const signature = sign(hashOf(scheme), probe, parameters(scheme, privateKey));
    return verify(hashOf(scheme), probe, parameters(scheme, publicKey), signature);
  } catch {
    return false;
  }
}

function hashOf(scheme: SignatureScheme): string | null {
  return scheme.keyType === "ed25519" ? null : scheme.hash.replace("-", "").toLowerCase();
}

function parameters(scheme: SignatureScheme, key: KeyObject): SignKeyObjectInput {
  if (scheme.padding === "pss") {
    return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: scheme.saltLength ?? 0 };
  }
  if (scheme.padding === "pkcs1") return { key, padding: constants.RSA_PKCS1_PADDING };
  return { key, dsaEncoding: "der" };
}
