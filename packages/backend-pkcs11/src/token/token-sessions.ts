import { CredentialError, tokenError } from "@ddscred/core";
import type { Handle, Module, Slot } from "../cryptoki/module.ts";
import type { ModuleLimits } from "./known-modules.ts";
import { SessionPool } from "./session-pool.ts";

/** The token on which sessions are opened, as it is at the moment. */
interface Place {
  readonly module: Module;
  readonly limits: ModuleLimits;
  readonly slot: Slot;
  readonly epoch: number;
}

/** The sessions on one token: one that stays, which keeps the login and the watch, and those that a pool lends. */
export class TokenSessions {
  readonly #place: Place;
  readonly #most: number;
  #keeper: Promise<Handle> | undefined;
  #watch: Handle | undefined;
  #pool: SessionPool | undefined;

  /** @param most sessions that the pool may have open */
  constructor(place: Place, most: number) {
    this.#place = place;
    this.#most = most;
  }

  /** The session that stays, if it is open or about to be. */
  get keeper(): Promise<Handle> | undefined {
    return this.#keeper;
  }

  /** The session that stays, if the module tells by it whether it was started anew. */
  get watch(): Handle | undefined {
    return this.#watch;
  }

  get openPool(): SessionPool | undefined {
    return this.#pool;
  }

  async openKeeper(): Promise<Handle> {
    const keeper = (this.#keeper ??= this.#openWatched());
    try {
      return await keeper;
    } catch (error) {
      if (this.#keeper === keeper) this.#keeper = undefined;
      throw error;
    }
  }

  /** @param moduleEpoch in which its sessions are good */
  pool(moduleEpoch: number): SessionPool {
    return (this.#pool ??= this.#makePool(moduleEpoch));
  }

  /** Where the token has no session left, one that is idle makes room. */
  async openForWriting(): Promise<Handle> {
    const { module, slot } = this.#place;
    try {
      return await module.openSession(slot.id, "write");
    } catch (error) {
      if (!(error instanceof CredentialError) || error.rv !== "CKR_SESSION_COUNT") throw error;
      await this.#pool?.closeIdle();
      return await module.openSession(this.#place.slot.id, "write");
    }
  }

  /** Forgets all of them at once, and closes them meanwhile. */
  letGo(): void {
    void this.#close(this.#keeper, this.#pool);
    this.#keeper = undefined;
    this.#watch = undefined;
    this.#pool = undefined;
  }

  async close(): Promise<void> {
    await this.#close(this.#keeper, this.#pool);
  }

  async #close(keeper: Promise<Handle> | undefined, pool: SessionPool | undefined): Promise<void> {
    await pool?.close();
    await keeper?.then((session) => this.#place.module.closeSession(session)).catch(() => undefined);
  }

  /** Watched before anything is found, so that the watch covers it. */
  async #openWatched(): Promise<Handle> {
    const { module, limits, slot, epoch } = this.#place;
    const session = await module.openSession(slot.id);
    const isWatched = limits.canWatch && (await module.watch(session).catch(() => false));
    if (epoch === this.#place.epoch) this.#watch = isWatched ? session : undefined;
    return session;
  }

  #makePool(moduleEpoch: number): SessionPool {
    const { module, slot } = this.#place;
    const { maxSessions = Number.POSITIVE_INFINITY } = slot.token;
    const maker = {
      open: async () => {
        if (module.epoch !== moduleEpoch) throw tokenError("CKR_SESSION_CLOSED", "C_OpenSession");
        return await module.openSession(slot.id);
      },
      close: (session: Handle) => module.closeSession(session),
    };
    return new SessionPool(maker, Math.max(1, Math.min(this.#most, maxSessions - 1)));
  }
}
