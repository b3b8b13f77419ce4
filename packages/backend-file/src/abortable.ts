import { type AbortSignalLike, CredentialError } from "@ddscred/core";

/**
 * The result of the work, or `ABORTED` as soon as the signal says so. Work under way goes on to its end, for a
 * call to a disk cannot be taken back; it cleans up after itself.
 */
export async function abortable<T>(
  work: () => Promise<T>,
  uri: string,
  signal: AbortSignalLike | undefined,
): Promise<T> {
  if (signal === undefined) return await work();
  const aborted = () => new CredentialError("ABORTED", "the call was aborted by its caller", { uri });
  if (signal.aborted) throw aborted();
  const { promise, reject } = withReject();
  const stop = () => reject(aborted());
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([promise, work()]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function withReject() {
  let reject: (reason: CredentialError) => void = () => undefined;
  const promise = new Promise<never>((_, no) => {
    reject = no;
  });
  return { promise, reject };
}
