import {
  type CallOptions,
  CredentialError,
  type SignatureScheme,
  type Signer,
  schemesForKey,
  type Verifier,
} from "@ddscred/core";
import type { Handle } from "../cryptoki/module.ts";
import type { BoundKey, PrivateKey } from "../objects/private-key.ts";
import { recovering } from "../recovery.ts";
import type { PinRequest } from "../token/pin.ts";
import { gone } from "../token/session-pool.ts";
import type { Token } from "../token/token.ts";
import { type Binding, Bindings, isFresh } from "./binding.ts";
import { checkUnchanged, hashed, isLarge } from "./large-message.ts";
import { refusals, type SigningPlan, signingPlans, unsupported } from "./mechanisms.ts";
import { SignatureMaker, type SignOptions } from "./one-signature.ts";

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
  readonly #verifiesEach: boolean;
  readonly #noteRecovery = (error: CredentialError): void => this.#token.noteRecovery(error);
  readonly #bindings: Bindings;
  readonly #maker: SignatureMaker;
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
    this.#verifiesEach = verifiesEach;
    this.#bindings = new Bindings(bound, { token, key, pin, verifier });
    this.#maker = new SignatureMaker(token, key, pin, this.#bindings);
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

  /** In this turn, where that can be done and nothing speaks against it. */
  #signNow(scheme: SignatureScheme, message: Uint8Array): Uint8Array | undefined {
    const plan = this.#plans.get(scheme);
    if (plan === undefined || this.#verifiesEach) return undefined;
    return this.#maker.now(this.#bindings.last, plan, message);
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
      const { signature, isSure } = await this.#maker.by(binding, known, message, options);
      if (this.#verifiesEach || !isSure || !isFresh(binding))
        await this.#bindings.prove(binding, scheme, message, signature, binding.proven);
      return signature;
    }
    const { signature, plan } = await this.#signFirst(binding, scheme, message, options);
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
  ): Promise<{ signature: Uint8Array; plan: SigningPlan }> {
    let refusal: CredentialError | undefined;
    for (const plan of signingPlans(scheme, this.#token.limits.refusesRawPss)) {
      try {
        const { signature } = await this.#maker.by(binding, plan, message, options);
        return { signature, plan };
      } catch (error) {
        if (!(error instanceof CredentialError) || !refusals.has(error.rv ?? "")) throw error;
        refusal ??= error;
      }
    }
    throw unsupported(this.#key.publicKey.label, scheme, refusal);
  }
}
