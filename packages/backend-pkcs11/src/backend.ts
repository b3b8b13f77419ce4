import {
  type CallOptions,
  type Certificate,
  type CredentialDescription,
  type CredentialDirectory,
  CredentialError,
  type CredentialSource,
  type CredentialWriter,
  type GenerateKeyPairOptions,
  type ImportCertificateOptions,
  type ImportedCertificate,
  type KeyGenerator,
  type KeyImporter,
  type Pkcs11ObjectType,
  type Pkcs11Uri,
  parseCertificate,
  parsePkcs11Uri,
  type Signer,
  type SignerOptions,
  type StoredKeyPair,
} from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import { Calls } from "./calls.ts";
import type { Module } from "./cryptoki/module.ts";
import { discoverModules } from "./discovery/discover.ts";
import { borrowModule } from "./inline/registry.ts";
import { tell } from "./listener.ts";
import { type ModuleOpener, Modules } from "./modules.ts";
import { findCertificates, noCertificate } from "./objects/certificates.ts";
import { describeObjects, describeToken, listedTypes, namesNoObject } from "./objects/directory.ts";
import { findPrivateKey } from "./objects/private-key.ts";
import { checkedOptions, DEADLINE, type Pkcs11BackendOptions } from "./options.ts";
import { borrowProcessModule, freshProcessModule } from "./process/process-module.ts";
import { importCertificate } from "./provisioning/certificate.ts";
import { generateKeyPair, type MadeKeyPair, type NewKeyPair } from "./provisioning/key-pair.ts";
import { isKeyType, keyTypes } from "./provisioning/kinds.ts";
import { nameOfKey } from "./provisioning/name.ts";
import { importPrivateKey } from "./provisioning/private-key.ts";
import { removeObject } from "./provisioning/remove.ts";
import { recovering } from "./recovery.ts";
import { TokenSigner } from "./signing/token-signer.ts";
import { type FoundToken, findToken, findTokens } from "./token/find-token.ts";
import { type PinMeans, type PinRequest, pinRequest } from "./token/pin.ts";
import { Token, type TokenRules } from "./token/token.ts";
import { INTERVAL, lookForToken, untilThere, type WaitOptions } from "./token/wait.ts";
import { tracedOpener } from "./trace.ts";

/** Tokens come and go. */
export interface TokenWatch {
  waitForToken(uri: string, options?: WaitOptions): Promise<CredentialDescription>;
}

/** All that tokens offer. */
export type Pkcs11Source = TokenWatch &
  CredentialSource &
  CredentialDirectory &
  KeyGenerator &
  KeyImporter &
  CredentialWriter;

/**
 * The backend of `pkcs11:` URIs: certificates and private keys on tokens, through a PKCS#11 module. Nothing is
 * loaded before the first call. A private key never leaves its token.
 */
export function pkcs11Backend(options: Pkcs11BackendOptions = {}): Pkcs11Source {
  const { isolation = "process", deadline = DEADLINE, libraryParameters } = options;
  const open: ModuleOpener =
    isolation === "inline"
      ? (path) => borrowModule(path, libraryParameters)
      : (path) => borrowProcessModule(path, deadline, libraryParameters);
  return new Pkcs11Backend(options, open);
}

/** The backend on modules of any make; {@link pkcs11Backend} is it on modules of this process or of another one. */
export class Pkcs11Backend
  implements TokenWatch, CredentialSource, CredentialDirectory, KeyGenerator, KeyImporter, CredentialWriter
{
  readonly name = "pkcs11";
  readonly schemes = ["pkcs11"] as const;
  readonly #modules: Modules;
  readonly #pins: PinMeans;
  readonly #rules: TokenRules;
  readonly #verifiesEach: boolean;
  readonly #calls = new Calls();
  readonly #tokens = new Map<string, Token>();
  readonly #freshModule: ModuleOpener;
  readonly #ending = new AbortController();
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
    const { sessions = Number.POSITIVE_INFINITY, deadline = DEADLINE, libraryParameters, trace } = options;
    this.#freshModule = (path) => freshProcessModule(path, deadline, libraryParameters);
    const search = discover ? () => discoverModules() : undefined;
    this.#modules = new Modules({ module, allowModuleFromUri, discover: search }, tracedOpener(open, trace));
    this.#pins = { provider: pin, commands: [...pinCommands] };
    const { keepAlive, onEvent } = options;
    this.#rules = { maxRefusedPins, allowFinalTry, sessions, keepAlive, onEvent };
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
      const { key, bound } = await findPrivateKey(token, parsed, uri, options?.publicKey);
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

  async generateKeyPair(uri: string, options: GenerateKeyPairOptions): Promise<StoredKeyPair> {
    if (!isKeyType(options?.keyType)) throw new TypeError(`keyType is one of ${keyTypes.join(", ")}`);
    return await this.#store(uri, options, (wanted) => generateKeyPair(wanted, options.keyType));
  }

  async importPrivateKey(
    uri: string,
    privateKey: Uint8Array,
    options: CallOptions = {},
  ): Promise<StoredKeyPair> {
    if (!(privateKey instanceof Uint8Array)) throw new TypeError("a private key is a Uint8Array");
    return await this.#store(uri, options, (wanted) => importPrivateKey(wanted, privateKey));
  }

  async importCertificate(
    uri: string,
    certificate: Uint8Array,
    options: ImportCertificateOptions = {},
  ): Promise<ImportedCertificate> {
    if (!(certificate instanceof Uint8Array)) throw new TypeError("a certificate is a Uint8Array");
    const own = new Uint8Array(certificate);
    return await this.#write(uri, "cert", options, async ({ token }, parsed) =>
      importCertificate(token, parsed, uri, parseCertificate(own), options),
    );
  }

  async remove(uri: string, options: CallOptions = {}): Promise<void> {
    await this.#write(uri, undefined, options, ({ token }, parsed) =>
      removeObject(token, parsed, uri, options.signal),
    );
  }

  /**
   * Waits until a token that the URI names is there: one that is connected, or initialised, or whose service is
   * started, after the call. It looks at the slots from time to time; where the running module does not see the
   * token and a new process does, the module is started anew, after which signers go on by themselves.
   *
   * `ABORTED` by the signal, `CLOSED` by close(), `TOKEN_AMBIGUOUS`, and what opening a module may throw.
   *
   * @returns a description with the canonical URI of the token
   */
  async waitForToken(uri: string, options: WaitOptions = {}): Promise<CredentialDescription> {
    if (typeof uri !== "string") throw new TypeError("a URI is a string");
    const { signal, interval = INTERVAL } = options;
    if (!(typeof interval === "number" && interval >= 1))
      throw new TypeError("interval is a number of milliseconds from 1");
    return await this.#calls.run(uri, options, async () => {
      const parsed = parsePkcs11Uri(uri);
      let looks = 0;
      const look = async (): Promise<FoundToken> => {
        const module = await this.#modules.forUri(parsed);
        return await lookForToken(module, parsed, uri, looks++ === 0 ? undefined : this.#freshModule);
      };
      const token = this.#token(await untilThere(look, interval, signal, this.#ending.signal));
      if (looks > 1) tell(this.#rules.onEvent, { type: "token-present", token: token.uri });
      return describeToken(token);
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#ending.abort();
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
      const attempt = (): Promise<T> => body(parsed, module);
      return await recovering(module, options?.signal, attempt, this.#recovered(module));
    });
  }

  /** Stores a key pair, and lends it. */
  async #store(
    uri: string,
    options: CallOptions,
    body: (wanted: NewKeyPair) => Promise<MadeKeyPair>,
  ): Promise<StoredKeyPair> {
    const { signal } = options;
    const made = await this.#write(uri, "private", options, ({ token, pin }, parsed) =>
      body({ token, name: nameOfKey(parsed, uri), pin, signal }),
    );
    const { signer, ...said } = made;
    return { ...said, ...this.#guarded(made.uri, signer) };
  }

  /** Logs in on the token that the URI names, and writes: once, for what is written twice is there twice. */
  async #write<T>(
    uri: string,
    type: Pkcs11ObjectType | undefined,
    options: CallOptions,
    body: (opened: { token: Token; pin: PinRequest }, parsed: Pkcs11Uri) => Promise<T>,
  ): Promise<T> {
    if (typeof uri !== "string") throw new TypeError("a URI is a string");
    return await this.#calls.run(uri, options, async () => {
      const parsed = parsePkcs11Uri(uri);
      const module = await this.#modules.forUri(parsed);
      const open = async (): Promise<{ token: Token; pin: PinRequest }> => {
        const one = await this.#open(uri, parsed, module, type ?? parsed.path.type);
        await one.token.unlock(one.pin);
        return one;
      };
      return await body(await recovering(module, options.signal, open, this.#recovered(module)), parsed);
    });
  }

  #recovered(module: Module): (error: CredentialError) => void {
    return (error) => tell(this.#rules.onEvent, { type: "recovered", module: module.path, error });
  }

  /** The one token that the URI names. */
  async #open(
    uri: string,
    parsed: Pkcs11Uri,
    module: Module,
    type: Pkcs11ObjectType | undefined,
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
