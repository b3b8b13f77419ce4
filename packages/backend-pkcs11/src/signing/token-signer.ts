import {
  type CallOptions,
  CredentialError,
  ecdsaRawToDer,
  type PublicKeyInfo,
  type SignatureScheme,
  type Signer,
  schemesForKey,
  tokenError,
  type Verifier,
} from "@ddscred/core";
import { coordinateLengths, ed25519Lengths } from "../cryptoki/curves.ts";
import type { Handle, Signature, SignRequest } from "../cryptoki/module.ts";
import { type BoundKey, bindKey, type PrivateKey } from "../objects/private-key.ts";
import { recovering } from "../recovery.ts";
import type { PinRequest } from "../token/pin.ts";
import type { SessionPool } from "../token/session-pool.ts";
import type { Token } from "../token/token.ts";
import { refusals, type SigningPlan, signingPlans } from "./mechanisms.ts";

/**
 * A private key on a token. What it holds is how to find the key, never just a handle: a handle of an earlier
 * epoch can name another key, and the token would sign with that one. So the handle is looked up again in
 * each epoch, and until a signature made with it has been verified, none leaves unverified.
 */
export class TokenSigner implements Signer {
  readonly publicKey: Uint8Array;
  readonly schemes: readonly SignatureScheme[];
  readonly extractable: boolean | undefined;
  readonly #key: PrivateKey;
  readonly #token: Token;
  readonly #pin: PinRequest;
  readonly #verifier: Verifier;
  readonly #verifiesEach: boolean;
  /** Bytes of a signature as the token gives it. */
  readonly #length: number;
  readonly #noteRecovery = (error: CredentialError): void => this.#token.noteRecovery(error);
  #binding: Binding;
  #rebinding: Promise<Binding> | undefined;
  /** The plan that the token took, by scheme. */
  readonly #plans = new Map<SignatureScheme, SigningPlan>();

  /** @param verifiesEach and not only the first of each handle and mechanism, and then one now and then */
  constructor(
    token: Token,
    key: PrivateKey,
    bound: BoundKey,
    pin: PinRequest,
    verifier: Verifier,
    verifiesEach = false,
  ) {
    this.publicKey = key.publicKey.spki;
    this.schemes = schemesForKey(key.publicKey);
    this.extractable = key.extractable;
    this.#key = key;
    this.#token = token;
    this.#pin = pin;
    this.#verifier = verifier;
    this.#verifiesEach = verifiesEach;
    this.#length = signatureLength(key.publicKey);
    this.#binding = { ...bound, proven: false };
  }

  async sign(scheme: SignatureScheme, message: Uint8Array, options?: CallOptions): Promise<Uint8Array> {
    if (!this.schemes.includes(scheme)) throw this.#unsupported(scheme);
    if (!(message instanceof Uint8Array)) throw new TypeError("a message is a Uint8Array");
    let failure: unknown;
    try {
      const signature = this.#signNow(scheme, message);
      if (signature !== undefined) return signature;
    } catch (error) {
      failure = error;
    }
    const own = Buffer.from(message); // the caller may change the message while the token computes
    return await recovering(
      this.#token.module,
      options?.signal,
      async () => {
        if (failure === undefined) return await this.#sign(scheme, own, options);
        const first = failure;
        failure = undefined;
        throw first;
      },
      this.#noteRecovery,
    );
  }

  /** What a token in software does for a key that is bound and proven: in this turn, without waiting for anything. */
  #signNow(scheme: SignatureScheme, message: Uint8Array): Uint8Array | undefined {
    const { openPool: pool, module, watch } = this.#token;
    const binding = this.#binding;
    const plan = this.#plans.get(scheme);
    if (plan === undefined || pool === undefined || watch === undefined || module.signNow === undefined)
      return undefined;
    if (this.#verifiesEach || this.#key.alwaysAuthenticate || binding.epoch !== this.#token.epoch)
      return undefined;
    const session = isFresh(binding) ? pool.take() : undefined;
    if (session === undefined) return undefined;
    let raw: Uint8Array | undefined;
    try {
      raw = module.signNow(session, this.#request(binding, plan, message));
    } catch (error) {
      throw this.#failed(error, binding, pool, session);
    }
    pool.release(session);
    return raw && this.#encode(raw);
  }

  async #sign(
    scheme: SignatureScheme,
    message: Uint8Array,
    options: CallOptions | undefined,
  ): Promise<Uint8Array> {
    const binding = this.#binding.epoch === this.#token.epoch ? this.#binding : await this.#bindAgain();
    const known = this.#plans.get(scheme);
    if (known !== undefined) {
      const { raw, isWatched } = await this.#signBy(binding, known, message, options);
      const signature = this.#encode(raw);
      if (this.#verifiesEach || !isWatched || !isFresh(binding))
        await this.#prove(binding, scheme, message, signature, binding.proven);
      return signature;
    }
    const { raw, plan } = await this.#signFirst(binding, scheme, message, options);
    const signature = this.#encode(raw);
    await this.#prove(binding, scheme, message, signature);
    this.#plans.set(scheme, plan);
    return signature;
  }

  /** Tries the plans in turn, up to the one that the token takes. */
  async #signFirst(
    binding: Binding,
    scheme: SignatureScheme,
    message: Uint8Array,
    options: CallOptions | undefined,
  ): Promise<{ raw: Uint8Array; plan: SigningPlan }> {
    let refusal: CredentialError | undefined;
    for (const plan of signingPlans(scheme)) {
      try {
        const { raw } = await this.#signBy(binding, plan, message, options);
        return { raw, plan };
      } catch (error) {
        if (!(error instanceof CredentialError) || !refusals.has(error.rv ?? "")) throw error;
        refusal ??= error;
      }
    }
    throw this.#unsupported(scheme, refusal);
  }

  #signBy(
    binding: Binding,
    plan: SigningPlan,
    message: Uint8Array,
    options: CallOptions | undefined,
  ): Promise<Signature> {
    const request = this.#request(binding, plan, message);
    if (!this.#key.alwaysAuthenticate) return this.#signOnce(binding, request, options);
    return this.#token.withPin(this.#pin, (pin) => this.#signOnce(binding, { ...request, pin }, options));
  }

  #request({ handle: key }: Binding, { mechanism, input }: SigningPlan, message: Uint8Array): SignRequest {
    const { bits = 0 } = this.#key.publicKey;
    return { mechanism, key, input: input(message, bits), length: this.#length, watch: this.#token.watch };
  }

  async #signOnce(
    binding: Binding,
    request: SignRequest,
    options: CallOptions | undefined,
  ): Promise<Signature> {
    const pool = this.#token.openPool ?? (await this.#token.pool());
    const session = pool.take() ?? (await pool.acquire(options?.signal));
    if (binding.epoch !== this.#token.epoch) {
      pool.release(session);
      throw outdated(); // the handle may name another key now
    }
    try {
      const signature = await this.#token.module.sign(session, request);
      pool.release(session);
      return signature;
    } catch (error) {
      throw this.#failed(error, binding, pool, session);
    }
  }

  /** After a call that failed in a session: the error to throw. */
  #failed(error: unknown, binding: Binding, pool: SessionPool, session: Handle): unknown {
    pool.discard(session);
    this.#token.noteFailure(error, binding.epoch);
    return binding.proven ? this.#doubted(error, binding) : error;
  }

  /** What a key that signed well does not say of itself: the handle may name another object now, and is looked up again. */
  #doubted(error: unknown, { epoch }: Binding): unknown {
    if (!(error instanceof CredentialError) || !ofAnotherKey.has(error.rv ?? "")) return error;
    this.#token.forgetObjects(epoch);
    return tokenError(error.rv ?? "", error.call ?? "C_SignInit", { retryable: true });
  }

  /** In a new epoch: logs in again where that is needed, and looks the key up. */
  async #bindAgain(): Promise<Binding> {
    this.#rebinding ??= this.#bind().finally(() => {
      this.#rebinding = undefined;
    });
    return await this.#rebinding;
  }

  async #bind(): Promise<Binding> {
    await this.#token.unlock(this.#pin);
    this.#binding = { ...(await bindKey(this.#token, this.#key)), proven: false };
    return this.#binding;
  }

  /**
   * Nothing leaves that another key signed (`KEY_MISMATCH`), or the right one by a mechanism that the token
   * gets wrong (`TOKEN_ERROR`). Where the handle signed well before, it is looked up again: it may name another
   * key by now.
   */
  async #prove(
    binding: Binding,
    scheme: SignatureScheme,
    message: Uint8Array,
    signature: Uint8Array,
    wasGood = false,
  ): Promise<void> {
    if (await this.#verifier.verify(this.publicKey, scheme, message, signature)) {
      binding.proven = true;
      binding.provenAt = performance.now();
      return;
    }
    if (wasGood || !binding.proven) this.#token.forgetObjects(binding.epoch);
    if (binding.proven) {
      throw new CredentialError("TOKEN_ERROR", `the ${scheme.name} signature of the token does not verify`, {
        uri: this.#key.uri,
        call: "C_Sign",
        retryable: wasGood,
      });
    }
    throw new CredentialError(
      "KEY_MISMATCH",
      "a signature by the private key does not verify with its public key",
      {
        uri: this.#key.uri,
        hint: "The id (CKA_ID) pairs the private key with the public key or certificate of another one.",
      },
    );
  }

  #encode(raw: Uint8Array): Uint8Array {
    if (raw.length !== this.#length) {
      this.#token.forgetObjects(this.#binding.epoch); // another key has signatures of another length
      const lengths = `${raw.length} bytes, not ${this.#length}`;
      throw new CredentialError("TOKEN_ERROR", `the token gave a signature of ${lengths}`, {
        call: "C_Sign",
      });
    }
    return this.#key.publicKey.keyType === "ec" ? ecdsaRawToDer(raw) : new Uint8Array(raw);
  }

  #unsupported(scheme: SignatureScheme, refusal?: CredentialError): CredentialError {
    const { rv, call } = refusal ?? {};
    const what = `the ${this.#key.publicKey.label} key makes no ${scheme.name} signature`;
    return new CredentialError(
      "MECHANISM_UNSUPPORTED",
      rv === undefined ? what : `${what} (${call}: ${rv})`,
      {
        ...(rv === undefined ? {} : { rv }),
        ...(call === undefined ? {} : { call }),
      },
    );
  }
}

/** In bytes, as the token gives it. */
function signatureLength({ keyType, bits = 0, curve }: PublicKeyInfo): number {
  if (keyType === "ed25519") return ed25519Lengths.signature;
  return curve === undefined ? Math.ceil(bits / 8) : 2 * coordinateLengths[curve];
}

const ofAnotherKey: ReadonlySet<string> = new Set([
  "CKR_KEY_TYPE_INCONSISTENT",
  "CKR_KEY_FUNCTION_NOT_PERMITTED",
  "CKR_KEY_SIZE_RANGE",
  "CKR_DATA_LEN_RANGE",
  "CKR_BUFFER_TOO_SMALL",
]);

function outdated(): CredentialError {
  return new CredentialError("SESSION_LOST", "the token lost its sessions before one was free", {
    retryable: true,
  });
}

/**
 * A module that exchanges keys loses its sessions as a rule, which begins a new epoch. That it says nothing at all
 * is found by verifying once in a while: each signature of those who sign seldom, and of others a small part.
 */
function isFresh({ proven, provenAt = 0 }: Binding): boolean {
  return proven && performance.now() - provenAt < FRESH;
}

/** Milliseconds. */
const FRESH = 50;

interface Binding extends BoundKey {
  /** Whether a signature made with the handle was verified. */
  proven: boolean;
  /** And when the last one was: `performance.now()`. */
  provenAt?: number;
}
