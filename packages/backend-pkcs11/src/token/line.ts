import { type AbortSignalLike, CredentialError } from "@ddscred/core";
import type { Handle } from "../cryptoki/module.ts";

/** Those who wait for a session: who waits longest is served first. */
export class Line {
  readonly #waiting: Waiter[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** `ABORTED` where the signal comes first. */
  wait(signal: AbortSignalLike | undefined): Promise<Handle> {
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

  /** Whether somebody took the session. */
  serve(session: Handle): boolean {
    const next = this.#waiting.shift();
    next?.resolve(session);
    return next !== undefined;
  }

  /** Nobody will be served any more. */
  end(error: unknown): void {
    for (const waiter of this.#waiting.splice(0)) waiter.reject(error);
  }
}

interface Waiter {
  resolve(session: Handle): void;
  reject(error: unknown): void;
}
