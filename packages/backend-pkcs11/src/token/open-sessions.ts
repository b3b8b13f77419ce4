import { CredentialError, tokenError } from "@ddscred/core";
import type { Handle, Module, SessionAccess, Slot } from "../cryptoki/module.ts";
import { gone, type LentSession, SessionPool } from "./session-pool.ts";

/** Where sessions are opened, and by whom. */
export interface SessionPlace {
  readonly slot: Slot;
  /** Of the module, in which they are good. */
  readonly epoch: number;
  /** Of one who uses them at the moment. */
  readonly module: () => Module;
  /** Whether a digest may stay under way. */
  readonly canWatch: boolean;
  /** How many the pool may have. */
  readonly limit: number;
  /** Waits until those that were open before are closed. False where there are none. */
  readonly settled: () => Promise<boolean>;
}

/**
 * The sessions on a token from their opening to their end: one that stays, and those of a pool. What the token has room
 * for is found out at the beginning, before a login, a watch or a search depends on it. Where the one that stays is
 * the only one, it is opened for writing at once, for with the only session the login is closed too.
 */
export class OpenSessions {
  readonly pool: SessionPool;
  readonly #place: SessionPlace;
  readonly #lost: () => void;
  #kept: LentSession | undefined;
  #isReady = false;
  /** From the moment at which the pool closes the session that stays, and not we. */
  #isLent = false;
  #isClosed = false;
  #watch: Handle | undefined;
  /** The last step that concerns the session that stays while it is not lent. */
  #using: Promise<unknown> = Promise.resolve();

  /** @param lost is called where the session that stays had to be closed */
  constructor(place: SessionPlace, lost: () => void) {
    this.#place = place;
    this.#lost = lost;
    const maker = {
      open: (access?: SessionAccess) => this.#open(access),
      close: (session: Handle) => this.#end(session),
      lend: () => this.#lend(),
      takeBack: () => this.#takeBack(),
    };
    this.pool = new SessionPool(maker, place.limit);
  }

  /** The session that stays, if the module tells by it whether it was started anew. */
  get watch(): Handle | undefined {
    return this.#watch;
  }

  async begin(): Promise<void> {
    const isOnly = this.#place.slot.token.maxSessions === 1;
    try {
      this.#kept = isOnly ? await this.#openOnly() : { session: await this.#openWithin(), writes: false };
      if (!isOnly && (await this.#hasRoom())) await this.#beginWatch();
      else {
        if (!isOnly) await this.#exchangeForOnly(this.#kept.session);
        this.#isLent = true;
        this.pool.lend(this.#kept);
      }
      if (this.#isClosed) throw gone();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#isReady = true;
  }

  /** Lends the session that stays, or where the pool has that, any of the pool, for calls about the login. */
  async useKept<T>(run: (session: Handle) => Promise<T>): Promise<T> {
    if (this.#isLent || this.#kept === undefined) {
      const session = await this.pool.acquire();
      try {
        return await run(session);
      } finally {
        this.pool.release(session); // a login that is refused leaves nothing open
      }
    }
    const { session } = this.#kept;
    const using = this.#using.then(() => run(session));
    this.#using = using.catch(() => undefined);
    return await using;
  }

  /** Makes a call on each session that nobody uses. */
  async useIdle(run: (session: Handle) => Promise<unknown>): Promise<void> {
    if (!this.#isLent && this.#kept !== undefined) await run(this.#kept.session);
    await this.pool.useIdle(run);
  }

  /** Closes them: those that are in use when they are given back, see {@link SessionPool.drained}. */
  async close(): Promise<void> {
    const mine = this.#isLent ? undefined : this.#kept;
    this.#isClosed = true;
    this.#kept = undefined;
    this.#watch = undefined;
    await this.pool.close();
    await this.#using;
    if (mine !== undefined)
      await this.#place
        .module()
        .closeSession(mine.session)
        .catch(() => undefined);
  }

  async #open(access?: SessionAccess): Promise<Handle> {
    const { slot, epoch } = this.#place;
    const module = this.#place.module();
    if (module.epoch !== epoch) throw tokenError("CKR_SESSION_CLOSED", "C_OpenSession");
    return await module.openSession(slot.id, access);
  }

  /** For writing, or where the token has none for that, for reading. */
  async #openOnly(): Promise<LentSession> {
    try {
      return { session: await this.#openWithin("write"), writes: true };
    } catch (error) {
      if (!(error instanceof CredentialError) || error.rv === undefined) throw error;
      return { session: await this.#openWithin(), writes: error };
    }
  }

  async #hasRoom(): Promise<boolean> {
    try {
      return await this.#within(() => this.pool.fill());
    } catch (error) {
      if (isFull(error)) return false;
      throw error;
    }
  }

  async #openWithin(access?: SessionAccess): Promise<Handle> {
    return await this.#within(() => this.#open(access));
  }

  /** Opens a session, again where the token had no room for it while others were not closed yet. */
  async #within<T>(open: () => Promise<T>): Promise<T> {
    try {
      return await open();
    } catch (error) {
      if (!isFull(error) || !(await this.#place.settled())) throw error;
      return await open();
    }
  }

  /** Nobody is logged in by it yet. */
  async #exchangeForOnly(session: Handle): Promise<void> {
    this.#kept = undefined;
    await this.#place.module().closeSession(session);
    this.#kept = await this.#openOnly();
  }

  async #end(session: Handle): Promise<void> {
    const isKept = session === this.#kept?.session;
    if (isKept) this.#kept = undefined;
    await this.#place
      .module()
      .closeSession(session)
      .finally(() => {
        if (isKept) this.#lost();
      });
  }

  /** After the watch was ended: with an operation under way no other can begin. */
  async #lend(): Promise<LentSession | undefined> {
    const kept = this.#kept;
    if (kept === undefined || !this.#isReady || this.#isClosed) return undefined;
    this.#isLent = true;
    this.#watch = undefined;
    await this.#using;
    await this.#place
      .module()
      .unwatch(kept.session)
      .catch(() => undefined);
    return kept;
  }

  #takeBack(): void {
    this.#isLent = false;
    this.#using = this.#using.then(() => this.#beginWatch()).catch(() => undefined); // the next call tells
  }

  /** Before anything is found, so that the watch covers it. */
  async #beginWatch(): Promise<void> {
    const kept = this.#kept;
    if (kept === undefined || !this.#place.canWatch) return;
    const isWatched = await this.#place.module().watch(kept.session);
    if (isWatched && this.#kept === kept && !this.#isLent) this.#watch = kept.session;
  }
}

function isFull(error: unknown): boolean {
  return error instanceof CredentialError && error.rv === "CKR_SESSION_COUNT";
}
