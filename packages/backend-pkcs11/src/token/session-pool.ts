import { type AbortSignalLike, CredentialError } from "@ddscred/core";
import type { Handle } from "../cryptoki/module.ts";

/** How the pool makes and ends sessions. */
export interface SessionMaker {
  open(): Promise<Handle>;
  close(session: Handle): Promise<void>;
}

/**
 * The sessions of one token. Each carries one operation at a time; who finds none free waits in line. A
 * session that failed within an operation is closed and replaced, since nothing else ends the operation.
 */
export class SessionPool {
  readonly #maker: SessionMaker;
  readonly #limit: number;
  /** Until when the token is taken to have no more sessions than are open: others use it too, and may leave. */
  #fullUntil = 0;
  #open = 0;
  readonly #free: Handle[] = [];
  readonly #waiting: Waiter[] = [];
  readonly #ending = new Set<Promise<void>>();
  #closed = false;

  /** @param limit how many sessions it opens at most; at least 1 */
  constructor(maker: SessionMaker, limit: number) {
    this.#maker = maker;
    this.#limit = limit;
  }

  /** A session, if one is free at this moment. */
  take(): Handle | undefined {
    return this.#free.pop();
  }

  /** A session, as soon as there is one. `ABORTED` where the signal comes first, `SESSION_LOST` after close. */
  async acquire(signal?: AbortSignalLike): Promise<Handle> {
    if (this.#closed) throw gone();
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#open >= this.#limit || this.#isFull) return await this.#wait(signal);
    this.#open++;
    try {
      return await this.#maker.open();
    } catch (error) {
      this.#open--;
      if (!this.#mustWait(error)) throw error;
      return await this.acquire(signal);
    }
  }

  /** Closes the sessions that nobody uses. */
  async closeIdle(): Promise<void> {
    for (const session of this.#free.splice(0)) await this.#end(session);
  }

  /** Gives a session back that ended its operation. */
  release(session: Handle): void {
    if (this.#closed) return this.discard(session);
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(session);
    else next.resolve(session);
  }

  /** Gives a session back that may still be in an operation. */
  discard(session: Handle): void {
    const ending = this.#replace(session).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  /** Lends a session for some calls. It is closed where one of them fails on the token. */
  async use<T>(run: (session: Handle) => Promise<T>, signal?: AbortSignalLike): Promise<T> {
    const session = this.take() ?? (await this.acquire(signal));
    let result: T;
    try {
      result = await run(session);
    } catch (error) {
      if (error instanceof CredentialError && error.rv === undefined) this.release(session);
      else this.discard(session);
      throw error;
    }
    this.release(session);
    return result;
  }

  /** Makes a call on each session that is free at this moment, one after the other. It is closed where that fails. */
  async useIdle(run: (session: Handle) => Promise<unknown>): Promise<void> {
    for (const session of this.#free.splice(0)) {
      try {
        await run(session);
        this.release(session);
      } catch {
        this.discard(session);
      }
    }
  }

  /** Closes every session: the free ones now, the others when they are given back. Who waits gets none. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiter of this.#waiting.splice(0)) waiter.reject(gone());
    await this.closeIdle();
    await Promise.all(this.#ending);
  }

  async #replace(session: Handle): Promise<void> {
    await this.#end(session);
    await this.#openForWaiting();
  }

  /** Opens a session for who waits longest. Where none can be opened any more, all of them learn it. */
  async #openForWaiting(): Promise<void> {
    while (this.#waiting.length > 0 && this.#open < this.#limit) {
      this.#open++;
      try {
        return this.release(await this.#maker.open()); // who waited longest may have given up meanwhile
      } catch (error) {
        this.#open--;
        if (this.#mustWait(error)) return;
        this.#waiting.shift()?.reject(error);
      }
    }
  }

  /** Whether the token has no session left, but will have when one of ours is given back. */
  #mustWait(error: unknown): boolean {
    if ((error as CredentialError).rv !== "CKR_SESSION_COUNT" || this.#open === 0) return false;
    this.#fullUntil = performance.now() + FULL; // the token has fewer than it said
    return true;
  }

  get #isFull(): boolean {
    return this.#open > 0 && performance.now() < this.#fullUntil;
  }

  async #end(session: Handle): Promise<void> {
    await this.#maker.close(session).catch(() => undefined);
    this.#open--;
  }

  #wait(signal: AbortSignalLike | undefined): Promise<Handle> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        const place = this.#waiting.indexOf(waiter);
        if (place >= 0) this.#waiting.splice(place, 1);
        reject(new CredentialError("ABORTED", "the call was aborted while it waited for a session"));
      };
      const waiter: Waiter = {
        resolve(session) {
          signal?.removeEventListener("abort", abort);
          resolve(session);
        },
        reject,
      };
      this.#waiting.push(waiter);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }
}

function gone(): CredentialError {
  return new CredentialError("SESSION_LOST", "the sessions were lost before one was free", {
    retryable: true,
  });
}

/** Milliseconds. */
const FULL = 5000;

interface Waiter {
  resolve(session: Handle): void;
  reject(error: unknown): void;
}
