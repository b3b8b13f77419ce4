import { type CallOptions, CredentialError, ckrNumber, tokenError } from "@ddscred/core";

/** The PKCS#11 functions that a client of a token calls for what the port offers. */
export type CryptokiFunction =
  | "C_Initialize"
  | "C_GetSlotList"
  | "C_GetTokenInfo"
  | "C_OpenSession"
  | "C_Login"
  | "C_FindObjects"
  | "C_GetAttributeValue"
  | "C_SignInit"
  | "C_Sign"
  | "C_GenerateKeyPair"
  | "C_CreateObject"
  | "C_DestroyObject"
  | "C_Finalize";

/** Something that goes wrong on purpose. */
export interface MockFault {
  readonly call: CryptokiFunction;
  /** What the call returns, such as `CKR_DEVICE_ERROR`. Without it the call is only late. */
  readonly rv?: string;
  /** How many calls are concerned. Default: all from the first on. */
  readonly times?: number;
  /** How many calls go well before. Default 0. */
  readonly after?: number;
  /** Milliseconds before the call ends. Default 0. */
  readonly delay?: number;
  /** Only for calls to the token with this label. */
  readonly token?: string;
}

/** One entry of the log. It never holds a PIN. */
export interface MockCall {
  readonly call: CryptokiFunction;
  readonly rv: string;
  /** Label of the token, for calls that have one. */
  readonly token?: string;
}

/** What a call is made for. */
export interface CallContext extends CallOptions {
  /** The URI that the caller gave, for errors. */
  readonly uri: string;
}

/** Thrown by a token inside a call: the return value that is not CKR_OK. */
export class Refusal extends Error {
  readonly rv: string;

  constructor(rv: string) {
    super(rv);
    this.rv = rv;
  }
}

/** The module between client and tokens: every call is logged, delayed, and fails where a fault says so. */
export class Cryptoki {
  readonly calls: MockCall[] = [];
  readonly #faults: { fault: MockFault; seen: number }[] = [];
  readonly #latency: number;
  #initialized = false;

  constructor(faults: readonly MockFault[], latency: number) {
    this.#latency = latency;
    for (const fault of faults) this.inject(fault);
  }

  /** A fault from now on. */
  inject(fault: MockFault): void {
    if (fault.rv !== undefined && ckrNumber(fault.rv) === undefined) {
      throw new TypeError(`"${fault.rv}" is no name of a PKCS#11 return value, such as CKR_DEVICE_ERROR`);
    }
    this.#faults.push({ fault: { ...fault }, seen: 0 });
  }

  async initialize(context: CallContext): Promise<void> {
    if (this.#initialized) return;
    await this.call("C_Initialize", undefined, context, () => undefined);
    this.#initialized = true;
  }

  finalize(): void {
    if (this.#initialized) this.calls.push({ call: "C_Finalize", rv: "CKR_OK" });
    this.#initialized = false;
  }

  /** Makes one call; `body` is what the module does in it. Its refusal becomes a CredentialError. */
  async call<T>(
    call: CryptokiFunction,
    token: string | undefined,
    { uri, signal }: CallContext,
    body: () => T | Promise<T>,
  ): Promise<T> {
    const fault = this.#next(call, token);
    await pause(this.#latency + (fault?.delay ?? 0), { uri, ...(signal && { signal }) });
    const log = (rv: string) => this.calls.push({ call, rv, ...(token === undefined ? {} : { token }) });
    try {
      if (fault?.rv !== undefined) throw new Refusal(fault.rv);
      const result = await body();
      log("CKR_OK");
      return result;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      log(error.rv);
      throw tokenError(error.rv, call, { uri });
    }
  }

  /** The fault that strikes this call; each one counts the calls it could have struck. */
  #next(call: CryptokiFunction, token: string | undefined): MockFault | undefined {
    let striking: MockFault | undefined;
    for (const entry of this.#faults) {
      const { fault } = entry;
      if (fault.call !== call || (fault.token !== undefined && fault.token !== token)) continue;
      const turn = entry.seen++ - (fault.after ?? 0);
      if (turn >= 0 && turn < (fault.times ?? Number.POSITIVE_INFINITY)) striking ??= fault;
    }
    return striking;
  }
}

/** Waits; `ABORTED` as soon as the signal says so. */
async function pause(milliseconds: number, { uri, signal }: CallContext): Promise<void> {
  const aborted = () => new CredentialError("ABORTED", "the call was aborted", { uri });
  if (signal?.aborted === true) throw aborted();
  if (milliseconds <= 0) return;
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(aborted());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
