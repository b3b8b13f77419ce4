import { type AbortSignalLike, CredentialError, type Secret } from "@ddscred/core";
import type { Handle, Module, Slot } from "../cryptoki/module.ts";
import { Login, type LoginRules } from "./login.ts";
import { tokenUri } from "./names.ts";
import type { PinRequest } from "./pin.ts";
import { rememberRefused } from "./refused-pins.ts";
import { SessionPool } from "./session-pool.ts";

/**
 * One token, as one backend uses it: its sessions and its login. One session stays open for as long as the
 * backend does, because a token forgets a login with its last session; the others are lent from a pool.
 */
export class Token {
  readonly module: Module;
  readonly slot: Slot;
  readonly #login: Login;
  #keeper: Promise<Handle> | undefined;
  #pool: SessionPool | undefined;
  #losses = 0;

  constructor(module: Module, slot: Slot, rules: LoginRules) {
    this.module = module;
    this.slot = slot;
    this.#login = new Login(module, slot, rules);
  }

  /** Handles that were found in another epoch name nothing, or another object. */
  get epoch(): number {
    return this.module.epoch + this.#losses;
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
    return this.#pool;
  }

  /** The pool of this moment; opens the session that stays, the first time. */
  async pool(): Promise<SessionPool> {
    if (this.#pool === undefined) {
      await this.#openKeeper();
      this.#pool ??= this.#makePool();
    }
    return this.#pool;
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

  /** Logs in, where that is needed and not done yet. For its errors see {@link Login.unlock}. */
  async unlock(request: PinRequest): Promise<void> {
    if (!this.#login.isNeeded) return;
    const { epoch } = this;
    try {
      await this.#login.unlock(await this.#openKeeper(), request);
    } catch (error) {
      this.noteFailure(error, epoch);
      throw error;
    }
  }

  /** The PIN for one signature with a key that wants it each time (CKA_ALWAYS_AUTHENTICATE). */
  async contextPin(request: PinRequest): Promise<Secret> {
    return await this.#login.contextPin(request);
  }

  /** A PIN that was refused for one signature is not sent again either. */
  noteRefused(error: unknown, pin: Secret): void {
    if (error instanceof CredentialError && error.code === "PIN_INCORRECT")
      rememberRefused(this.slot.token, pin);
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
    if (objectLosses.has(rv)) this.#losses++;
    if (!sessionLosses.has(rv)) return;
    this.#losses++;
    this.#login.lost();
    void this.#closeSessions(this.#keeper, this.#pool);
    this.#keeper = undefined;
    this.#pool = undefined;
  }

  /** Closes the sessions; logs out where the login was ours and nobody else in this process uses it. */
  async close(): Promise<void> {
    const keeper = await this.#keeper?.catch(() => undefined);
    if (keeper !== undefined) await this.#login.leave(keeper).catch(() => undefined);
    await this.#closeSessions(this.#keeper, this.#pool);
  }

  async #closeSessions(keeper: Promise<Handle> | undefined, pool: SessionPool | undefined): Promise<void> {
    await pool?.close();
    await keeper?.then((session) => this.module.closeSession(session)).catch(() => undefined);
  }

  async #openKeeper(): Promise<Handle> {
    this.#keeper ??= this.module.openSession(this.slot.id);
    try {
      return await this.#keeper;
    } catch (error) {
      this.#keeper = undefined;
      throw error;
    }
  }

  #makePool(): SessionPool {
    const { maxSessions = Number.POSITIVE_INFINITY } = this.slot.token;
    const maker = {
      open: () => this.module.openSession(this.slot.id),
      close: (session: Handle) => this.module.closeSession(session),
    };
    return new SessionPool(maker, Math.max(1, Math.min(this.module.sessions, maxSessions - 1)));
  }
}

/** Return values after which an object must be looked up again. */
const objectLosses: ReadonlySet<string> = new Set(["CKR_OBJECT_HANDLE_INVALID", "CKR_KEY_HANDLE_INVALID"]);

/** Return values after which no session, and no login, is there any more. */
const sessionLosses: ReadonlySet<string> = new Set([
  "CKR_SESSION_HANDLE_INVALID",
  "CKR_SESSION_CLOSED",
  "CKR_USER_NOT_LOGGED_IN",
  "CKR_DEVICE_REMOVED",
  "CKR_DEVICE_ERROR",
  "CKR_TOKEN_NOT_PRESENT",
  "CKR_CRYPTOKI_NOT_INITIALIZED",
]);
