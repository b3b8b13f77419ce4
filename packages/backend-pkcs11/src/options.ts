import { isAbsolute } from "node:path";
import type { EventListener } from "./events.ts";
import type { PinProvider } from "./token/pin.ts";
import type { TraceListener } from "./trace.ts";

export interface Pkcs11BackendOptions {
  /** Path of the PKCS#11 module. A URI whose `module-path` names another one is refused. */
  readonly module?: string;
  /** What the module is started with, for modules that want a text: NSS softokn, as `configDir='sql:/path' flags=readOnly`. */
  readonly libraryParameters?: string;
  /** Asked for a PIN where the URI has none. */
  readonly pin?: PinProvider;
  /**
   * Whether `module-path` in a URI may load a module, native code of the URI's choice, where no module is
   * configured. Default true.
   */
  readonly allowModuleFromUri?: boolean;
  /**
   * Whether a module is looked for where neither the options nor the URI name one: in PKCS11_MODULE_PATH and
   * PKCS11_PROVIDER_MODULE, in openssl.cnf, in p11-kit's module files. Default false.
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
   * mechanism is, each that took 2 ms or more, each of a module that cannot be watched, and one that comes 5 ms or
   * more after the last that was. After each of the others a digest that was begun in the token's open session and
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
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(names, name));
  if (unknown !== undefined)
    throw new TypeError(`${JSON.stringify(unknown)} is no option of the PKCS#11 backend`);
  const { module, pin, allowModuleFromUri, discover, maxRefusedPins, isolation, deadline } = options;
  const { keepAlive, onEvent, trace } = options;
  const { allowFinalTry, pinCommands, libraryParameters, verifyEach, sessions } = options;
  if (module !== undefined && typeof module !== "string")
    throw new TypeError("module is the path of a module");
  if (
    libraryParameters !== undefined &&
    (typeof libraryParameters !== "string" || libraryParameters.includes("\0"))
  ) {
    throw new TypeError("libraryParameters is a text without NUL");
  }
  if (pin !== undefined && typeof pin !== "function")
    throw new TypeError("pin is a function that gives a Secret");
  if (allowModuleFromUri !== undefined && typeof allowModuleFromUri !== "boolean") {
    throw new TypeError("allowModuleFromUri is true or false");
  }
  if (discover !== undefined && typeof discover !== "boolean")
    throw new TypeError("discover is true or false");
  if (maxRefusedPins !== undefined && !(typeof maxRefusedPins === "number" && maxRefusedPins >= 1)) {
    throw new TypeError("maxRefusedPins is a number from 1");
  }
  if (allowFinalTry !== undefined && typeof allowFinalTry !== "boolean") {
    throw new TypeError("allowFinalTry is true or false");
  }
  const isAbsolutePath = (path: unknown): boolean => typeof path === "string" && isAbsolute(path);
  if (pinCommands !== undefined && !(Array.isArray(pinCommands) && pinCommands.every(isAbsolutePath))) {
    throw new TypeError("pinCommands is a list of absolute paths");
  }
  if (isolation !== undefined && isolation !== "inline" && isolation !== "process") {
    throw new TypeError('isolation is "inline" or "process"');
  }
  if (
    deadline !== undefined &&
    !(typeof deadline === "number" && deadline >= 1 && deadline <= MAX_DEADLINE)
  ) {
    throw new TypeError(`deadline is a number of milliseconds from 1 to ${MAX_DEADLINE}`);
  }
  if (sessions !== undefined && !(Number.isSafeInteger(sessions) && sessions >= 1))
    throw new TypeError("sessions is a number from 1");
  if (verifyEach !== undefined && typeof verifyEach !== "boolean")
    throw new TypeError("verifyEach is true or false");
  if (
    keepAlive !== undefined &&
    !(typeof keepAlive === "number" && keepAlive >= 1 && keepAlive <= MAX_DEADLINE)
  ) {
    throw new TypeError(`keepAlive is a number of milliseconds from 1 to ${MAX_DEADLINE}`);
  }
  for (const [name, listener] of Object.entries({ onEvent, trace })) {
    if (listener !== undefined && typeof listener !== "function")
      throw new TypeError(`${name} is a function`);
  }
  return { ...options };
}

const names: Readonly<Record<keyof Pkcs11BackendOptions, true>> = {
  module: true,
  libraryParameters: true,
  pin: true,
  allowModuleFromUri: true,
  discover: true,
  maxRefusedPins: true,
  allowFinalTry: true,
  pinCommands: true,
  isolation: true,
  deadline: true,
  sessions: true,
  verifyEach: true,
  keepAlive: true,
  onEvent: true,
  trace: true,
};

export const DEADLINE = 10_000;
/** So that three of them are a time that a timer knows: 2^31 ms. */
const MAX_DEADLINE = 700_000_000;
