import {
  type CallOptions,
  CredentialError,
  type SignatureScheme,
  type Signer,
  schemesForKey,
  type Verifier,
} from "@ddscred/core";
import type { Handle, Signature, SignRequest } from "../cryptoki/module.ts";
import type { BoundKey, PrivateKey } from "../objects/private-key.ts";
import { recovering } from "../recovery.ts";
import type { PinRequest } from "../token/pin.ts";
import type { SessionPool } from "../token/session-pool.ts";
import type { Token } from "../token/token.ts";
import { type Binding, Bindings, isFresh } from "./binding.ts";
import { encodedSignature, signatureLength, wrongLength } from "./encoding.ts";
import { checkUnchanged, hashed, isLarge, LARGE } from "./large-message.ts";
import { refusals, type SigningPlan, signingPlans, unsupported } from "./mechanisms.ts";

/**
 * A private key on a token. What it holds is how to find the key, never just a handle: a handle of an earlier
 * epoch can name another key, and the token would sign with that one. So the handle is looked up again in
 * each epoch, and until a signature made with it has been verified, none leaves unverified.
 */
export class TokenSigner implements Omit<Signer, "sign"> {
  readonly publicKey: Uint8Array;
  readonly schemes: readonly SignatureScheme[];
  readonly extractable: boolean | undefined;
  readonly #key: PrivateKey;
  readonly #token: Token;
  readonly #pin: PinRequest;
  readonly #verifiesEach: boolean;
  /** Bytes of a signature as the token gives it. */
  readonly #length: number;
  readonly #noteRecovery = (error: CredentialError): void => this.#token.noteRecovery(error);
  readonly #bindings: Bindings;
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
    this.#verifiesEach = verifiesEach;
    this.#length = signatureLength(key.publicKey);
    this.#bindings = new Bindings(bound, { token, key, pin, verifier });
  }

  /** As {@link Signer.sign}; the signature itself where it can be had in this turn, because promises take time too. */
  sign(
    scheme: SignatureScheme,
    message: Uint8Array,
    options?: CallOptions,
  ): Uint8Array | Promise<Uint8Array> {
    if (!this.schemes.includes(scheme)) throw unsupported(this.#key.publicKey.label, scheme);
    if (!(message instanceof Uint8Array)) throw new TypeError("a message is a Uint8Array");
    try {
      return this.#signNow(scheme, message) ?? this.#signLater(scheme, message, options);
    } catch (error) {
      return this.#signLater(scheme, message, options, error);
    }
  }

  /** @param failure of the first attempt, where that was made */
  async #signLater(
    scheme: SignatureScheme,
    message: Uint8Array,
    options: CallOptions | undefined,
    failure?: unknown,
  ): Promise<Uint8Array> {
    // The caller may change the message while the token computes.
    const own = isLarge(message, scheme) ? await hashed(message, scheme) : Buffer.from(message);
    let first = failure;
    const attempt = async (): Promise<Uint8Array> => {
      if (first === undefined) return await this.#sign(scheme, own, options);
      const error = first;
      first = undefined;
      throw error;
    };
    try {
      return await recovering(this.#token.module, options?.signal, attempt, this.#noteRecovery);
    } catch (error) {
      await checkUnchanged(own, scheme);
      throw error;
    }
  }

  /** What a token in software does for a key that is bound and proven: in this turn, without waiting for anything. */
  #signNow(scheme: SignatureScheme, message: Uint8Array): Uint8Array | undefined {
    if (message.length > LARGE) return undefined;
    const { openPool: pool, module, watch } = this.#token;
    const binding = this.#bindings.last;
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
    const { last } = this.#bindings;
    const binding = last.epoch === this.#token.epoch ? last : await this.#bindings.bindAgain();
    const known = this.#plans.get(scheme);
    if (known !== undefined) {
      const { raw, isWatched } = await this.#signBy(binding, known, message, options);
      const signature = this.#encode(raw);
      if (this.#verifiesEach || !isWatched || !isFresh(binding))
        await this.#bindings.prove(binding, scheme, message, signature, binding.proven);
      return signature;
    }
    const { raw, plan } = await this.#signFirst(binding, scheme, message, options);
    const signature = this.#encode(raw);
    await this.#bindings.prove(binding, scheme, message, signature);
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
    for (const plan of signingPlans(scheme, this.#token.limits.refusesRawPss)) {
      try {
        const { raw } = await this.#signBy(binding, plan, message, options);
        return { raw, plan };
      } catch (error) {
        if (!(error instanceof CredentialError) || !refusals.has(error.rv ?? "")) throw error;
        refusal ??= error;
      }
    }
    throw unsupported(this.#key.publicKey.label, scheme, refusal);
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
    return this.#bindings.doubted(error, binding);
  }

  #encode(raw: Uint8Array): Uint8Array {
    if (raw.length === this.#length) return encodedSignature(this.#key.publicKey, raw);
    this.#token.forgetObjects(this.#bindings.last.epoch); // another key has signatures of another length
    throw wrongLength(raw, this.#length);
  }
}

function outdated(): CredentialError {
  return new CredentialError("SESSION_LOST", "the token lost its sessions before one was free", {
    retryable: true,
  });
}
