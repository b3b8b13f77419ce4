import { type AbortSignalLike, type CallOptions, CredentialError } from "@ddscred/core";

/** The calls of one backend: none begins after close, close waits for those under way, every error is ours. */
export class Calls {
  #underWay = 0;
  #closed = false;
  #whenIdle: (() => void)[] = [];

  /** Runs one call about a URI. `CLOSED`, `ABORTED`; anything that is neither ours nor a TypeError is `INTERNAL`. */
  async run<T>(uri: string, options: CallOptions | undefined, body: () => T | Promise<T>): Promise<T> {
    if (this.#closed) throw new CredentialError("CLOSED", "the PKCS#11 backend is closed", { uri });
    const { signal } = options ?? {};
    if (signal !== undefined) return await this.#runUntil(signal, uri, body);
    this.#underWay++;
    try {
      const result = body();
      // What is there already is not waited for: a quick signature takes little longer than that.
      return result instanceof Promise ? await result : result;
    } catch (error) {
      throw ours(error, uri);
    } finally {
      this.#done();
    }
  }

  /** A call on the token cannot be stopped; but its caller no longer waits for it. */
  async #runUntil<T>(signal: AbortSignalLike, uri: string, body: () => T | Promise<T>): Promise<T> {
    if (signal.aborted) throw aborted(uri);
    let abort = (): void => undefined;
    const ended = new Promise<never>((_, reject) => {
      abort = () => reject(aborted(uri));
      signal.addEventListener("abort", abort, { once: true });
    });
    try {
      return await Promise.race([this.run(uri, undefined, body), ended]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** Lets no call begin any more, and waits for the others. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  #done(): void {
    if (--this.#underWay > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}

/** `ABORTED` where nobody waits for the call any more: for those that are about to write, or just did. */
export function checkWanted(signal: AbortSignalLike | undefined): void {
  if (signal?.aborted === true) throw new CredentialError("ABORTED", "the call was aborted");
}

function aborted(uri: string): CredentialError {
  return new CredentialError("ABORTED", "the call was aborted", { uri });
}

function ours(error: unknown, uri: string): Error {
  if (error instanceof CredentialError) return error.uri === undefined ? error.with({ uri }) : error;
  if (error instanceof TypeError) return error;
  const message = error instanceof Error ? error.message : "a PIN provider, or the program itself, failed";
  return new CredentialError("INTERNAL", message, { uri, cause: error });
}
