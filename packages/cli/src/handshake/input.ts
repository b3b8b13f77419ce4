import { CredentialError } from "@ddscred/core";
import { MAX_LINE } from "./lines.ts";

/**
 * The lines of a stream, blank ones left out; it ends at the end of the stream or when the signal fires. A line of more
 * than {@link MAX_LINE} octets is `HANDSHAKE_TOKEN_INVALID` in its place: nothing is kept of it.
 */
export async function* linesOf(
  stream: NodeJS.ReadableStream & { destroy(): void },
  signal: AbortSignal,
): AsyncGenerator<string | CredentialError> {
  const stop = () => stream.destroy();
  if (signal.aborted) return;
  signal.addEventListener("abort", stop, { once: true });
  let pending: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of stream) {
      let rest: Buffer = Buffer.from(chunk);
      for (let end = rest.indexOf(LF); end >= 0; end = rest.indexOf(LF)) {
        length += end;
        if (length > 0) yield lineOf([...pending, rest.subarray(0, end)], length);
        [pending, length, rest] = [[], 0, rest.subarray(end + 1)];
      }
      length += rest.length;
      if (length > MAX_LINE) pending = [];
      else if (rest.length > 0) pending.push(rest);
    }
    if (length > 0) yield lineOf(pending, length);
  } catch (error) {
    // A stream that is destroyed while it is read says so by an error.
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

const LF = 0x0a;

function lineOf(parts: readonly Buffer[], length: number): string | CredentialError {
  if (length <= MAX_LINE) return Buffer.concat(parts).toString("utf8");
  return new CredentialError("HANDSHAKE_TOKEN_INVALID", `a line is longer than ${MAX_LINE} octets`);
}
