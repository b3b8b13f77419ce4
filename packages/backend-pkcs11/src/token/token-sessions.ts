import type { Handle, Module, Slot } from "../cryptoki/module.ts";
import { OpenSessions, type SessionPlace } from "./open-sessions.ts";
import { gone, type SessionPool } from "./session-pool.ts";

/** Who uses the sessions of a token: one backend. */
export interface SessionUser {
  readonly module: Module;
  /** How many sessions it lets be used at once. */
  readonly mostSessions: number;
  /** Whether a digest may stay under way. */
  readonly canWatch: boolean;
  /** All sessions are gone, handles and login with them; perhaps the token too. */
  sessionsLost(isTokenGone: boolean): void;
}

/**
 * The sessions on one token in one epoch of its module, for all backends of this process: a login is the process's,
 * and a small token has too few for each to have its own. They are made when they are first needed, and anew after a loss.
 */
export class TokenSessions {
  readonly #slot: Slot;
  readonly #epoch: number;
  readonly #unused: () => void;
  readonly #users = new Set<SessionUser>();
  #now: Opening | undefined;
  /** The module that opens and closes them: of the user with the shortest deadline, or of the last one. */
  #module: Module | undefined;
  /** Of those that were let go. */
  #closing: Promise<void> | undefined;
  /** When those of them were closed, too, that were in use. */
  #draining: Promise<void> | undefined;

  /**
   * @param epoch of the module, in which they are good
   * @param unused is called when they are closed and nobody is left
   */
  constructor(slot: Slot, epoch: number, unused: () => void) {
    this.#slot = slot;
    this.#epoch = epoch;
    this.#unused = unused;
  }

  /** The least that one of the users lets be used holds for all. */
  join(user: SessionUser): void {
    this.#users.add(user);
    this.#usersChanged();
  }

  /** The last one closes them. */
  async leave(user: SessionUser): Promise<void> {
    this.#users.delete(user);
    if (this.#users.size > 0) return this.#usersChanged();
    this.#letGo();
    await this.#closing;
    if (this.#users.size === 0) this.#unused();
  }

  get isOpen(): boolean {
    return this.#now !== undefined;
  }

  /** The session that stays, if the module tells by it whether it was started anew. */
  get watch(): Handle | undefined {
    return this.#now?.sessions?.watch;
  }

  /** The pool, if it is open already. */
  get openPool(): SessionPool | undefined {
    return this.#now?.sessions?.pool;
  }

  /** Opens them where they are not. */
  async open(): Promise<OpenSessions> {
    const now = (this.#now ??= this.#begin());
    try {
      return await now.opening;
    } catch (error) {
      if (this.#now === now) this.#now = undefined;
      throw error;
    }
  }

  /** Makes a call on each session that nobody uses, where they are open. */
  async useIdle(run: (session: Handle) => Promise<unknown>): Promise<void> {
    await this.#now?.sessions?.useIdle(run);
  }

  /** Something showed that they are dead: all users learn it, and the next call makes them anew. */
  lose(isTokenGone = false): void {
    this.#letGo();
    for (const user of this.#users) user.sessionsLost(isTokenGone);
  }

  #begin(): Opening {
    const sessions = new OpenSessions(this.#place(), () => {
      if (this.#now === now) this.lose();
    });
    const open = async (): Promise<OpenSessions> => {
      await sessions.begin();
      if (this.#now === now) now.sessions = sessions;
      else await sessions.close();
      return sessions;
    };
    const now: Opening = { opening: open(), sessions: undefined };
    return now;
  }

  /** The next are opened first, which keeps the login, unless the token has no room for that. */
  async #settled(): Promise<boolean> {
    const { closing, draining } = { closing: this.#closing, draining: this.#draining };
    if (closing === undefined || draining === undefined) return false;
    await closing;
    await draining;
    if (this.#draining === draining) this.#closing = this.#draining = undefined;
    return true;
  }

  /** Forgets them at once, and closes them meanwhile. */
  #letGo(): void {
    const now = this.#now;
    this.#now = undefined;
    if (now === undefined) return;
    const closing = now.sessions?.close() ?? now.opening.then(nothing, nothing); // who opens them closes them too
    const draining = closing.then(() => now.sessions?.pool.drained());
    this.#closing = Promise.all([this.#closing, closing]).then(nothing);
    this.#draining = Promise.all([this.#draining, draining]).then(nothing);
  }

  #usersChanged(): void {
    this.#module = [...this.#users].reduce((a, b) => (b.module.deadline < a.module.deadline ? b : a)).module;
    const pool = this.openPool;
    if (pool !== undefined) pool.limit = this.#limit;
  }

  get #limit(): number {
    const { maxSessions = Number.POSITIVE_INFINITY } = this.#slot.token;
    const most = [...this.#users].map(({ mostSessions }) => mostSessions);
    return Math.max(1, Math.min(...most, maxSessions - 1));
  }

  #place(): SessionPlace {
    const module = (): Module => {
      if (this.#module === undefined) throw gone();
      return this.#module;
    };
    const canWatch = [...this.#users].every((user) => user.canWatch);
    const settled = (): Promise<boolean> => this.#settled();
    return { slot: this.#slot, epoch: this.#epoch, module, canWatch, limit: this.#limit, settled };
  }
}

interface Opening {
  readonly opening: Promise<OpenSessions>;
  /** When they are open. */
  sessions: OpenSessions | undefined;
}

const nothing = (): void => undefined;
