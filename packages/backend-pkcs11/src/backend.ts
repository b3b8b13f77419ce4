import {
  type CallOptions,
  type Certificate,
  type CredentialDescription,
  CredentialError,
  type GenerateKeyPairOptions,
  type HealthFinding,
  type ImportCertificateOptions,
  type ImportedCertificate,
  parseCertificate,
  type Signer,
  type SignerOptions,
  type StoredKeyPair,
} from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import type { TokenAccess } from "./access.ts";
import { accessBy } from "./access-options.ts";
import { diagnosis } from "./discovery/diagnosis.ts";
import { tell } from "./listener.ts";
import { certificatesOn, privateKeyOn, unlockToList } from "./looking.ts";
import type { ModuleOpener } from "./modules.ts";
import { describeObjects, describeToken, listedTypes, namesNoObject } from "./objects/directory.ts";
import { givenInTurns } from "./objects/in-turns.ts";
import { checkedOptions, DEADLINE, type Pkcs11BackendOptions } from "./options.ts";
import { freshProcessModule } from "./process/borrow.ts";
import { importCertificate } from "./provisioning/certificate.ts";
import { generateKeyPair } from "./provisioning/generate.ts";
import type { MadeKeyPair, NewKeyPair } from "./provisioning/key-pair.ts";
import { isKeyType, keyTypes } from "./provisioning/kinds.ts";
import { nameOfKey } from "./provisioning/name.ts";
import { importPrivateKey } from "./provisioning/private-key.ts";
import { removeObject } from "./provisioning/remove.ts";
import { provenSigner } from "./signing/sign-once.ts";
import { TokenSigner } from "./signing/token-signer.ts";
import type { Pkcs11Source } from "./source.ts";
import { findTokens } from "./token/find-token.ts";
import { checkedWait, ended, type WaitOptions, waitForToken } from "./token/wait.ts";

/** The backend on modules of any make; `pkcs11Backend` is it on modules of this process or of another one. */
export class Pkcs11Backend implements Pkcs11Source {
  readonly name = "pkcs11";
  readonly schemes = ["pkcs11"] as const;
  readonly #access: TokenAccess;
  readonly #onEvent: Pkcs11BackendOptions["onEvent"];
  readonly #verifiesEach: boolean;
  readonly #freshModule: ModuleOpener;
  readonly #ending = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(options: Pkcs11BackendOptions, open: ModuleOpener) {
    this.#access = accessBy(checkedOptions(options), open, this.#ending.signal);
    this.#verifiesEach = options.verifyEach ?? false;
    const { deadline = DEADLINE } = options;
    this.#freshModule = async (path) =>
      freshProcessModule(path, deadline, await this.#access.modules.parametersFor(path));
    this.#onEvent = options.onEvent;
  }

  async certificates(uri: string, options?: CallOptions): Promise<readonly Certificate[]> {
    return await this.#access.run(uri, options, async (parsed, module) => {
      const opened = await this.#access.open(uri, parsed, module, "cert");
      return await certificatesOn(opened, parsed, uri, options?.signal);
    });
  }

  async signer(uri: string, options?: SignerOptions): Promise<Signer> {
    return await this.#access.run(uri, options, async (parsed, module) => {
      const opened = await this.#access.open(uri, parsed, module, "private");
      const { keys, bound } = await privateKeyOn(opened, parsed, uri, options);
      const { token, pin } = opened;
      const signers = keys.map(
        (key) => new TokenSigner(token, key, bound, pin, nodeCrypto(), this.#verifiesEach),
      );
      const signer = await provenSigner(signers, options?.signal);
      return this.#guarded(signer.uri, signer);
    });
  }

  async *list(uri: string, options?: CallOptions): AsyncGenerator<CredentialDescription> {
    const found = await this.#access.run(uri, options, async (parsed, module) => {
      const { matching } = await findTokens(module, parsed);
      const tokens = matching.map((one) => this.#access.token(one));
      await unlockToList(tokens, this.#access.pinFor(uri, parsed), parsed, options?.signal);
      return { parsed, tokens };
    });
    for (const token of found.tokens) {
      if (namesNoObject(found.parsed)) yield describeToken(token);
      for (const type of listedTypes) {
        yield* givenInTurns(
          await this.#access.run(uri, options, () => describeObjects(token, type, found.parsed)),
        );
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
    return await this.#access.write(
      uri,
      "cert",
      options,
      (parsed) => async (opened) => importCertificate(opened, parsed, uri, parseCertificate(own), options),
    );
  }

  async remove(uri: string, options: CallOptions = {}): Promise<void> {
    await this.#access.write(
      uri,
      undefined,
      options,
      (parsed) => (opened) => removeObject(opened, parsed, uri, options.signal),
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
    const wanted = checkedWait(options, this.#ending.signal);
    const waiting = this.#access.calls.run(uri, options, async () => {
      const { found, looks } = await waitForToken(this.#access.modules, uri, wanted, this.#freshModule);
      const token = this.#access.token(found);
      if (looks > 1) tell(this.#onEvent, { type: "token-present", token: token.uri });
      return describeToken(token);
    });
    return await waiting.catch((error: unknown) => {
      throw error instanceof CredentialError && error.code === "ABORTED"
        ? ended(wanted).with({ uri })
        : error;
    });
  }

  /**
   * What stands between a program and its tokens, behind the module that is configured or found: whether it loads,
   * the states of slots, tokens and PINs, mechanisms that DDS needs. Nobody is logged in.
   */
  async diagnose(options?: CallOptions): Promise<readonly HealthFinding[]> {
    return await this.#access.calls.run("pkcs11:", options, () => diagnosis(this.#access.modules));
  }

  close(): Promise<void> {
    this.#ending.abort();
    this.#closing ??= this.#access.close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Stores a key pair, and lends it. */
  async #store(
    uri: string,
    options: CallOptions,
    body: (wanted: NewKeyPair) => Promise<MadeKeyPair>,
  ): Promise<StoredKeyPair> {
    const { signal } = options;
    const made = await this.#access.write(uri, "private", options, (parsed) => {
      const name = nameOfKey(parsed, uri);
      return ({ token, pin }) => body({ token, name, pin, signal });
    });
    const { signer, ...said } = made;
    return { ...said, ...this.#guarded(made.uri, signer) };
  }

  /** The signer as it leaves the backend: closed with it. */
  #guarded(uri: string, signer: TokenSigner): Signer {
    return {
      publicKey: signer.publicKey,
      schemes: signer.schemes,
      extractable: signer.extractable,
      sign: (scheme, message, options) =>
        this.#access.calls.run(uri, options, () => signer.sign(scheme, message, options)),
    };
  }
}
