// Above 200 lines: signing at once, later and for who writes share what is known of handles and mechanisms.

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
import { gone, type SessionPool } from "../token/session-pool.ts";
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
  /** Canonical, of the private key. */
  readonly uri: string;
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
    this.uri = key.uri;
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
    let signature: Uint8Array | undefined;
    let failure: unknown;
    try {
      signature = this.#signNow(scheme, message);
    } catch (error) {
      failure = error;
    }
    if (signature !== undefined && isFresh(this.#bindings.last)) return signature;
    return this.#goOn(scheme, message, options, signature, failure);
  }

  /**
   * Makes one signature for who writes: in a session of its own, or where none can be had at once, in that for writing.
   * It is made once.
   */
  async signFor(writing: Handle, scheme: SignatureScheme, message: Uint8Array): Promise<Uint8Array> {
    return await this.#sign(scheme, message, { writing });
  }

  /** Verifies a signature that was made at once, or makes one. */
  async #goOn(
    scheme: SignatureScheme,
    message: Uint8Array,
    options: CallOptions | undefined,
    made: Uint8Array | undefined,
    failure: unknown,
  ): Promise<Uint8Array> {
    // The caller may change the message while the token computes.
    const own = isLarge(message, scheme) ? await hashed(message, scheme) : Buffer.from(message);
    let signature = made;
    let first = failure;
    try {
      const pause = first === undefined && signature === undefined && this.#token.module.pause?.();
      if (pause instanceof Promise) {
        await pause;
        signature = this.#signNow(scheme, own);
      }
      if (signature !== undefined) {
        const { last } = this.#bindings;
        if (!isFresh(last)) await this.#bindings.prove(last, scheme, own, signature, true);
        return signature;
      }
    } catch (error) {
      first = error;
    }
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
    const session = binding.proven ? pool.take() : undefined;
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
    options: SignOptions | undefined,
  ): Promise<Uint8Array> {
    const { last } = this.#bindings;
    const isGood = last.epoch === this.#token.epoch;
    // Who writes has a session, perhaps the only one, and must not wait for another.
    if (!isGood && options?.writing !== undefined) throw gone();
    const binding = isGood ? last : await this.#bindings.bindAgain();
    const known = this.#plans.get(scheme);
    if (known !== undefined) {
      const { raw, isWatched } = await this.#signBy(binding, known, message, options);
      const signature = this.#encode(raw);
      const isSure = isWatched && binding.epoch === this.#token.epoch;
      if (this.#verifiesEach || !isSure || !isFresh(binding))
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
    options: SignOptions | undefined,
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

  async #signBy(
    binding: Binding,
    plan: SigningPlan,
    message: Uint8Array,
    options: SignOptions | undefined,
  ): Promise<Signature> {
    const pin = this.#key.alwaysAuthenticate ? await this.#token.pinFor(this.#pin) : undefined;
    const pool = this.#token.openPool ?? (await this.#token.pool());
    const session = pool.take() ?? (await this.#acquire(pool, options));
    const isOurs = session !== options?.writing;
    if (binding.epoch !== this.#token.epoch) {
      if (isOurs) pool.release(session);
      throw gone(); // the handle may name another key now
    }
    // Not before there is a session: for the only one the watch is ended.
    const request = this.#request(binding, plan, message);
    const { module } = this.#token;
    try {
      const signature = await (pin === undefined
        ? module.sign(session, request)
        : this.#token.sendPin(pin, () => module.sign(session, { ...request, pin })));
      if (isOurs) pool.release(session);
      return signature;
    } catch (error) {
      throw this.#failed(error, binding, isOurs ? pool : undefined, session);
    }
  }

  async #acquire(pool: SessionPool, options: SignOptions | undefined): Promise<Handle> {
    if (options?.writing === undefined) return await pool.acquire(options?.signal);
    return (await pool.takeOrOpen()) ?? options.writing;
  }

  #request({ handle: key }: Binding, { mechanism, input }: SigningPlan, message: Uint8Array): SignRequest {
    const { bits = 0 } = this.#key.publicKey;
    return { mechanism, key, input: input(message, bits), length: this.#length, watch: this.#token.watch };
  }

  /** After a call that failed in a session, of the pool or of who writes: the error to throw. */
  #failed(error: unknown, binding: Binding, pool: SessionPool | undefined, session: Handle): unknown {
    void pool?.giveBack(session, error);
    this.#token.noteFailure(error, binding.epoch);
    return this.#bindings.doubted(error, binding);
  }

  #encode(raw: Uint8Array): Uint8Array {
    if (raw.length === this.#length) return encodedSignature(this.#key.publicKey, raw);
    this.#token.forgetObjects(this.#bindings.last.epoch); // another key has signatures of another length
    throw wrongLength(raw, this.#length);
  }
}

interface SignOptions extends CallOptions {
  /** The session of who writes. */
  readonly writing?: Handle;
}
