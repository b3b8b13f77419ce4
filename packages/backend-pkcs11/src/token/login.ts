import { type AbortSignalLike, CredentialError, type Secret } from "@ddscred/core";
import { CKF_LOGIN_REQUIRED } from "../cryptoki/constants.ts";
import type { Handle, Module, Slot } from "../cryptoki/module.ts";
import type { LoginPage } from "./login-book.ts";
import { quoted } from "./names.ts";
import type { PinRequest } from "./pin.ts";
import { type LoginRules, PinGuard } from "./pin-guard.ts";
import { attemptsLeft } from "./pin-state.ts";

export type { LoginRules } from "./pin-guard.ts";

/** Lends a session for one call: perhaps the only one, which nobody holds while a PIN is asked for. */
type Lend = <T>(call: (session: Handle) => Promise<T>) => Promise<T>;

/**
 * The login of one backend on one token. The PIN is asked for as late as possible, tried once, and never
 * where the token's flags say that it must not be.
 */
export class Login {
  readonly #module: Module;
  readonly #slot: Slot;
  readonly #guard: PinGuard;
  readonly #page: LoginPage;
  readonly #name: string;
  /** Whether this backend gave a PIN that opens the token. */
  #unlocked = false;

  constructor(module: Module, slot: Slot, rules: LoginRules) {
    this.#module = module;
    this.#slot = slot;
    this.#page = module.logins.page(slot.token);
    this.#name = `the token ${quoted(slot.token.label)}`;
    this.#guard = new PinGuard(module, slot, rules);
  }

  /** Whether the token has private objects at all that a login would show. */
  get isNeeded(): boolean {
    return (this.#slot.token.flags & CKF_LOGIN_REQUIRED) !== 0;
  }

  get isUnlocked(): boolean {
    return this.#unlocked;
  }

  /**
   * Logs in where that is not done yet. A PIN that the URI carries is judged also where the token is open
   * already: what a URI opens does not depend on what was opened before.
   *
   * `PIN_REQUIRED`, `PIN_INCORRECT`, `PIN_LOCKED`, `PIN_REFUSED`, and the errors of the PIN's source.
   *
   * @returns whether a PIN was sent, and taken
   */
  async unlock(lend: Lend, request: PinRequest, signal?: AbortSignalLike): Promise<boolean> {
    return await this.#page.inTurn(() => this.#unlock(lend, request, signal));
  }

  /** A PIN for one step that sends it to the token by itself, see {@link send}. For the errors see {@link unlock}. */
  async pinFor(request: PinRequest): Promise<Secret> {
    // Not in the turn of logins: one of those may wait for the session of who asks here.
    return await this.#page.inTurnToAsk(async () => {
      await this.#guard.checkFlags();
      return await this.#pinFrom(request, await request.carried(), true);
    });
  }

  /** Makes the step that sends a PIN, after all others that send one; for whoever has his session already. */
  async send<T>(pin: Secret, step: () => Promise<T>): Promise<T> {
    return await this.#guard.sending(pin, async () => {
      this.#guard.checkCount();
      await this.#guard.checkFlags();
      return await step();
    });
  }

  /** Logs out, if the login is ours and nobody else uses it. */
  async leave(lend: Lend): Promise<void> {
    await this.#page.inTurn(async () => {
      if (this.#page.leave(this)) await lend((session) => this.#module.logout(session));
    });
  }

  /** The sessions are gone, and the login perhaps with them. */
  lost(): void {
    this.#unlocked = false;
  }

  async #unlock(lend: Lend, request: PinRequest, signal?: AbortSignalLike): Promise<boolean> {
    const loggedIn = await lend((session) => this.#module.isLoggedIn(session));
    if (!loggedIn) {
      this.#page.forget();
      this.#unlocked = false;
    }
    const carried = await request.carried();
    if (this.#unlocked && carried === undefined) {
      this.#page.enter(this, undefined);
      return false;
    }
    if (!loggedIn) await this.#guard.checkFlags();
    const pin = await this.#pinFrom(request, carried, !loggedIn, signal);
    const isSent = !loggedIn && (await lend((session) => this.#tryOnce(session, pin)));
    if (isSent) this.#page.enter(this, pin);
    else if (this.#page.opens(pin) !== false) this.#page.enter(this, undefined);
    else
      throw new CredentialError("PIN_INCORRECT", `another PIN opened ${this.#name}; this one is not tried`);
    this.#unlocked = true;
    return isSent;
  }

  async #pinFrom(
    request: PinRequest,
    carried: Secret | undefined,
    isToBeSent: boolean,
    signal?: AbortSignalLike,
  ): Promise<Secret> {
    if (carried !== undefined) this.#guard.checkPin(carried);
    if (isToBeSent) this.#guard.checkCount();
    const pin = carried ?? (await request.ask(this.#slot.token, signal));
    if (pin === undefined) throw this.#required(request);
    this.#guard.checkPin(pin);
    return pin;
  }

  /** @returns false where somebody else in this process was faster */
  async #tryOnce(session: Handle, pin: Secret): Promise<boolean> {
    try {
      await this.#guard.sending(pin, () => this.#module.login(session, pin));
      return true;
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error;
      if (error.rv === "CKR_USER_ALREADY_LOGGED_IN") return false;
      throw error.code === "PIN_INCORRECT" && error.rv !== undefined
        ? await this.#refused(error, pin)
        : error;
    }
  }

  #required({ misnamed }: PinRequest): CredentialError {
    const message = `${this.#name} needs a login for this and no PIN was given`;
    return new CredentialError("PIN_REQUIRED", misnamed === undefined ? message : `${message}: ${misnamed}`, {
      hint: "Add pin-source=file:/path/to/pin behind the ? of the URI, or call the program with --pin-source; the file holds nothing but the PIN.",
    });
  }

  async #refused({ rv = "", call = "" }: CredentialError, pin: Secret): Promise<CredentialError> {
    const flags = await this.#guard.readFlags().catch(() => 0);
    const message = `${this.#name} refused the PIN (${call}: ${rv})${attemptsLeft(flags)}`;
    const hint = "The PIN begins or ends with a blank or the end of a line: take that out of its source.";
    return new CredentialError("PIN_INCORRECT", message, {
      rv,
      call,
      ...(/^\s|\s$/.test(pin.reveal()) ? { hint } : {}),
    });
  }
}
