import { CredentialError, type SignatureScheme, tokenError, type Verifier } from "@ddscred/core";
import { type BoundKey, bindKey, type PrivateKey } from "../objects/private-key.ts";
import type { PinRequest } from "../token/pin.ts";
import type { Token } from "../token/token.ts";

/** A handle of a key, with what signatures made with it have shown. */
export interface Binding extends BoundKey {
  /** Whether a signature made with the handle was verified. */
  proven: boolean;
  /** And when the last one was made: `performance.now()`. */
  provenAt?: number;
  /** While one is being verified. */
  proof?: Promise<void> | undefined;
}

/** What the handles of one key depend on. */
interface Means {
  readonly token: Token;
  readonly key: PrivateKey;
  readonly pin: PinRequest;
  readonly verifier: Verifier;
}

/** The handles of one key, one after the other: each is good for one epoch, and has to prove itself. */
export class Bindings {
  /** The last one; it may be of an epoch that is over. */
  last: Binding;
  readonly #token: Token;
  readonly #key: PrivateKey;
  readonly #pin: PinRequest;
  readonly #verifier: Verifier;
  #rebinding: Promise<Binding> | undefined;

  constructor(bound: BoundKey, { token, key, pin, verifier }: Means) {
    this.last = { ...bound, proven: false };
    this.#token = token;
    this.#key = key;
    this.#pin = pin;
    this.#verifier = verifier;
  }

  /** In a new epoch: logs in again where that is needed, and looks the key up. */
  async bindAgain(): Promise<Binding> {
    this.#rebinding ??= this.#bind().finally(() => {
      this.#rebinding = undefined;
    });
    return await this.#rebinding;
  }

  async #bind(): Promise<Binding> {
    await this.#token.unlock(this.#pin);
    this.last = { ...(await bindKey(this.#token, this.#key)), proven: false };
    return this.last;
  }

  /**
   * Nothing leaves that another key signed (`KEY_MISMATCH`), or the right one by a mechanism that the token
   * gets wrong (`TOKEN_ERROR`). Where the handle signed well before, it is looked up again: it may name another
   * key by now.
   */
  async prove(
    binding: Binding,
    scheme: SignatureScheme,
    message: Uint8Array,
    signature: Uint8Array,
    wasGood = false,
  ): Promise<void> {
    const madeAt = performance.now();
    if (await this.#verifier.verify(this.#key.publicKey.spki, scheme, message, signature)) {
      binding.proven = true;
      binding.provenAt = madeAt;
      return;
    }
    if (wasGood || !binding.proven) this.#token.forgetObjects(binding.epoch);
    if (binding.proven) {
      throw new CredentialError("TOKEN_ERROR", `the ${scheme.name} signature of the token does not verify`, {
        uri: this.#key.uri(),
        call: "C_Sign",
        retryable: wasGood,
      });
    }
    throw new CredentialError(
      "KEY_MISMATCH",
      "a signature by the private key does not verify with its public key",
      {
        uri: this.#key.uri(),
        hint: "The id (CKA_ID) pairs the private key with the public key or certificate of another one.",
      },
    );
  }

  /** Proves a handle anew that signed well before. Signatures of the same moment share the proof of the first. */
  async renew(
    binding: Binding,
    scheme: SignatureScheme,
    message: Uint8Array,
    signature: Uint8Array,
  ): Promise<void> {
    if (binding.proof !== undefined) await binding.proof.catch(() => undefined);
    if (isFresh(binding)) return;
    binding.proof = this.prove(binding, scheme, message, signature, true).finally(() => {
      binding.proof = undefined;
    });
    await binding.proof;
  }

  /** What a key that signed well does not say of itself: the handle may name another object now, and is looked up again. */
  doubted(error: unknown, { epoch, proven }: Binding): unknown {
    if (!proven || !(error instanceof CredentialError) || !ofAnotherKey.has(error.rv ?? "")) return error;
    this.#token.forgetObjects(epoch);
    return tokenError(error.rv ?? "", error.call ?? "C_SignInit", { retryable: true });
  }
}

/**
 * A module that exchanges keys loses its sessions as a rule, which begins a new epoch. That it says nothing at all
 * is found by verifying once in a while: each signature of those who sign seldom, and of others a small part.
 */
export function isFresh({ proven, provenAt = 0 }: Binding): boolean {
  return proven && performance.now() - provenAt < FRESH;
}

const ofAnotherKey: ReadonlySet<string> = new Set([
  "CKR_KEY_TYPE_INCONSISTENT",
  "CKR_KEY_FUNCTION_NOT_PERMITTED",
  "CKR_KEY_SIZE_RANGE",
  "CKR_DATA_LEN_RANGE",
  "CKR_BUFFER_TOO_SMALL",
]);

/** Milliseconds. */
const FRESH = 10;
