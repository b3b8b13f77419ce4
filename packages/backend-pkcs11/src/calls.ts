import { type CallOptions, CredentialError } from "@ddscred/core";

/** The calls of one backend: none begins after close, close waits for those under way, every error is ours. */
export class Calls {
  #underWay = 0;
  #closed = false;
  #whenIdle: (() => void)[] = [];

  /** Runs one call about a URI. `CLOSED`, `ABORTED`; anything that is neither ours nor a TypeError is `INTERNAL`. */
  async run<T>(uri: string, options: CallOptions | undefined, body: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new CredentialError("CLOSED", "the PKCS#11 backend is closed", { uri });
    const { signal } = options ?? {};
    if (signal?.aborted === true) throw aborted(uri);
    this.#underWay++;
    const running = body().finally(() => this.#done());
    try {
      return await (signal === undefined ? running : untilAborted(running, signal, uri));
    } catch (error) {
      throw ours(error, uri);
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

/** The call itself cannot be stopped on the token; its caller no longer waits for it. */
async function untilAborted<T>(
  running: Promise<T>,
  signal: NonNullable<CallOptions["signal"]>,
  uri: string,
): Promise<T> {
  let abort: (() => void) | undefined;
  const ended = new Promise<never>((_, reject) => {
    abort = () => reject(aborted(uri));
    signal.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([running, ended]);
  } finally {
    if (abort !== undefined) signal.removeEventListener("abort", abort);
  }
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
