import { type AbortSignalLike, CredentialError } from "@ddscred/core";

/**
 * What a PIN provider answers, unless nobody waits for it any more.
 *
 * `ABORTED` where the signal comes first, `CLOSED` a second after the backend was closed: what is about to be answered
 * is still used.
 */
export async function unlessEnded<T>(
  asking: Promise<T>,
  signal: AbortSignalLike | undefined,
  closing: AbortSignalLike,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let abort = (): void => undefined;
  let close = (): void => undefined;
  const ended = new Promise<never>((_, reject) => {
    abort = () => reject(new CredentialError("ABORTED", "the call was aborted while it asked for the PIN"));
    close = () => {
      const closed = new CredentialError(
        "CLOSED",
        "the PKCS#11 backend was closed while it asked for the PIN",
      );
      timer = setTimeout(() => reject(closed), LAST_WORDS);
    };
  });
  signal?.addEventListener("abort", abort, { once: true });
  closing.addEventListener("abort", close, { once: true });
  if (signal?.aborted === true) abort();
  if (closing.aborted) close();
  try {
    return await Promise.race([asking, ended]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    closing.removeEventListener("abort", close);
  }
}

/** Milliseconds. */
const LAST_WORDS = 1000;
