import type { Binding, NativeMechanism, NativeModule } from "./binding.ts";

/** The calls that a signature in the calling thread is made of. They throw what the binding throws. */
export interface QuickCalls {
  signInit(session: Buffer, mechanism: NativeMechanism, key: Buffer): void;
  /** @returns how many bytes of the output are the signature */
  sign(session: Buffer, input: Buffer, output: Buffer): number;
  digestUpdate(session: Buffer, data: Buffer): void;
}

/**
 * Each function of the binding is wrapped, for promises, callbacks and errors, which costs a token in software a
 * twentieth of a signature. Below stands the class that has the functions themselves; where it does not, the wrapped
 * ones do as well.
 */
export function quickCalls(binding: Binding, nativeModule: NativeModule): QuickCalls {
  const bare: Partial<BareFunctions> = Object.getPrototypeOf(binding.PKCS11.prototype) ?? {};
  const { C_SignInit, C_Sign, C_DigestUpdate } = bare;
  if (C_SignInit === undefined || C_Sign === undefined || C_DigestUpdate === undefined) {
    return {
      signInit: (session, mechanism, key) => nativeModule.C_SignInit(session, mechanism, key),
      sign: (session, input, output) => nativeModule.C_Sign(session, input, output).length,
      digestUpdate: (session, data) => nativeModule.C_DigestUpdate(session, data),
    };
  }
  return {
    signInit: C_SignInit.bind(nativeModule),
    sign: C_Sign.bind(nativeModule),
    digestUpdate: C_DigestUpdate.bind(nativeModule),
  };
}

interface BareFunctions {
  C_SignInit: QuickCalls["signInit"];
  C_Sign: QuickCalls["sign"];
  C_DigestUpdate: QuickCalls["digestUpdate"];
}
