import { type CallOptions, CredentialError, type Signer, uriScheme } from "@ddscred/core";
import type { CallContext } from "./token/cryptoki.ts";

/** Every call on the backend goes through it: none begins after close, and close waits for those under way. */
export class Gate {
  readonly #underWay = new Set<Promise<unknown>>();
  #closed = false;

  /** Does what is asked of a URI; `onToken` says whether the tokens answer it, or the files. */
  async run<T>(
    uri: string,
    options: CallOptions | undefined,
    body: (context: CallContext, onToken: boolean) => Promise<T>,
  ): Promise<T> {
    if (typeof uri !== "string") throw new TypeError("a URI is a string");
    if (this.#closed) throw new CredentialError("CLOSED", "the mock backend is closed", { uri });
    const { signal } = options ?? {};
    if (signal?.aborted === true) throw new CredentialError("ABORTED", "the call was aborted", { uri });
    const scheme = uriScheme(uri);
    const onToken = scheme !== "file" && scheme !== "data";
    const running = body({ uri, ...(signal && { signal }) }, onToken);
    this.#underWay.add(running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(running);
    }
  }

  /** A key as it leaves the backend: closed with it. */
  lend<S extends Signer>(uri: string, signer: S): S {
    return {
      ...signer,
      sign: (scheme, message, call) => this.run(uri, call, () => signer.sign(scheme, message, call)),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
  }
}
