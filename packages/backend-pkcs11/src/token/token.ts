// Above 200 lines: a loss ends slot, sessions, login and what was found in one step, which no two files can take together.

import { type AbortSignalLike, CredentialError, type Secret, tokenError } from "@ddscred/core";
import type { Handle, Module, Slot } from "../cryptoki/module.ts";
import type { EventListener } from "../events.ts";
import { tell } from "../listener.ts";
import { Selections } from "../objects/selections.ts";
import { losses } from "../recovery.ts";
import type { FoundToken } from "./find-token.ts";
import { KeepAlive } from "./keep-alive.ts";
import type { ModuleLimits } from "./known-modules.ts";
import { Login, type LoginRules } from "./login.ts";
import { tokenUri } from "./names.ts";
import type { OpenSessions } from "./open-sessions.ts";
import type { PinRequest } from "./pin.ts";
import { findSame } from "./same-token.ts";
import { gone, type SessionPool } from "./session-pool.ts";
import type { SessionUser, TokenSessions } from "./token-sessions.ts";
import { Writing } from "./writing.ts";

/** A token, with where its PIN comes from. */
export interface OpenedToken {
  readonly token: Token;
  readonly pin: PinRequest;
}

/** How careful a backend is with its tokens. */
export interface TokenRules extends LoginRules {
  /** How many sessions it uses at once, beside the one that stays open. */
  readonly sessions: number;
  /** Milliseconds after which sessions that nobody uses get a call. */
  readonly keepAlive?: number | undefined;
  readonly onEvent?: EventListener | undefined;
}

/**
 * One token, as one backend uses it: its login, and the sessions that it shares with the other backends of this
 * process. Where the module was started anew, all of that is gone, and the token may be in another slot.
 */
export class Token implements SessionUser {
  readonly module: Module;
  readonly limits: ModuleLimits;
  readonly mostSessions: number;
  /** What was found on it in this epoch. */
  readonly selections = new Selections();
  readonly writing = new Writing(this);
  readonly #rules: TokenRules;
  #sessions: TokenSessions;
  #slot: Slot;
  #login: Login;
  #losses = 0;
  #isGone = false;
  /** Whether a login was wanted that the token does not ask for. */
  #hides = false;
  #keepAlive: KeepAlive | undefined;
  /** The epoch of the module in which slot, sessions and login are good. */
  #moduleEpoch: number;

  /** @param found with the epoch of its module in which it was found */
  constructor({ module, slot, epoch, limits }: FoundToken, rules: TokenRules) {
    this.module = module;
    this.#rules = rules;
    this.limits = limits;
    this.mostSessions = Math.min(module.sessions, limits.sessions, rules.sessions);
    this.#sessions = module.shared.on(slot, epoch);
    this.#slot = slot;
    this.#moduleEpoch = epoch;
    this.#login = new Login(module, slot, rules);
    this.#sessions.join(this);
  }

  get canWatch(): boolean {
    return this.limits.canWatch;
  }

  /** Handles that were found in another epoch name nothing, or another object. */
  get epoch(): number {
    return this.module.epoch + this.#losses;
  }

  get slot(): Slot {
    return this.#slot;
  }

  get uri(): string {
    return tokenUri(this.slot);
  }

  /** Whether this backend sees the private objects. */
  get isOpen(): boolean {
    return this.#login.isUnlocked || !this.#login.isNeeded;
  }

  /** The pool, if it is open already. */
  get openPool(): SessionPool | undefined {
    return this.module.epoch === this.#moduleEpoch ? this.#sessions.openPool : undefined;
  }

  /** The session that stays, if the module tells by it whether it was started anew. */
  get watch(): Handle | undefined {
    return this.#sessions.watch;
  }

  /** The pool of this moment; opens the sessions, the first time. */
  async pool(): Promise<SessionPool> {
    return (await this.#open()).pool;
  }

  /** Lends a session for some calls. `SESSION_LOST` where a login was lost while it waited for one. */
  async use<T>(run: (session: Handle) => Promise<T>, signal?: AbortSignalLike): Promise<T> {
    let { epoch } = this;
    try {
      const pool = await this.pool();
      epoch = this.epoch;
      const runInEpoch = async (session: Handle): Promise<T> => {
        if (epoch !== this.epoch) throw gone();
        return await run(session);
      };
      return await pool.use(runInEpoch, signal);
    } catch (error) {
      this.noteFailure(error, epoch);
      throw error;
    }
  }

  /** Whether a login may show more: also where the token says that it wants none. */
  get mayHide(): boolean {
    return !this.#login.isUnlocked;
  }

  /**
   * Logs in, where that is needed and not done yet. For its errors see {@link Login.unlock}.
   *
   * @param isWanted although the token says that it wants no login; from then on it is needed
   */
  async unlock(request: PinRequest, signal?: AbortSignalLike, isWanted = false): Promise<void> {
    if (!this.#login.isNeeded && !isWanted && !this.#hides) return;
    const { epoch } = this;
    try {
      await this.#open();
      if (await this.#login.unlock((call) => this.#useKept(call), request, signal)) this.#tell("login");
      this.#hides ||= isWanted;
    } catch (error) {
      this.noteFailure(error, epoch);
      throw error;
    }
  }

  /** The PIN for one signature with a key that wants it for each (CKA_ALWAYS_AUTHENTICATE). */
  async pinFor(request: PinRequest): Promise<Secret> {
    return await this.#login.pinFor(request);
  }

  /** Makes that signature, after all others that send a PIN; for whoever has a session for it. */
  async sendPin<T>(pin: Secret, sign: () => Promise<T>): Promise<T> {
    return await this.#login.send(pin, sign);
  }

  /**
   * After a failure that ends sessions, objects or the login, a new epoch begins: everything found in an
   * earlier one is looked up again.
   *
   * @param epoch in which the failed call began; only the first failure of an epoch counts
   */
  noteFailure(error: unknown, epoch: number): void {
    const rv = error instanceof CredentialError ? error.rv : undefined;
    if (rv === undefined || epoch !== this.epoch) return;
    if (losses.objects.has(rv)) this.#losses++;
    if (losses.sessions.has(rv)) this.#sessions.lose(removals.has(rv));
  }

  sessionsLost(isTokenGone: boolean): void {
    this.#losses++;
    this.#login.lost();
    if (isTokenGone) this.#noteGone();
  }

  /** What was found in the epoch is looked up again: handles may name other objects. */
  forgetObjects(epoch: number): void {
    if (epoch === this.epoch) this.#losses++;
  }

  /** A call succeeded that had failed with the error. */
  noteRecovery(error: CredentialError): void {
    tell(this.#rules.onEvent, { type: "recovered", module: this.module.path, error });
  }

  /** Leaves the sessions; logs out where the login was ours and nobody else in this process uses it. */
  async close(): Promise<void> {
    await this.#keepAlive?.stop();
    const leave = (): Promise<void> => this.#login.leave((call) => this.#useKept(call));
    if (this.#sessions.isOpen) await leave().catch(() => undefined);
    await this.#sessions.leave(this);
  }

  async #open(): Promise<OpenSessions> {
    while (this.module.epoch !== this.#moduleEpoch) await this.#findAgain();
    if (this.#isGone && !this.#sessions.isOpen) await this.#lookWhetherBack();
    const sessions = await this.#sessions.open();
    this.#noteThere();
    return sessions;
  }

  async #useKept<T>(call: (session: Handle) => Promise<T>): Promise<T> {
    return await (await this.#sessions.open()).useKept(call);
  }

  /** Finds the token among those of the module that was started anew: `TOKEN_REMOVED`. */
  async #findAgain(): Promise<void> {
    const { epoch } = this.module;
    const slot = await findSame(this.module, this.slot);
    if (epoch !== this.module.epoch || epoch === this.#moduleEpoch) return;
    if (slot === undefined) throw this.#notThere(", after the module was started anew");
    this.#moveTo(slot, epoch);
  }

  /**
   * A module may open a session on a card that was pulled (OpenSC does), and notice one that is back only when it
   * is asked for its slots.
   */
  async #lookWhetherBack(): Promise<void> {
    const { epoch } = this.module;
    const slot = await findSame(this.module, this.slot);
    if (epoch !== this.module.epoch || this.#sessions.isOpen) return;
    if (slot === undefined) throw this.#notThere("");
    if (slot.id !== this.slot.id) this.#moveTo(slot, epoch);
  }

  #moveTo(slot: Slot, epoch: number): void {
    void this.#sessions.leave(this);
    this.#slot = slot;
    this.#moduleEpoch = epoch;
    this.#login = new Login(this.module, slot, this.#rules);
    this.#sessions = this.module.shared.on(slot, epoch);
    this.#sessions.join(this);
  }

  #notThere(when: string): CredentialError {
    this.#noteGone();
    return new CredentialError("TOKEN_REMOVED", `${this.uri} is not there${when}`, { retryable: true });
  }

  #noteGone(): void {
    if (!this.#isGone) this.#tell("token-removed");
    this.#isGone = true;
  }

  /** A session is open. */
  #noteThere(): void {
    if (this.#isGone) this.#tell("token-present");
    this.#isGone = false;
    const { keepAlive } = this.#rules;
    if (keepAlive !== undefined) this.#keepAlive ??= new KeepAlive(keepAlive, () => this.#useIdleSessions());
  }

  #tell(type: "login" | "token-removed" | "token-present"): void {
    const { onEvent } = this.#rules;
    if (onEvent !== undefined) tell(onEvent, { type, token: this.uri });
  }

  /** C_GetSessionInfo on each session that nobody uses. What is found dead is let go; the next call makes it anew. */
  async #useIdleSessions(): Promise<void> {
    const { epoch } = this;
    if (this.module.epoch !== this.#moduleEpoch) return;
    try {
      await this.#sessions.useIdle(async (session) => {
        const isLoggedIn = await this.module.isLoggedIn(session);
        if (!isLoggedIn && this.#login.isUnlocked)
          throw tokenError("CKR_USER_NOT_LOGGED_IN", "C_GetSessionInfo");
      });
    } catch (error) {
      this.noteFailure(error, epoch);
    }
  }
}

/** Return values that say that the token itself is not there. */
const removals: ReadonlySet<string> = new Set(["CKR_DEVICE_REMOVED", "CKR_TOKEN_NOT_PRESENT"]);
