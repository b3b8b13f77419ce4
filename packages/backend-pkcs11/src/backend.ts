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
import { checkedOptions, DEADLINE, type Pkcs11BackendOptions } from "./options.ts";
import { borrowProcessModule } from "./process/process-module.ts";
import { recovering } from "./recovery.ts";
import { TokenSigner } from "./signing/token-signer.ts";
import { type FoundToken, findToken, findTokens } from "./token/find-token.ts";
import type { LoginRules } from "./token/login.ts";
import { type PinMeans, type PinRequest, pinRequest } from "./token/pin.ts";
import { Token } from "./token/token.ts";

/**
 * The backend of `pkcs11:` URIs: certificates and private keys on tokens, through a PKCS#11 module. Nothing is
 * loaded before the first call. A private key never leaves its token.
 */
export function pkcs11Backend(options: Pkcs11BackendOptions = {}): CredentialSource & CredentialDirectory {
  const { isolation = "process", deadline = DEADLINE, libraryParameters } = options;
  const open: ModuleOpener =
    isolation === "inline"
      ? (path) => borrowModule(path, libraryParameters)
      : (path) => borrowProcessModule(path, deadline, libraryParameters);
  return new Pkcs11Backend(options, open);
}

/** The backend on modules of any make; {@link pkcs11Backend} is it on modules of this process or of another one. */
export class Pkcs11Backend implements CredentialSource, CredentialDirectory {
  readonly name = "pkcs11";
  readonly schemes = ["pkcs11"] as const;
  readonly #modules: Modules;
  readonly #pins: PinMeans;
  readonly #rules: LoginRules;
  readonly #verifiesEach: boolean;
  readonly #calls = new Calls();
  readonly #tokens = new Map<string, Token>();
  #closing: Promise<void> | undefined;

  constructor(options: Pkcs11BackendOptions, open: ModuleOpener) {
    const {
      module,
      pin,
      allowModuleFromUri = true,
      discover = false,
      pinCommands = [],
    } = checkedOptions(options);
    this.#verifiesEach = options.verifyEach ?? options.isolation !== "inline";
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
      const signer = new TokenSigner(token, key, bound, pin, nodeCrypto(), this.#verifiesEach);
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
