import { CredentialError } from "@ddscred/core";
import { mechanismName } from "./cryptoki/mechanism-names.ts";
import type { BorrowedModule, Handle, Module, SignRequest } from "./cryptoki/module.ts";
import { ulong } from "./cryptoki/ulong.ts";
import { tell } from "./listener.ts";
import type { ModuleOpener } from "./modules.ts";

/**
 * One call on a module, as a trace shows it: which function, how long, with what result. There is never a PIN
 * in it, nor a byte of what is signed or read.
 */
export interface TracedCall {
  /** The function that failed, or the one that does the work: C_Sign stands for C_SignInit too. */
  readonly call: string;
  /** Until the answer was here: with isolation `process`, with the way to the process and back. */
  readonly milliseconds: number;
  /** Name of the return value, `CKR_OK`; the code of the error where the module gave none, such as `TIMEOUT`. */
  readonly result: string;
  /** Of slot and session the last four hexadecimal digits, enough to tell them apart. */
  readonly slot?: string;
  readonly session?: string;
  readonly mechanism?: string;
  /** Bytes that the module was given to sign, and bytes that it gave. */
  readonly given?: number;
  readonly got?: number;
  /** How many slots, objects or attributes it gave. */
  readonly count?: number;
}

export type TraceListener = (call: TracedCall) => void;

/** Opens modules whose calls are told to a listener, if there is one. */
export function tracedOpener(open: ModuleOpener, listener: TraceListener | undefined): ModuleOpener {
  if (listener === undefined) return open;
  return async (path, parameters) => {
    const { module, release } = await timed(listener, { call: "C_Initialize" }, () => open(path, parameters));
    return {
      module: traced(module, listener),
      release: () => timed(listener, { call: "C_Finalize" }, release),
    } satisfies BorrowedModule;
  };
}

/** The module, with its calls told. What is no call is as it was. */
function traced(module: Module, listener: TraceListener): Module {
  return new Proxy(module, {
    get(_, name) {
      const value: unknown = Reflect.get(module, name, module);
      const row = Object.hasOwn(rows, name) ? (rows[name as Traced] as UntypedRow) : undefined;
      if (name === "signNow" || name === "pause") return undefined; // all signatures are told by one name
      if (typeof value !== "function") return value;
      const call = (...args: unknown[]): unknown => Reflect.apply(value, module, args);
      if (row === undefined) return call;
      return (...args: unknown[]) => {
        const facts = { call: row.call, ...row.before?.(...args) };
        return timed(listener, facts, () => call(...args) as Promise<unknown>, row.after);
      };
    },
  });
}

/** The row of a method whose arguments and result are passed on as they are. */
interface UntypedRow {
  readonly call: string;
  readonly before?: (...args: readonly unknown[]) => Partial<Facts>;
  readonly after?: (result: unknown) => Partial<Facts>;
}

type Facts = Omit<TracedCall, "milliseconds" | "result">;

async function timed<T>(
  listener: TraceListener,
  facts: Facts,
  run: () => Promise<T>,
  after?: (result: unknown) => Partial<Facts>,
): Promise<T> {
  const began = performance.now();
  const end = (result: string, more: Partial<Facts>): void =>
    tell(listener, { ...facts, ...more, milliseconds: performance.now() - began, result });
  try {
    const result = await run();
    end("CKR_OK", after?.(result) ?? {});
    return result;
  } catch (error) {
    const { rv, code = "INTERNAL", call = facts.call } = error instanceof CredentialError ? error : {};
    end(rv ?? code, { call });
    throw error;
  }
}

/** What is said of a call, out of its arguments and of its result. */
type Row<M extends keyof Module> = Module[M] extends (...args: infer A) => Promise<infer R>
  ? {
      readonly call: string;
      readonly before?: (...args: A) => Partial<Facts>;
      readonly after?: (result: R) => Partial<Facts>;
    }
  : never;

type Traced = Exclude<
  keyof Module,
  "path" | "epoch" | "logins" | "shared" | "sessions" | "deadline" | "restart" | "signNow" | "pause"
>;

const inSession = (session: Handle): Partial<Facts> => ({ session: digits(session) });
const inSlot = (slotId: bigint): Partial<Facts> => ({ slot: lastDigits(slotId) });
const counted = (found: readonly unknown[]): Partial<Facts> => ({ count: found.length });

const rows: { readonly [M in Traced]: Row<M> } = {
  library: { call: "C_GetInfo" },
  examine: { call: "C_GetMechanismList", after: ({ slots }) => counted(slots) },
  slots: { call: "C_GetSlotList", after: counted },
  token: { call: "C_GetTokenInfo", before: inSlot },
  openSession: { call: "C_OpenSession", before: inSlot, after: inSession },
  closeSession: { call: "C_CloseSession", before: inSession },
  watch: { call: "C_DigestInit", before: inSession },
  unwatch: { call: "C_DigestFinal", before: inSession },
  isLoggedIn: { call: "C_GetSessionInfo", before: inSession },
  login: { call: "C_Login", before: inSession },
  logout: { call: "C_Logout", before: inSession },
  find: { call: "C_FindObjects", before: inSession, after: counted },
  attributes: { call: "C_GetAttributeValue", before: inSession, after: (said) => counted(Object.keys(said)) },
  attributesOf: { call: "C_GetAttributeValue", before: inSession, after: counted },
  sign: {
    call: "C_Sign",
    before: (session, { mechanism, input }: SignRequest) => ({
      session: digits(session),
      mechanism: mechanismName(mechanism.type),
      given: input.length,
    }),
    after: ({ raw }) => ({ got: raw.length }),
  },
  generateKeyPair: {
    call: "C_GenerateKeyPair",
    before: (session, { mechanism }) => ({
      session: digits(session),
      mechanism: mechanismName(mechanism.type),
    }),
  },
  createObject: { call: "C_CreateObject", before: inSession },
  destroyObject: { call: "C_DestroyObject", before: inSession },
};

const digits = (handle: Handle): string => lastDigits(ulong(handle) ?? 0n);
const lastDigits = (number: bigint): string => BigInt.asUintN(16, number).toString(16).padStart(4, "0");
