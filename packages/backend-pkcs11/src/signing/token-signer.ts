import {
  type CallOptions,
  CredentialError,
  type SignatureScheme,
  type Signer,
  schemesForKey,
  type Verifier,
} from "@ddscred/core";
import type { Handle, Soon } from "../cryptoki/module.ts";
import type { BoundKey, PrivateKey } from "../objects/private-key.ts";
import { recovering } from "../recovery.ts";
import type { PinRequest } from "../token/pin.ts";
import { gone } from "../token/session-pool.ts";
import type { Token } from "../token/token.ts";
import { type Binding, Bindings, isFresh } from "./binding.ts";
import { checkUnchanged, hashed, isLarge } from "./large-message.ts";
import { refusals, type SigningPlan, signingPlans, unsupported } from "./mechanisms.ts";
import { type MadeSignature, SignatureMaker, type SignOptions } from "./one-signature.ts";

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
    this.publicKey = key.publicKey.spki;
    this.schemes = schemesForKey(key.publicKey);
    this.extractable = key.extractable;
    this.#key = key;
    this.#token = token;
    this.#verifiesEach = verifiesEach;
    this.#bindings = new Bindings(bound, { token, key, pin, verifier });
    this.#maker = new SignatureMaker(token, key, pin, this.#bindings);
  }

  /** Canonical, of the private key. */
  get uri(): string {
    return this.#key.uri();
  }

  /** As {@link Signer.sign}; the signature itself where it can be had in this turn, because promises take time too. */
  sign(
    scheme: SignatureScheme,
    message: Uint8Array,
    options?: CallOptions,
  ): Uint8Array | Promise<Uint8Array> {
    if (!this.schemes.includes(scheme)) throw unsupported(this.#key.publicKey.label, scheme);
    if (!(message instanceof Uint8Array)) throw new TypeError("a message is a Uint8Array");
    const pause = this.#plans.has(scheme) ? this.#token.module.pause?.() : undefined;
    if (pause === undefined || isLarge(message, scheme)) return this.#signNow(scheme, message, options);
    return this.#signAfter(pause, scheme, message, options);
  }

  /**
   * Makes one signature for who writes: in a session of its own, or where none can be had at once, in that for writing.
   * It is made once.
   */
  async signFor(writing: Handle, scheme: SignatureScheme, message: Uint8Array): Promise<Uint8Array> {
    return await this.#sign(scheme, message, { writing });
  }

  async #signAfter(
    pause: Promise<void>,
    scheme: SignatureScheme,
    message: Uint8Array,
    options: CallOptions | undefined,
  ): Promise<Uint8Array> {
    const own = Buffer.from(message); // the caller may change it meanwhile
    await pause;
    return this.#signNow(scheme, own, options, own);
  }

  /** In this turn, where nothing speaks against it; `own` is the message, where nobody else can change it. */
  #signNow(
    scheme: SignatureScheme,
    message: Uint8Array,
    options: CallOptions | undefined,
    own?: Uint8Array,
  ): Uint8Array | Promise<Uint8Array> {
    const plan = this.#verifiesEach ? undefined : this.#plans.get(scheme);
    const { last } = this.#bindings;
    let made: MadeSignature<Soon> | undefined;
    try {
      made = plan && this.#maker.now(last, plan, message);
    } catch (error) {
      return this.#goOn(scheme, message, options, error);
    }
    if (made === undefined) return this.#goOn(scheme, message, options);
    if (made.isSure === true && isFresh(last)) return made.signature;
    return this.#settle(made, last, scheme, own ?? Buffer.from(message), options);
  }

  /** A signature that was made at once leaves when it is sure, and its handle proven not long ago. */
  async #settle(
    { signature, isSure }: MadeSignature<Soon>,
    binding: Binding,
    scheme: SignatureScheme,
    own: Uint8Array,
    options: CallOptions | undefined,
  ): Promise<Uint8Array> {
    if (isSure !== true && !(await isSure)) return await this.#goOn(scheme, own, options);
    if (isFresh(binding)) return signature;
    try {
      await this.#bindings.renew(binding, scheme, own, signature);
    } catch (error) {
      return await this.#goOn(scheme, own, options, error);
    }
    return signature;
  }

  /** Makes a signature as soon as that can be done; after a failure, where that can be mended. */
  async #goOn(
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

  async #sign(
    scheme: SignatureScheme,
    message: Uint8Array,
    options: SignOptions | undefined,
  ): Promise<Uint8Array> {
    const { last } = this.#bindings;
    const isGood = last.epoch === this.#token.epoch;
    if (!isGood && options?.writing !== undefined) throw gone(); // who writes may have the only session
    const binding = isGood ? last : await this.#bindings.bindAgain();
    const known = this.#plans.get(scheme);
    if (known !== undefined) {
      const { signature, isSure } = await this.#maker.by(binding, known, message, options);
      if (this.#verifiesEach || !isSure || !binding.proven)
        await this.#bindings.prove(binding, scheme, message, signature, binding.proven);
      else if (!isFresh(binding)) await this.#bindings.renew(binding, scheme, message, signature);
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
