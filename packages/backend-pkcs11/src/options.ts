import { isAbsolute } from "node:path";
import type { EventListener } from "./events.ts";
import type { PinProvider } from "./token/pin.ts";
import type { TraceListener } from "./trace.ts";

export interface Pkcs11BackendOptions {
  /** Path of the PKCS#11 module. A URI whose `module-path` names another one is refused. */
  readonly module?: string;
  /**
   * What the module is started with, for modules that want a text: NSS softokn, as `configDir='sql:/path' flags=readOnly`.
   * It may hold passwords, and is never shown. With `discover` it is for `module`, or else for the one that the
   * environment names; what it does not say for a module is taken from where the machine's configuration states it.
   */
  readonly libraryParameters?: string;
  /** Asked for a PIN where the URI has none. */
  readonly pin?: PinProvider;
  /**
   * Whether `module-path` in a URI may load a module, native code of the URI's choice, where no module is
   * configured. Default true.
   */
  readonly allowModuleFromUri?: boolean;
  /**
   * Absolute paths of the modules that may be loaded, whoever names them: the options, a URI, the environment, the
   * machine's configuration. Default: each that nobody but root and this user may write to.
   */
  readonly allowedModules?: readonly string[];
  /**
   * Whether a module is looked for where neither the options nor the URI name one: in PKCS11_MODULE_PATH and
   * PKCS11_PROVIDER_MODULE, in openssl.cnf, in p11-kit's module files; and what a module is started with, in
   * the latter two. Default false.
   */
  readonly discover?: boolean;
  /**
   * After how many different PINs that a token refused, in this process, no other is sent to it. Default: no
   * limit, so each PIN is sent once.
   */
  readonly maxRefusedPins?: number;
  /** Whether a PIN is sent where one more wrong PIN locks the token. Default false. */
  readonly allowFinalTry?: boolean;
  /** Absolute paths of the programs that a pin-source of the form `|PROGRAM ARGUMENTS` may run. Default: none. */
  readonly pinCommands?: readonly string[];
  /**
   * Where the module runs. `process`, the default: in a child process, which is ended and replaced where it hangs
   * or crashes. `inline`: in this process, which it can crash, and whose event loop it can stop; for commands that
   * run once, and for the most signatures a second.
   */
  readonly isolation?: "inline" | "process";
  /** Milliseconds that one call on the module may take with isolation `process`. Default 10,000; a login, three times as long. */
  readonly deadline?: number;
  /**
   * How many sessions of a token are used at once, beside one that stays open, by all backends of this process: the
   * least that one of them says. 1 for a module that does not bear several threads. Default: 4 with isolation `inline`,
   * 16 with `process`, fewer where the token has fewer.
   */
  readonly sessions?: number;
  /**
   * Whether every signature is verified before it leaves. Default false: the first with each handle and by each
   * mechanism is, each that took 2 ms or more (those of devices), each of a module that cannot be watched quickly, and one
   * that comes 10 ms or more after the last that was. After each of the others a digest that was begun in the token's open session and
   * never ends must go on, which shows that nobody started the module anew.
   */
  readonly verifyEach?: boolean;
  /**
   * Milliseconds after which sessions that nobody uses get a cheap call, for a device that ends idle ones. What is
   * found dead is made anew by the next call that needs it. Default: never.
   */
  readonly keepAlive?: number;
  /** Told of logins, of tokens that go and come, and of recoveries. */
  readonly onEvent?: EventListener;
  /** Told of every call on a module, with its time. */
  readonly trace?: TraceListener;
}

/** A copy of the options; a TypeError where one is of a wrong kind, or is none: a misspelt one would protect nothing. */
export function checkedOptions(options: Pkcs11BackendOptions): Pkcs11BackendOptions {
  if (typeof options !== "object" || options === null) throw new TypeError("options are an object");
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(rules, name))
      throw new TypeError(`${JSON.stringify(name)} is no option of the PKCS#11 backend`);
    const rule = rules[name as keyof Pkcs11BackendOptions];
    if (value !== undefined && !rule.isGood(value)) throw new TypeError(`${name} is ${rule.is}`);
  }
  return { ...options };
}

export const DEADLINE = 10_000;
/** So that three of them are a time that a timer knows: 2^31 ms. */
const MAX_DEADLINE = 700_000_000;

interface Rule {
  isGood(value: unknown): boolean;
  /** What a value that is good is, in words. */
  readonly is: string;
}

const yesOrNo: Rule = { isGood: (value) => typeof value === "boolean", is: "true or false" };
const listener: Rule = { isGood: (value) => typeof value === "function", is: "a function" };
const isAbsolutePath = (path: unknown): boolean => typeof path === "string" && isAbsolute(path);
const paths: Rule = {
  isGood: (value) => Array.isArray(value) && value.every(isAbsolutePath),
  is: "a list of absolute paths",
};
const milliseconds: Rule = {
  isGood: (value) => typeof value === "number" && value >= 1 && value <= MAX_DEADLINE,
  is: `a number of milliseconds from 1 to ${MAX_DEADLINE}`,
};

const rules: Readonly<Record<keyof Pkcs11BackendOptions, Rule>> = {
  module: { isGood: (value) => typeof value === "string", is: "the path of a module" },
  libraryParameters: {
    isGood: (value) => typeof value === "string" && !value.includes("\0"),
    is: "a text without NUL",
  },
  pin: { ...listener, is: "a function that gives a Secret" },
  allowModuleFromUri: yesOrNo,
  allowedModules: paths,
  discover: yesOrNo,
  maxRefusedPins: { isGood: (value) => typeof value === "number" && value >= 1, is: "a number from 1" },
  allowFinalTry: yesOrNo,
  pinCommands: paths,
  isolation: { isGood: (value) => value === "inline" || value === "process", is: '"inline" or "process"' },
  deadline: milliseconds,
  sessions: {
    isGood: (value) => Number.isSafeInteger(value) && (value as number) >= 1,
    is: "a number from 1",
  },
  verifyEach: yesOrNo,
  keepAlive: milliseconds,
  onEvent: listener,
  trace: listener,
};
