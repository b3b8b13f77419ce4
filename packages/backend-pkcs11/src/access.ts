import {
  type CallOptions,
  CredentialError,
  type Pkcs11ObjectType,
  type Pkcs11Uri,
  parsePkcs11Uri,
} from "@ddscred/core";
import { Calls } from "./calls.ts";
import type { Module } from "./cryptoki/module.ts";
import { tell } from "./listener.ts";
import type { Modules } from "./modules.ts";
import { recovering } from "./recovery.ts";
import { type FoundToken, findToken } from "./token/find-token.ts";
import { type PinMeans, type PinRequest, pinRequest } from "./token/pin.ts";
import { notePinVariable } from "./token/pin-variables.ts";
import { type OpenedToken, Token, type TokenRules } from "./token/token.ts";

/** How the calls of one backend reach their tokens: by which module, after which login, and how often. */
export class TokenAccess {
  readonly modules: Modules;
  readonly calls = new Calls();
  readonly #pins: PinMeans;
  readonly #rules: TokenRules;
  readonly #tokens = new Map<string, Token>();

  constructor(modules: Modules, pins: PinMeans, rules: TokenRules) {
    this.modules = modules;
    this.#pins = pins;
    this.#rules = rules;
  }

  /** Runs one call about a URI on its module, again where the reason for a failure could be mended. */
  async run<T>(
    uri: string,
    options: CallOptions | undefined,
    body: (parsed: Pkcs11Uri, module: Module) => Promise<T>,
  ): Promise<T> {
    if (typeof uri !== "string") throw new TypeError("a URI is a string");
    return await this.calls.run(uri, options, async () => {
      const parsed = parsePkcs11Uri(uri);
      notePinVariable(parsed);
      const module = await this.modules.forUri(parsed);
      const attempt = (): Promise<T> => body(parsed, module);
      return await recovering(module, options?.signal, attempt, this.#recovered(module));
    });
  }

  /**
   * Logs in on the token that the URI names, and writes: once, for what is written twice is there twice.
   *
   * @param begin reads the URI, before anybody is asked for a PIN, and gives what is done then
   */
  async write<T>(
    uri: string,
    type: Pkcs11ObjectType | undefined,
    options: CallOptions,
    begin: (parsed: Pkcs11Uri) => (opened: OpenedToken) => Promise<T>,
  ): Promise<T> {
    if (typeof uri !== "string") throw new TypeError("a URI is a string");
    return await this.calls.run(uri, options, async () => {
      const parsed = parsePkcs11Uri(uri);
      const body = begin(parsed);
      notePinVariable(parsed);
      const module = await this.modules.forUri(parsed);
      const open = async (): Promise<OpenedToken> => {
        const one = await this.open(uri, parsed, module, type ?? parsed.path.type);
        await one.token.unlock(one.pin, options.signal);
        return one;
      };
      return await body(await recovering(module, options.signal, open, this.#recovered(module)));
    });
  }

  /** The one token that the URI names. */
  async open(
    uri: string,
    parsed: Pkcs11Uri,
    module: Module,
    type: Pkcs11ObjectType | undefined,
  ): Promise<OpenedToken> {
    const asked = parsed.path.type;
    if (asked !== undefined && asked !== type) {
      const what = type === "cert" ? "certificate" : "private key";
      throw new CredentialError("OBJECT_NOT_FOUND", `a ${what} is wanted, and the URI says type=${asked}`, {
        hint: `Write type=${type}, or leave type= out.`,
      });
    }
    const found = await findToken(module, parsed, uri);
    return { token: this.token(found), pin: this.pinFor(uri, parsed) };
  }

  /** The token as this backend uses it. */
  token(found: FoundToken): Token {
    const { module, slot } = found;
    const { serialNumber, label } = slot.token;
    const key = JSON.stringify([module.path, String(slot.id), serialNumber, label]);
    const token = this.#tokens.get(key) ?? new Token(found, this.#rules);
    this.#tokens.set(key, token);
    return token;
  }

  #recovered(module: Module): (error: CredentialError) => void {
    return (error) => tell(this.#rules.onEvent, { type: "recovered", module: module.path, error });
  }

  /** Where the PIN for a URI comes from. */
  pinFor(uri: string, parsed: Pkcs11Uri): PinRequest {
    return pinRequest(uri, parsed, this.#pins);
  }

  /** After all calls under way, gives tokens and modules back. */
  async close(): Promise<void> {
    await this.calls.close();
    for (const token of this.#tokens.values()) await token.close();
    this.#tokens.clear();
    await this.modules.close();
  }
}
