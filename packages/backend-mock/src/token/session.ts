import { CredentialError, type Secret } from "@ddscred/core";
import { type CallContext, type Cryptoki, Refusal } from "./cryptoki.ts";
import type { StoredObject } from "./objects.ts";
import type { Token } from "./token.ts";

/** Where the PIN of a call is to be had; undefined where there is none. */
export type PinSource = () => Promise<Secret | undefined>;

/**
 * The sessions of one backend with one token, with the guard that keeps a PIN from being locked: one login at
 * a time, no PIN twice that the token has refused, no final try, no empty PIN.
 */
export class TokenSession {
  readonly token: Token;
  readonly #cryptoki: Cryptoki;
  readonly #allowFinalTry: boolean;
  /** PINs that the token has refused. */
  readonly #refused = new Set<string>();
  #openEpoch: number | undefined;
  #loggedIn = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(token: Token, cryptoki: Cryptoki, allowFinalTry: boolean) {
    this.token = token;
    this.#cryptoki = cryptoki;
    this.#allowFinalTry = allowFinalTry;
  }

  /** Whether private objects can be seen. */
  get unlocked(): boolean {
    return !this.token.loginRequired || (this.#loggedIn && this.#openEpoch === this.token.epoch);
  }

  /** A session on the token as it is now; a login from before a removal is gone. */
  async open(context: CallContext): Promise<void> {
    if (this.token.present && this.#openEpoch === this.token.epoch) return;
    await this.#cryptoki.call("C_OpenSession", this.token.label, context, () => {
      if (!this.token.present) throw new Refusal("CKR_TOKEN_NOT_PRESENT");
    });
    this.#openEpoch = this.token.epoch;
    this.#loggedIn = false;
  }

  /** The objects that can be seen now. */
  async objects(context: CallContext): Promise<readonly StoredObject[]> {
    await this.open(context);
    return this.#cryptoki.call("C_FindObjects", this.token.label, context, () =>
      this.token.objects(this.unlocked),
    );
  }

  /** Logs in unless that is done. `PIN_REQUIRED` where the source has none. */
  async login(pin: PinSource, context: CallContext): Promise<void> {
    const turn = this.#turn.then(() => this.#login(pin, context));
    this.#turn = turn.catch(() => undefined);
    await turn;
  }

  async #login(pin: PinSource, context: CallContext): Promise<void> {
    await this.open(context);
    if (this.unlocked) return;
    const { label, pinTriesLeft } = this.token;
    const { uri } = context;
    const secret = await pin();
    if (secret === undefined) {
      throw new CredentialError("PIN_REQUIRED", `token ${label} wants a login and no PIN was given`, { uri });
    }
    if (secret.isEmpty)
      throw new CredentialError("PIN_REFUSED", "the PIN is empty and was not tried", { uri });
    if (this.#refused.has(secret.reveal())) {
      throw new CredentialError(
        "PIN_INCORRECT",
        `token ${label} has refused this PIN; it was not sent again`,
        {
          uri,
        },
      );
    }
    await this.#cryptoki.call("C_GetTokenInfo", label, context, () => undefined);
    if (pinTriesLeft === 0)
      throw new CredentialError("PIN_LOCKED", `the PIN of token ${label} is locked`, { uri });
    if (pinTriesLeft === 1 && !this.#allowFinalTry) {
      throw new CredentialError("PIN_REFUSED", `one more wrong PIN locks token ${label}; it was not tried`, {
        uri,
        hint: "Make sure of the PIN and log in once with the vendor's tool, or allow the final try.",
      });
    }
    await this.#try(secret, context);
  }

  async #try(secret: Secret, context: CallContext): Promise<void> {
    const tries = this.token.pinTriesLeft;
    try {
      await this.#cryptoki.call("C_Login", this.token.label, context, () =>
        this.token.login(secret.reveal()),
      );
    } catch (error) {
      if (this.token.pinTriesLeft < tries) this.#refused.add(secret.reveal());
      throw error;
    }
    this.#loggedIn = true;
  }
}
