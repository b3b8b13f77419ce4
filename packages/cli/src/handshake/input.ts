import { CredentialError } from "@ddscred/core";
import { MAX_LINE } from "./lines.ts";

/**
 * The lines of a stream, blank ones left out, none longer than {@link MAX_LINE} octets; it ends at the end of the
 * stream or when the signal fires. `HANDSHAKE_TOKEN_INVALID` for a line that is too long: nothing is kept of it.
 */
export async function* linesOf(
  stream: NodeJS.ReadableStream & { destroy(): void },
  signal: AbortSignal,
): AsyncGenerator<string> {
  const stop = () => stream.destroy();
  if (signal.aborted) return;
  signal.addEventListener("abort", stop, { once: true });
  let pending: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of stream) {
      let rest: Buffer = Buffer.from(chunk);
      for (let end = rest.indexOf(LF); end >= 0; end = rest.indexOf(LF)) {
        const line = Buffer.concat([...pending, rest.subarray(0, end)]);
        [pending, length, rest] = [[], 0, rest.subarray(end + 1)];
        if (line.length > MAX_LINE) throw tooLong();
        if (line.length > 0) yield line.toString("utf8");
      }
      length += rest.length;
      if (length > MAX_LINE) throw tooLong();
      if (rest.length > 0) pending.push(rest);
    }
    if (length > 0) yield Buffer.concat(pending).toString("utf8");
  } catch (error) {
    // A stream that is destroyed while it is read says so by an error.
    if (!signal.aborted || error instanceof CredentialError) throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

const LF = 0x0a;

function tooLong(): CredentialError {
  return new CredentialError("HANDSHAKE_TOKEN_INVALID", `a line is longer than ${MAX_LINE} octets`);
}
