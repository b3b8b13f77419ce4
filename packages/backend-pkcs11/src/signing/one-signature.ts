import type { CallOptions } from "@ddscred/core";
import type { Handle, Signature, SignRequest, Soon } from "../cryptoki/module.ts";
import type { PrivateKey } from "../objects/private-key.ts";
import type { PinRequest } from "../token/pin.ts";
import { gone, type SessionPool } from "../token/session-pool.ts";
import type { Token } from "../token/token.ts";
import type { Binding, Bindings } from "./binding.ts";
import { encodedSignature, signatureLength, wrongLength } from "./encoding.ts";
import { LARGE } from "./large-message.ts";
import type { SigningPlan } from "./mechanisms.ts";

export interface SignOptions extends CallOptions {
  /** The session of who writes. */
  readonly writing?: Handle;
}

/** A signature that nothing was verified of yet. */
export interface MadeSignature<Known extends boolean | Promise<boolean> = boolean> {
  readonly signature: Uint8Array;
  /** Whether the handle surely names what it named when it was found. */
  readonly isSure: Known;
}

/** Makes single signatures with one key, by a handle and in one way: in a session that is free, with a PIN where each wants it. */
export class SignatureMaker {
  readonly #token: Token;
  readonly #key: PrivateKey;
  readonly #pin: PinRequest;
  readonly #bindings: Bindings;
  /** Bytes of a signature as the token gives it. */
  readonly #length: number;

  constructor(token: Token, key: PrivateKey, pin: PinRequest, bindings: Bindings) {
    this.#token = token;
    this.#key = key;
    this.#pin = pin;
    this.#bindings = bindings;
    this.#length = signatureLength(key.publicKey);
  }

  /** What a token in software does for a key that is bound and proven: in this turn, without waiting for anything. */
  now(binding: Binding, plan: SigningPlan, message: Uint8Array): MadeSignature<Soon> | undefined {
    const { openPool: pool, module, watch, epoch } = this.#token;
    if (pool === undefined || watch === undefined || module.signNow === undefined) return undefined;
    if (this.#key.alwaysAuthenticate || binding.epoch !== epoch || message.length > LARGE) return undefined;
    const session = binding.proven ? pool.take() : undefined;
    if (session === undefined) return undefined;
    const made = this.#inTurn(binding, pool, session, this.#request(binding, plan, message));
    if (made === undefined) pool.release(session);
    return made;
  }

  /** As soon as there is a session; for the errors see `Module.sign`. `SESSION_LOST` where the handle is of another epoch by then. */
  async by(
    binding: Binding,
    plan: SigningPlan,
    message: Uint8Array,
    options: SignOptions | undefined,
  ): Promise<MadeSignature> {
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
    if (isOurs && pin === undefined && binding.proven) {
      // Without the hops of promises, for which those who wait behind would wait too, and again for theirs.
      await module.pause?.();
      const now = this.#inTurn(binding, pool, session, request);
      if (now !== undefined) return { ...now, isSure: this.#isCurrent(binding) && (await now.isSure) };
    }
    let made: Signature;
    try {
      made = await (pin === undefined
        ? module.sign(session, request)
        : this.#token.sendPin(pin, () => module.sign(session, { ...request, pin })));
    } catch (error) {
      throw this.#failed(error, binding, isOurs ? pool : undefined, session);
    }
    if (isOurs) pool.release(session);
    return { signature: this.#encode(made.raw, binding), isSure: this.#isCurrent(binding) && made.isWatched };
  }

  /** Gives the session back, unless that cannot be done. */
  #inTurn(
    binding: Binding,
    pool: SessionPool,
    session: Handle,
    request: SignRequest,
  ): MadeSignature<Soon> | undefined {
    let made: Signature<Soon> | undefined;
    try {
      made = this.#token.module.signNow?.(session, request);
    } catch (error) {
      throw this.#failed(error, binding, pool, session);
    }
    if (made === undefined) return undefined;
    pool.release(session);
    return { signature: this.#encode(made.raw, binding), isSure: made.isWatched };
  }

  #isCurrent({ epoch }: Binding): boolean {
    return epoch === this.#token.epoch;
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

  #encode(raw: Uint8Array, { epoch, proven }: Binding): Uint8Array {
    if (raw.length === this.#length) return encodedSignature(this.#key.publicKey, raw);
    this.#token.forgetObjects(epoch); // another key has signatures of another length
    throw wrongLength(raw, this.#length, proven);
  }
}
