import { setImmediate as nextTurn } from "node:timers/promises";
import { CKU_CONTEXT_SPECIFIC } from "../cryptoki/constants.ts";
import type { Mechanism, SignRequest } from "../cryptoki/module.ts";
import type { Binding, NativeMechanism, NativeModule } from "./binding.ts";
import { buffer } from "./buffer.ts";
import type { Elsewhere } from "./elsewhere.ts";
import { native, nativeError } from "./native-error.ts";
import type { Pace } from "./pace.ts";

/** Signs, where that is best: see {@link Pace}. */
export class NativeSigning {
  readonly #native: NativeModule;
  readonly #pssParameter: number;
  readonly #elsewhere: Elsewhere;
  readonly #pace: Pace;
  #signing = 0;

  constructor(nativeModule: NativeModule, binding: Binding, elsewhere: Elsewhere, pace: Pace) {
    this.#native = nativeModule;
    this.#pssParameter = binding.CK_PARAMS_RSA_PSS;
    this.#elsewhere = elsewhere;
    this.#pace = pace;
  }

  /** @param checked gives the session, if it and the key are still good when it is their turn */
  async sign(request: SignRequest, checked: () => Buffer): Promise<Uint8Array> {
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

  async #sign(request: SignRequest, checked: () => Buffer): Promise<Uint8Array> {
    const kind = this.#pace.of(request);
    const isHere = kind.isQuick(this.#signing === 1);
    let began = performance.now();
    if (isHere && this.#pace.isTurnOver(began)) {
      await nextTurn();
      began = performance.now();
    }
    const session = checked();
    this.#begin(session, request);
    const input = buffer(request.input);
    const output = Buffer.allocUnsafe(request.length);
    if (!isHere) {
      const signature = await this.#elsewhere.run<Uint8Array>("C_Sign", [session, input, output], (done) =>
        this.#native.C_Sign(session, input, output, done),
      );
      kind.tookElsewhere(performance.now() - began);
      return signature;
    }
    const signature = this.#signHere(session, input, output);
    kind.tookHere(performance.now() - began);
    return signature;
  }

  /** Without a function made for it alone: this is where a token in software spends its time. */
  #signHere(session: Buffer, input: Buffer, output: Buffer): Buffer {
    try {
      return this.#native.C_Sign(session, input, output);
    } catch (error) {
      throw nativeError("C_Sign", error);
    }
  }

  #begin(session: Buffer, { mechanism, key, pin }: SignRequest): void {
    try {
      this.#native.C_SignInit(session, this.mechanism(mechanism), buffer(key));
    } catch (error) {
      throw nativeError("C_SignInit", error);
    }
    if (pin === undefined) return;
    native("C_Login", () => this.#native.C_Login(session, CKU_CONTEXT_SPECIFIC, pin.reveal()));
  }
}
