import { CKU_CONTEXT_SPECIFIC } from "../cryptoki/constants.ts";
import type { Mechanism, Signature, SignRequest, Soon } from "../cryptoki/module.ts";
import type { Binding, NativeMechanism, NativeModule } from "./binding.ts";
import { buffer } from "./buffer.ts";
import type { Elsewhere } from "./elsewhere.ts";
import { native, nativeError } from "./native-error.ts";
import type { NativeWatch } from "./native-watch.ts";
import type { Pace } from "./pace.ts";
import type { QuickCalls } from "./quick-calls.ts";

/** What it works with. */
interface Means {
  readonly elsewhere: Elsewhere;
  readonly pace: Pace;
  readonly watch: NativeWatch;
  readonly quick: QuickCalls;
}

/** Signs, where that is best: see {@link Pace}. */
export class NativeSigning {
  readonly #native: NativeModule;
  readonly #pssParameter: number;
  readonly #elsewhere: Elsewhere;
  readonly #pace: Pace;
  readonly #watch: NativeWatch;
  readonly #quick: QuickCalls;
  #signing = 0;
  /** Of the signature that was made last in one turn. */
  #output = Buffer.alloc(0);

  constructor(nativeModule: NativeModule, binding: Binding, { elsewhere, pace, watch, quick }: Means) {
    this.#native = nativeModule;
    this.#pssParameter = binding.CK_PARAMS_RSA_PSS;
    this.#elsewhere = elsewhere;
    this.#pace = pace;
    this.#watch = watch;
    this.#quick = quick;
  }

  /** As `signNow` of a module. */
  signNow(session: Buffer, request: SignRequest): Signature<Soon> | undefined {
    const { watch, pin, length } = request;
    const kind = this.#pace.of(request);
    if (watch === undefined || pin !== undefined || !kind.isQuick(false)) return undefined;
    const began = performance.now();
    this.#begin(session, request);
    if (this.#output.length !== length) this.#output = Buffer.alloc(length);
    const raw = this.#signHere(session, buffer(request.input), this.#output);
    kind.tookHere(performance.now() - began);
    if (this.#pace.isCrowded) return { raw, isWatched: this.#watch.goesOnSoon(buffer(watch)) };
    return this.#watch.goesOn(buffer(watch)) ? { raw, isWatched: true } : undefined;
  }

  /** @param checked gives the session, if it and the key are still good when it is their turn */
  async sign(request: SignRequest, checked: () => Buffer): Promise<Signature> {
    this.#signing++;
    try {
      return await this.#sign(request, checked);
    } finally {
      this.#signing--; // not before the caller had its turn, and with it those who sign beside it
    }
  }

  mechanism({ type, pss }: Mechanism): NativeMechanism {
    if (pss === undefined) return { mechanism: type };
    const { hash, mgf, saltLength } = pss;
    return {
      mechanism: type,
      parameter: { type: this.#pssParameter, hashAlg: hash, mgf, saltLen: saltLength },
    };
  }

  async #sign(request: SignRequest, checked: () => Buffer): Promise<Signature> {
    const kind = this.#pace.of(request);
    const isHere = kind.isQuick(this.#signing === 1);
    const pause = isHere ? this.#pace.pause() : undefined;
    if (pause !== undefined) await pause;
    const began = performance.now();
    const session = checked();
    this.#begin(session, request);
    const input = buffer(request.input);
    const output = Buffer.allocUnsafe(request.length);
    if (!isHere) {
      const raw = await this.#elsewhere.run<Uint8Array>("C_Sign", [session, input, output], (done) =>
        this.#native.C_Sign(session, input, output, done),
      );
      const took = performance.now() - began;
      kind.tookElsewhere(took);
      return { raw, isWatched: this.#isWatched(request, took) };
    }
    const raw = this.#signHere(session, input, output);
    const took = performance.now() - began;
    kind.tookHere(took);
    return { raw, isWatched: this.#isWatched(request, took) };
  }

  /**
   * To verify what took longer takes no time beside; and a device may be asked over a network. Of those that are under
   * way at once each waits for the others too.
   */
  #isWatched({ watch }: SignRequest, took: number): boolean {
    return watch !== undefined && took < SLOW * this.#signing && this.#watch.goesOn(buffer(watch));
  }

  /** Without a function made for it alone: this is where a token in software spends its time. */
  #signHere(session: Buffer, input: Buffer, output: Buffer): Buffer {
    try {
      const length = this.#quick.sign(session, input, output);
      return length === output.length ? output : output.subarray(0, length);
    } catch (error) {
      throw nativeError("C_Sign", error);
    }
  }

  #begin(session: Buffer, { mechanism, key, pin }: SignRequest): void {
    try {
      this.#quick.signInit(session, this.mechanism(mechanism), buffer(key));
    } catch (error) {
      throw nativeError("C_SignInit", error);
    }
    if (pin === undefined) return;
    native("C_Login", () => this.#native.C_Login(session, CKU_CONTEXT_SPECIFIC, pin.reveal()));
  }
}

/** Milliseconds. */
const SLOW = 2;
