import { type AbortSignalLike, CredentialError } from "@ddscred/core";
import { CKF_WRITE_PROTECTED } from "../cryptoki/constants.ts";
import type { Handle } from "../cryptoki/module.ts";
import { quoted } from "./names.ts";
import type { PinRequest } from "./pin.ts";
import type { SessionPool } from "./session-pool.ts";
import type { Token } from "./token.ts";

/** Lends sessions of one token for writing. */
export class Writing {
  readonly #token: Token;

  constructor(token: Token) {
    this.#token = token;
  }

  /** One step after the other, of all backends of this process. */
  async inTurn<T>(step: () => Promise<T>): Promise<T> {
    const { module, slot } = this.#token;
    return await module.logins.page(slot.token).inTurnToWrite(step);
  }

  /**
   * Lends a session to who has the turn, after another login where that is lost before. It may be the only one: until
   * it is given back, nothing else of the token can be waited for. `TOKEN_READ_ONLY`.
   */
  async use<T>(pin: PinRequest, run: (session: Handle) => Promise<T>, signal?: AbortSignalLike): Promise<T> {
    const { pool, session, epoch } = await this.#acquire(pin, signal);
    let failure: unknown;
    try {
      return await run(session);
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      this.#token.selections.clear();
      const ended = pool.giveBack(session, failure);
      this.#token.noteFailure(failure, epoch);
      await ended;
    }
  }

  async #acquire(
    pin: PinRequest,
    signal: AbortSignalLike | undefined,
  ): Promise<{ pool: SessionPool; session: Handle; epoch: number }> {
    for (let attempt = 1; ; attempt++) {
      await this.#checkWritable();
      const pool = await this.#token.pool();
      const { epoch } = this.#token;
      try {
        return { pool, session: await pool.acquireForWriting(signal), epoch };
      } catch (error) {
        this.#token.noteFailure(error, epoch);
        if (attempt === ATTEMPTS || epoch === this.#token.epoch) throw error;
        await this.#token.unlock(pin, signal); // nothing is written yet
      }
    }
  }

  async #checkWritable(): Promise<void> {
    const { flags, label } = await this.#token.module.token(this.#token.slot.id);
    if ((flags & CKF_WRITE_PROTECTED) === 0) return;
    throw new CredentialError("TOKEN_READ_ONLY", `the token ${quoted(label)} is write-protected`);
  }
}

/** The only session, where it is for reading, makes room once. */
const ATTEMPTS = 2;
