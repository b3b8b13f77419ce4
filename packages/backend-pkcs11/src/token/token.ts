// Above 200 lines: a loss ends slot, sessions, login and what was found in one step, which no two files can take together.

import { type AbortSignalLike, CredentialError, type Secret, tokenError } from "@ddscred/core";
import { CKF_WRITE_PROTECTED } from "../cryptoki/constants.ts";
import type { Handle, Module, Slot } from "../cryptoki/module.ts";
import type { EventListener } from "../events.ts";
import { tell } from "../listener.ts";
import { Selections } from "../objects/selections.ts";
import { losses } from "../recovery.ts";
import type { FoundToken } from "./find-token.ts";
import { KeepAlive } from "./keep-alive.ts";
import type { ModuleLimits } from "./known-modules.ts";
import { Login, type LoginRules } from "./login.ts";
import { quoted, tokenUri } from "./names.ts";
import type { PinRequest } from "./pin.ts";
import { findSame } from "./same-token.ts";
import type { SessionPool } from "./session-pool.ts";
import { TokenSessions } from "./token-sessions.ts";

/** How careful a backend is with its tokens. */
export interface TokenRules extends LoginRules {
  /** How many sessions it uses at once, beside the one that stays open. */
  readonly sessions: number;
  /** Milliseconds after which sessions that nobody uses get a call. */
  readonly keepAlive?: number | undefined;
  readonly onEvent?: EventListener | undefined;
}

/**
 * One token, as one backend uses it: its sessions and its login. One session stays open for as long as the
 * backend does, because a token forgets a login with its last session; the others are lent from a pool.
 *
 * Where the module was started anew, all of that is gone, and the token may be in another slot.
 */
export class Token {
  readonly module: Module;
  readonly limits: ModuleLimits;
  /** What was found on it in this epoch. */
  readonly selections = new Selections();
  readonly #rules: TokenRules;
  readonly #sessions: TokenSessions;
  #slot: Slot;
  #login: Login;
  #losses = 0;
  #isGone = false;
  /** Whether a login was wanted that the token does not ask for. */
  #hides = false;
  #keepAlive: KeepAlive | undefined;
  /** The last step of writing that was begun. */
  #writing: Promise<unknown> = Promise.resolve();
  /** The epoch of the module in which slot, sessions and login are good. */
  #moduleEpoch: number;

  /** @param found with the epoch of its module in which it was found */
  constructor({ module, slot, epoch, limits }: FoundToken, rules: TokenRules) {
    this.module = module;
    this.#rules = rules;
    this.limits = limits;
    this.#sessions = new TokenSessions(this, Math.min(module.sessions, limits.sessions, rules.sessions));
    this.#slot = slot;
    this.#moduleEpoch = epoch;
    this.#login = new Login(module, slot, rules);
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

  /** The pool of this moment; opens the session that stays, the first time. */
  async pool(): Promise<SessionPool> {
    await this.#openKeeper();
    return this.#sessions.pool(this.#moduleEpoch);
  }

  /** Lends a session for some calls. */
  async use<T>(run: (session: Handle) => Promise<T>, signal?: AbortSignalLike): Promise<T> {
    const { epoch } = this;
    try {
      return await (await this.pool()).use(run, signal);
    } catch (error) {
      this.noteFailure(error, epoch);
      throw error;
    }
  }

  /** Lends a session for writing, to one after the other: whoever looks for a free name keeps it. `TOKEN_READ_ONLY`. */
  async write<T>(run: (session: Handle) => Promise<T>): Promise<T> {
    const mine = this.#writing.then(() => this.rewrite(run));
    this.#writing = mine.catch(() => undefined);
    return await mine;
  }

  /** Another session for writing, for who has the turn already. */
  async rewrite<T>(run: (session: Handle) => Promise<T>): Promise<T> {
    await this.#openKeeper();
    const { epoch } = this;
    const { flags, label } = await this.module.token(this.slot.id);
    if (flags & CKF_WRITE_PROTECTED) {
      throw new CredentialError("TOKEN_READ_ONLY", `the token ${quoted(label)} is write-protected`);
    }
    const session = await this.#sessions.openForWriting();
    try {
      return await run(session);
    } catch (error) {
      this.noteFailure(error, epoch);
      throw error;
    } finally {
      this.selections.clear();
      await this.module.closeSession(session).catch(() => undefined);
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
      const keeper = await this.#openKeeper();
      if (await this.#login.unlock(keeper, request, signal)) this.#tell("login");
      this.#hides ||= isWanted;
    } catch (error) {
      this.noteFailure(error, epoch);
      throw error;
    }
  }

  /** Makes one signature with a key that wants the PIN for each (CKA_ALWAYS_AUTHENTICATE), after all others. */
  async withPin<T>(request: PinRequest, sign: (pin: Secret) => Promise<T>): Promise<T> {
    return await this.#login.withPin(request, sign);
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
    if (removals.has(rv)) this.#noteGone();
    if (losses.objects.has(rv)) this.#losses++;
    if (!losses.sessions.has(rv)) return;
    this.#losses++;
    this.#letGo();
  }

  /** What was found in the epoch is looked up again: handles may name other objects. */
  forgetObjects(epoch: number): void {
    if (epoch === this.epoch) this.#losses++;
  }

  /** A call succeeded that had failed with the error. */
  noteRecovery(error: CredentialError): void {
    tell(this.#rules.onEvent, { type: "recovered", module: this.module.path, error });
  }

  /** Closes the sessions; logs out where the login was ours and nobody else in this process uses it. */
  async close(): Promise<void> {
    await this.#keepAlive?.stop();
    const keeper = await this.#sessions.keeper?.catch(() => undefined);
    if (keeper !== undefined) await this.#login.leave(keeper).catch(() => undefined);
    await this.#sessions.close();
  }

  /** Lets go of the sessions, and of what was known of the login. */
  #letGo(): void {
    this.#login.lost();
    this.#sessions.letGo();
  }

  async #openKeeper(): Promise<Handle> {
    while (this.module.epoch !== this.#moduleEpoch) await this.#findAgain();
    if (this.#isGone && this.#sessions.keeper === undefined) await this.#lookWhetherBack();
    const session = await this.#sessions.openKeeper();
    this.#noteThere();
    return session;
  }

  /** Finds the token among those of the module that was started anew: `TOKEN_REMOVED`. */
  async #findAgain(): Promise<void> {
    const { epoch } = this.module;
    const slot = await findSame(this.module, this.slot);
    if (epoch !== this.module.epoch || epoch === this.#moduleEpoch) return;
    if (slot === undefined) throw this.#notThere(", after the module was started anew");
    this.#letGo();
    this.#moveTo(slot);
    this.#moduleEpoch = epoch;
  }

  /**
   * A module may open a session on a card that was pulled (OpenSC does), and notice one that is back only when it
   * is asked for its slots.
   */
  async #lookWhetherBack(): Promise<void> {
    const { epoch } = this.module;
    const slot = await findSame(this.module, this.slot);
    if (epoch !== this.module.epoch || this.#sessions.keeper !== undefined) return;
    if (slot === undefined) throw this.#notThere("");
    if (slot.id !== this.slot.id) this.#moveTo(slot);
  }

  #moveTo(slot: Slot): void {
    this.#slot = slot;
    this.#login = new Login(this.module, slot, this.#rules);
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
    const { keeper } = this.#sessions;
    if (keeper === undefined || this.module.epoch !== this.#moduleEpoch) return;
    try {
      const isLoggedIn = await this.module.isLoggedIn(await keeper);
      if (!isLoggedIn && this.#login.isUnlocked)
        throw tokenError("CKR_USER_NOT_LOGGED_IN", "C_GetSessionInfo");
      await this.#sessions.openPool?.useIdle((session) => this.module.isLoggedIn(session));
    } catch (error) {
      this.noteFailure(error, epoch);
    }
  }
}

/** Return values that say that the token itself is not there. */
const removals: ReadonlySet<string> = new Set(["CKR_DEVICE_REMOVED", "CKR_TOKEN_NOT_PRESENT"]);
