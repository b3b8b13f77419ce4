import { isAbsolute } from "node:path";
import {
  type CallOptions,
  type Certificate,
  type CredentialDescription,
  type CredentialDirectory,
  CredentialError,
  type CredentialSource,
  type Pkcs11ObjectType,
  type Pkcs11Uri,
  parsePkcs11Uri,
  type Signer,
  type SignerOptions,
} from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import { Calls } from "./calls.ts";
import type { Module } from "./cryptoki/module.ts";
import { discoverModules } from "./discovery/discover.ts";
import { borrowModule } from "./inline/registry.ts";
import { type ModuleOpener, Modules } from "./modules.ts";
import { findCertificates, noCertificate } from "./objects/certificates.ts";
import { describeObjects, describeToken, listedTypes, namesNoObject } from "./objects/directory.ts";
import { findPrivateKey } from "./objects/private-key.ts";
import { borrowProcessModule } from "./process/process-module.ts";
import { recovering } from "./recovery.ts";
import { TokenSigner } from "./signing/token-signer.ts";
import { type FoundToken, findToken, findTokens } from "./token/find-token.ts";
import type { LoginRules } from "./token/login.ts";
import { type PinMeans, type PinProvider, type PinRequest, pinRequest } from "./token/pin.ts";
import { Token } from "./token/token.ts";

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
   * Where the module runs. `inline`: in this process, which it can crash, and whose event loop it can stop.
   * `process`: in a child process, which is ended and replaced where it hangs or crashes. Default `inline`.
   */
  readonly isolation?: "inline" | "process";
  /** Milliseconds that one call on the module may take with isolation `process`. Default 10,000; a login, three times as long. */
  readonly deadline?: number;
}

/**
 * The backend of `pkcs11:` URIs: certificates and private keys on tokens, through a PKCS#11 module. Nothing is
 * loaded before the first call. A private key never leaves its token.
 */
export function pkcs11Backend(options: Pkcs11BackendOptions = {}): CredentialSource & CredentialDirectory {
  const { isolation = "inline", deadline = DEADLINE, libraryParameters } = options;
  const open: ModuleOpener =
    isolation === "inline"
      ? (path) => borrowModule(path, libraryParameters)
      : (path) => borrowProcessModule(path, deadline, libraryParameters);
  return new Pkcs11Backend(options, open);
}

/** The backend on modules of any make; {@link pkcs11Backend} is it on modules in this process. */
export class Pkcs11Backend implements CredentialSource, CredentialDirectory {
  readonly name = "pkcs11";
  readonly schemes = ["pkcs11"] as const;
  readonly #modules: Modules;
  readonly #pins: PinMeans;
  readonly #rules: LoginRules;
  readonly #calls = new Calls();
  readonly #tokens = new Map<string, Token>();
  #closing: Promise<void> | undefined;

  constructor(options: Pkcs11BackendOptions, open: ModuleOpener) {
    const { module, pin, allowModuleFromUri = true, discover = false, pinCommands = [] } = checked(options);
    const { maxRefusedPins = Number.POSITIVE_INFINITY, allowFinalTry = false } = options;
    const search = discover ? () => discoverModules() : undefined;
    this.#modules = new Modules({ module, allowModuleFromUri, discover: search }, open);
    this.#pins = { provider: pin, commands: [...pinCommands] };
    this.#rules = { maxRefusedPins, allowFinalTry };
  }

  async certificates(uri: string, options?: CallOptions): Promise<readonly Certificate[]> {
    return await this.#run(uri, options, async (parsed, module) => {
      const { token, pin } = await this.#open(uri, parsed, module, "cert");
      if (pin.isCarried) await token.unlock(pin);
      const found = await findCertificates(token, parsed, uri);
      if (found !== undefined) return found;
      // Certificates are public as a rule; only what is not there is worth asking for a PIN.
      if (!token.isOpen && (await unlockedIfPossible(token, pin))) {
        const hidden = await findCertificates(token, parsed, uri);
        if (hidden !== undefined) return hidden;
      }
      throw await noCertificate(token, uri);
    });
  }

  async signer(uri: string, options?: SignerOptions): Promise<Signer> {
    return await this.#run(uri, options, async (parsed, module) => {
      const { token, pin } = await this.#open(uri, parsed, module, "private");
      await token.unlock(pin);
      const { key, bound } = await findPrivateKey(token, parsed, uri);
      const signer = new TokenSigner(token, key, bound, pin, nodeCrypto());
      return this.#guarded(key.uri, signer);
    });
  }

  async *list(uri: string, options?: CallOptions): AsyncGenerator<CredentialDescription> {
    const found = await this.#run(uri, options, async (parsed, module) => {
      const { matching } = await findTokens(module, parsed);
      const tokens = matching.map((one) => this.#token(one));
      const [only] = tokens;
      const pin = pinRequest(uri, parsed, this.#pins);
      if (only !== undefined && tokens.length === 1) {
        if (pin.isCarried) await only.unlock(pin);
        else if (namesAToken(parsed)) await unlockedIfPossible(only, pin);
      }
      return { parsed, tokens };
    });
    for (const token of found.tokens) {
      if (namesNoObject(found.parsed)) yield describeToken(token);
      for (const type of listedTypes) {
        yield* await this.#run(uri, options, () => describeObjects(token, type, found.parsed));
      }
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#calls.close();
    for (const token of this.#tokens.values()) await token.close();
    this.#tokens.clear();
    await this.#modules.close();
  }

  async #run<T>(
    uri: string,
    options: CallOptions | undefined,
    body: (parsed: Pkcs11Uri, module: Module) => Promise<T>,
  ): Promise<T> {
    if (typeof uri !== "string") throw new TypeError("a URI is a string");
    return await this.#calls.run(uri, options, async () => {
      const parsed = parsePkcs11Uri(uri);
      const module = await this.#modules.forUri(parsed);
      return await recovering(module, options?.signal, () => body(parsed, module));
    });
  }

  /** The one token that the URI names. */
  async #open(
    uri: string,
    parsed: Pkcs11Uri,
    module: Module,
    type: Pkcs11ObjectType,
  ): Promise<{ token: Token; pin: PinRequest }> {
    const asked = parsed.path.type;
    if (asked !== undefined && asked !== type) {
      const what = type === "cert" ? "certificate" : "private key";
      throw new CredentialError("OBJECT_NOT_FOUND", `a ${what} is wanted, and the URI says type=${asked}`, {
        hint: `Write type=${type}, or leave type= out.`,
      });
    }
    const found = await findToken(module, parsed, uri);
    return { token: this.#token(found), pin: pinRequest(uri, parsed, this.#pins) };
  }

  #token(found: FoundToken): Token {
    const { module, slot } = found;
    const { serialNumber, label } = slot.token;
    const key = JSON.stringify([module.path, String(slot.id), serialNumber, label]);
    const token = this.#tokens.get(key) ?? new Token(found, this.#rules);
    this.#tokens.set(key, token);
    return token;
  }

  /** The signer as it leaves the backend: closed with it. */
  #guarded(uri: string, signer: TokenSigner): Signer {
    return {
      publicKey: signer.publicKey,
      schemes: signer.schemes,
      extractable: signer.extractable,
      sign: (scheme, message, options) =>
        this.#calls.run(uri, options, () => signer.sign(scheme, message, options)),
    };
  }
}

/** Logs in where a PIN can be had; no PIN is no error here. */
async function unlockedIfPossible(token: Token, pin: PinRequest): Promise<boolean> {
  try {
    await token.unlock(pin);
    return true;
  } catch (error) {
    if (error instanceof CredentialError && error.code === "PIN_REQUIRED") return false;
    throw error;
  }
}

/** Whether the URI is about one token, and not about whichever there is. */
function namesAToken({ path }: Pkcs11Uri): boolean {
  return path.token !== undefined || path.serial !== undefined || path["slot-id"] !== undefined;
}

function checked(options: Pkcs11BackendOptions): Pkcs11BackendOptions {
  const { module, pin, allowModuleFromUri, discover, maxRefusedPins, isolation, deadline } = options;
  const { allowFinalTry, pinCommands, libraryParameters } = options;
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
  return { ...options };
}

const DEADLINE = 10_000;
/** So that three of them are a time that a timer knows: 2^31 ms. */
const MAX_DEADLINE = 700_000_000;
