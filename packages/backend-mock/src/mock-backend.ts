import {
  type CallOptions,
  type Certificate,
  type CredentialDescription,
  type CredentialDirectory,
  CredentialError,
  type CredentialSource,
  type CredentialWriter,
  type DocumentSource,
  type GenerateKeyPairOptions,
  type ImportCertificateOptions,
  type ImportedCertificate,
  type KeyGenerator,
  type KeyImporter,
  parsePkcs11Uri,
  type RevocationSource,
  type Signer,
  type StoredKeyPair,
} from "@ddscred/core";
import { Files, type MockFiles } from "./files.ts";
import { Gate } from "./gate.ts";
import { type MockPinProvider, pinsOf } from "./pins.ts";
import { type CallContext, Cryptoki, type MockCall, type MockFault } from "./token/cryptoki.ts";
import { checkedTokens, type MockToken } from "./token/token.ts";
import { Tokens } from "./token/tokens.ts";
import { certificateToStore, Writer } from "./token/writer.ts";

export interface MockBackendOptions {
  /** Tokens in slots 0, 1, ... */
  readonly tokens?: readonly MockToken[];
  /** Files by path: `{ "governance.p7s": "..." }`. */
  readonly files?: MockFiles;
  /** Asked for a PIN where the URI has none; undefined stands for none. */
  readonly pin?: MockPinProvider;
  /** Tries a PIN even where one more wrong one locks the token. Default false. */
  readonly allowFinalTry?: boolean;
  /** What goes wrong, from the start; `backend.inject` adds more. */
  readonly faults?: readonly MockFault[];
  /** Milliseconds that every PKCS#11 call takes. Default 0. */
  readonly latency?: number;
}

export interface MockBackend
  extends CredentialSource,
    DocumentSource,
    RevocationSource,
    CredentialDirectory,
    KeyGenerator,
    KeyImporter,
    CredentialWriter {
  /** Every PKCS#11 call so far, with what it returned; no secrets. */
  readonly calls: readonly MockCall[];
  /** How often a function was called. */
  count(call: MockCall["call"]): number;
  /** One more fault, from now on. */
  inject(fault: MockFault): void;
}

/**
 * A backend for tests: `pkcs11:` URIs answered by tokens in memory, `file:` and `data:` URIs by files in memory,
 * with the errors of the real backends, and faults where a test wants them. No HSM, no module, no disk.
 */
export function mockBackend(options: MockBackendOptions = {}): MockBackend {
  return new Mock(options);
}

class Mock implements MockBackend {
  readonly name = "mock";
  readonly schemes = ["pkcs11", "file", "data"] as const;
  readonly #cryptoki: Cryptoki;
  readonly #tokens: Tokens;
  readonly #writer: Writer;
  readonly #files: Files;
  readonly #gate = new Gate();

  constructor(options: MockBackendOptions) {
    const { tokens = [], files = {}, faults = [], latency = 0, allowFinalTry = false } = options;
    this.#cryptoki = new Cryptoki(faults, latency);
    this.#files = new Files(files);
    const pins = pinsOf(this.#files, options.pin);
    this.#tokens = new Tokens(checkedTokens(tokens), this.#cryptoki, pins, allowFinalTry);
    this.#writer = new Writer(this.#cryptoki, (context) => this.#tokens.open(context));
  }

  get calls(): readonly MockCall[] {
    return this.#cryptoki.calls;
  }

  count(call: MockCall["call"]): number {
    return this.calls.filter((entry) => entry.call === call).length;
  }

  inject(fault: MockFault): void {
    this.#cryptoki.inject(fault);
  }

  certificates(uri: string, options?: CallOptions): Promise<readonly Certificate[]> {
    return this.#gate.run(uri, options, async (context, onToken) =>
      onToken ? this.#tokens.certificates(context) : this.#files.certificates(context),
    );
  }

  async signer(uri: string, options?: CallOptions): Promise<Signer> {
    const signer = await this.#gate.run(uri, options, async (context, onToken) =>
      onToken ? this.#tokens.signer(context) : this.#files.signer(context),
    );
    return this.#gate.lend(uri, signer);
  }

  document(uri: string, options?: CallOptions): Promise<Uint8Array> {
    return this.#gate.run(uri, options, async (context, onToken) => {
      if (onToken) throw filesOnly(uri, "Signed documents");
      return this.#files.read(context);
    });
  }

  revocationLists(uri: string, options?: CallOptions): Promise<readonly Uint8Array[]> {
    return this.#gate.run(uri, options, async (context, onToken) => {
      if (onToken) throw filesOnly(uri, "Revocation lists");
      return this.#files.revocationLists(context);
    });
  }

  async *list(uri: string, options?: CallOptions): AsyncGenerator<CredentialDescription> {
    const found = await this.#gate.run(uri, options, async (context, onToken) => {
      if (!onToken) throw new CredentialError("UNSUPPORTED", "the mock lists tokens, not files", { uri });
      const all: CredentialDescription[] = [];
      for await (const description of this.#tokens.list(context)) all.push(description);
      return all;
    });
    yield* found;
  }

  async generateKeyPair(uri: string, options: GenerateKeyPairOptions): Promise<StoredKeyPair> {
    const { keyType } = options ?? {};
    if (!NEW_KEYS.includes(keyType)) throw new TypeError(`keyType is one of ${NEW_KEYS.join(", ")}`);
    return this.#gate.lend(
      uri,
      await this.#write(uri, options, (context) => this.#writer.generateKeyPair(context, keyType)),
    );
  }

  async importPrivateKey(uri: string, pkcs8: Uint8Array, options: CallOptions = {}): Promise<StoredKeyPair> {
    if (!(pkcs8 instanceof Uint8Array)) throw new TypeError("a private key is a Uint8Array");
    return this.#gate.lend(
      uri,
      await this.#write(uri, options, (context) => this.#writer.importPrivateKey(context, pkcs8)),
    );
  }

  importCertificate(
    uri: string,
    certificate: Uint8Array,
    options: ImportCertificateOptions = {},
  ): Promise<ImportedCertificate> {
    return this.#write(uri, options, async (context) =>
      this.#writer.importCertificate(context, certificateToStore(certificate), options),
    );
  }

  remove(uri: string, options: CallOptions = {}): Promise<void> {
    return this.#write(uri, options, (context) => this.#writer.remove(context));
  }

  async close(): Promise<void> {
    await this.#gate.close();
    this.#cryptoki.finalize();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #write<T>(uri: string, options: CallOptions, body: (context: CallContext) => Promise<T>): Promise<T> {
    return this.#gate.run(uri, options, async (context, onToken) => {
      if (!onToken)
        throw new CredentialError("UNSUPPORTED", "the mock writes on tokens, not into files", { uri });
      return await body(context);
    });
  }
}

const NEW_KEYS: readonly string[] = ["ec-p256", "ec-p384", "rsa-2048", "rsa-3072", "rsa-4096"];

function filesOnly(uri: string, what: string): CredentialError {
  // A text that is no URI at all is judged as one of a token first.
  parsePkcs11Uri(uri);
  const hint = `${what} are files: give them as file: or data:, URIs.`;
  return new CredentialError("URI_SCHEME_REFUSED", `${what} cannot be read from a token`, { uri, hint });
}
