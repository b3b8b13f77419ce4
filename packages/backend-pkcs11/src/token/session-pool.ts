// Above 200 lines: who has a session, who waits for one and what becomes of it is one state.

import { type AbortSignalLike, CredentialError } from "@ddscred/core";
import type { Handle, SessionAccess } from "../cryptoki/module.ts";
import { Line } from "./line.ts";

/** How the pool makes and ends sessions. */
export interface SessionMaker {
  open(access?: SessionAccess): Promise<Handle>;
  close(session: Handle): Promise<void>;
  /** The session that stays, for where no other can be had: nothing else uses it then. */
  lend?(): Promise<LentSession | undefined>;
  /** It is not needed here any more. */
  takeBack?(): void;
}

/** The session that stays, which the pool does not close where it can help it: with it the login goes. */
export interface LentSession {
  readonly session: Handle;
  /** Whether it is for writing; an error where none for writing can be had. */
  readonly writes: boolean | CredentialError;
}

/**
 * The sessions of one token. Each carries one operation at a time; who finds none free waits in line. A
 * session that failed within an operation is closed and replaced, since nothing else ends the operation.
 */
export class SessionPool {
  readonly #maker: SessionMaker;
  #limit: number;
  /** Until when the token is taken to have no more sessions than are open: others use it too, and may leave. */
  #fullUntil = 0;
  /** Those that are being opened, too. */
  #open = 0;
  #opening = 0;
  #lent: LentSession | undefined;
  readonly #free: Handle[] = [];
  readonly #line = new Line();
  readonly #ending = new Set<Promise<void>>();
  #closed = false;
  #whenDrained: (() => void)[] = [];

  /** @param limit how many sessions it has at most, but for one for writing, which is not refused; at least 1 */
  constructor(maker: SessionMaker, limit: number) {
    this.#maker = maker;
    this.#limit = limit;
  }

  /** Whether it has the session that stays. */
  get isLending(): boolean {
    return this.#lent !== undefined;
  }

  /** Where it falls, sessions above it are closed as soon as nobody uses them. */
  set limit(limit: number) {
    this.#limit = limit;
    for (const session of this.#free.splice(0)) this.release(session);
  }

  /** A session, if one is free at this moment. */
  take(): Handle | undefined {
    return this.#free.pop();
  }

  /** A session, if one can be had without waiting for those who have one. */
  async takeOrOpen(): Promise<Handle | undefined> {
    if (this.#closed) throw gone();
    const free = this.#free.pop();
    if (free !== undefined || this.#open >= this.#limit || this.#isFull) return free;
    return await this.#make();
  }

  /** A session, as soon as there is one. `ABORTED` where the signal comes first, `SESSION_LOST` after close. */
  async acquire(signal?: AbortSignalLike): Promise<Handle> {
    for (;;) {
      if (this.#closed) throw gone();
      const free = this.#free.pop();
      if (free !== undefined) return free;
      if (this.#open >= this.#limit || this.#isFull) return await this.#line.wait(signal);
      const made = await this.#make();
      if (made !== undefined) return made;
    }
  }

  /**
   * A session for writing, to be ended with {@link giveBack}. Where there is no room for one, one that is idle makes
   * room, or the next that is given back. `SESSION_LOST` where the session that stays had to: it is for reading, and
   * the next that stays will be for writing.
   */
  async acquireForWriting(signal?: AbortSignalLike): Promise<Handle> {
    for (;;) {
      if (this.#closed) throw gone();
      const writer = this.#takeLentWriter() ?? (await this.#make("write"));
      if (writer !== undefined && writer !== this.#lent?.session) return writer;
      const session =
        writer ?? this.#free.pop() ?? (this.#open > 0 ? await this.#line.wait(signal) : undefined);
      if (session === undefined) continue;
      if (session !== this.#lent?.session) {
        await this.#end(session);
        continue;
      }
      const { writes } = this.#lent;
      if (writes === true) return session;
      if (writes !== false) {
        this.release(session);
        throw writes;
      }
      await this.discard(session);
      throw gone();
    }
  }

  /** Makes the first session, and says whether the token has room for it. */
  async fill(): Promise<boolean> {
    const session = await this.#make();
    if (session !== undefined) this.release(session);
    return session !== undefined;
  }

  /** Takes the session that stays among its own. */
  lend(lent: LentSession): void {
    this.#lent = lent;
    this.#open++;
    this.release(lent.session);
  }

  /** Closes the sessions that nobody uses. */
  async closeIdle(): Promise<void> {
    for (const session of this.#free.splice(0)) await this.#end(session);
  }

  /** Gives a session back that ended its operation. */
  release(session: Handle): void {
    const isLent = session === this.#lent?.session;
    if (this.#closed || (!isLent && this.#settled > this.#limit)) return void this.discard(session);
    if (this.#line.serve(session)) return;
    if (isLent && this.#settled > 1) this.#takeBack();
    else this.#free.push(session);
  }

  /** Gives a session back that may still be in an operation. Settles when it is closed. */
  discard(session: Handle): Promise<void> {
    const ending = this.#replace(session).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
    return ending;
  }

  /** Gives a session back in which something failed, or which was for writing. The one that stays is kept if it can be. */
  async giveBack(session: Handle, error?: unknown): Promise<void> {
    const isKept = session === this.#lent?.session && !spoiling.has((error as CredentialError)?.rv ?? "");
    if (isKept) this.release(session);
    else await this.discard(session);
  }

  /** Lends a session for some calls. It is closed where one of them fails on the token. */
  async use<T>(run: (session: Handle) => Promise<T>, signal?: AbortSignalLike): Promise<T> {
    const session = this.take() ?? (await this.acquire(signal));
    let result: T;
    try {
      result = await run(session);
    } catch (error) {
      if (error instanceof CredentialError && error.rv === undefined) this.release(session);
      else void this.giveBack(session, error);
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
        void this.discard(session);
      }
    }
  }

  /** Closes every session: the free ones now, the others when they are given back. Who waits gets none. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#line.end(gone());
    await this.closeIdle();
    await Promise.all(this.#ending);
  }

  /** When all are closed, after {@link close}. */
  async drained(): Promise<void> {
    if (this.#open > 0) await new Promise<void>((resolve) => this.#whenDrained.push(resolve));
  }

  async #replace(session: Handle): Promise<void> {
    await this.#end(session);
    await this.#openForWaiting();
  }

  /** Opens a session for who waits longest. Where none can be opened any more, all of them learn it. */
  async #openForWaiting(): Promise<void> {
    if (this.#line.isEmpty || this.#open >= this.#limit) return;
    // Who waited longest may have given up meanwhile; why it failed, those who wait were told.
    const session = await this.#make().catch(() => undefined);
    if (session !== undefined) this.release(session);
  }

  /** Opens a session. Undefined where the token has none left, but will have when one of ours is given back. */
  async #make(access?: SessionAccess): Promise<Handle | undefined> {
    this.#open++;
    this.#opening++;
    try {
      const session = await this.#maker.open(access);
      this.#opening--;
      return session;
    } catch (error) {
      this.#open--;
      this.#opening--;
      const isFull = (error as CredentialError).rv === "CKR_SESSION_COUNT";
      if (isFull && this.#open > 0) {
        this.#fullUntil = performance.now() + FULL; // the token has fewer than it said
        return access === "write" ? await this.#makeInPlaceOfIdle() : undefined;
      }
      const lent = isFull ? await this.#borrow() : undefined;
      if (lent !== undefined) return lent;
      if (this.#open === 0) this.#line.end(error);
      throw error;
    }
  }

  async #makeInPlaceOfIdle(): Promise<Handle | undefined> {
    const idle = this.#free.findIndex((session) => session !== this.#lent?.session);
    const [session] = idle < 0 ? [] : this.#free.splice(idle, 1);
    if (session === undefined) return undefined;
    await this.#end(session);
    return await this.#make("write");
  }

  /** Where no other can be had, the session that stays. */
  async #borrow(): Promise<Handle | undefined> {
    this.#open++; // so that nobody else does the same meanwhile
    this.#lent = await this.#maker.lend?.().catch(() => undefined);
    if (this.#lent === undefined) this.#open--;
    return this.#lent?.session;
  }

  #takeLentWriter(): Handle | undefined {
    const place = this.#lent?.writes === true ? this.#free.indexOf(this.#lent.session) : -1;
    return place < 0 ? undefined : this.#free.splice(place, 1)[0];
  }

  #takeBack(): void {
    this.#lent = undefined;
    this.#open--;
    this.#maker.takeBack?.();
  }

  /** Those that are neither being opened nor being closed. */
  get #settled(): number {
    return this.#open - this.#opening - this.#ending.size;
  }

  get #isFull(): boolean {
    return this.#open > 0 && performance.now() < this.#fullUntil;
  }

  async #end(session: Handle): Promise<void> {
    await this.#maker.close(session).catch(() => undefined);
    if (session === this.#lent?.session) this.#lent = undefined;
    if (--this.#open === 0 && this.#closed) for (const resolve of this.#whenDrained.splice(0)) resolve();
  }
}

/** For calls that find the sessions they would use gone. */
export function gone(): CredentialError {
  return new CredentialError("SESSION_LOST", "the sessions were lost before one was free", {
    retryable: true,
  });
}

/** Return values that say of a session that an operation is open in it. A call that is refused otherwise has ended its own. */
const spoiling: ReadonlySet<string> = new Set(["CKR_OPERATION_ACTIVE", "CKR_BUFFER_TOO_SMALL"]);

/** Milliseconds. */
const FULL = 5000;
