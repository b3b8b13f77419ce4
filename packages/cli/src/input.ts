import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { CredentialError, parseFileUri, uriScheme } from "@ddscred/core";
import { UsageError } from "./exit.ts";

/** What stands for standard input in place of a file. */
export const STDIN = "-";

/** A URI as it is; a text without a scheme is a path. */
export function uriOf(value: string): string {
  // A single letter before the colon is a drive of Windows.
  return (uriScheme(value)?.length ?? 0) > 1 ? value : pathToFileURL(resolve(value)).href;
}

/**
 * The path of a file: URI, for it is often pasted; any other text is a path. `URI_INVALID`; `URI_SCHEME_REFUSED` for
 * pkcs11:, since a PIN in it would be shown as part of a path.
 */
export function pathOf(value: string): string {
  const scheme = uriScheme(value);
  if (scheme === "pkcs11") {
    throw new CredentialError("URI_SCHEME_REFUSED", "a file is named here; a token holds none", {
      uri: value,
    });
  }
  return scheme === "file" ? parseFileUri(value).path : value;
}

/** All of standard input, of at most 16 MiB. `FILE_EMPTY`, `FILE_TOO_LARGE`; {@link UsageError} the second time. */
export async function readStdin(): Promise<Uint8Array> {
  if (wasRead) throw new UsageError("standard input (-) can be read once");
  wasRead = true;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    chunks.push(Buffer.from(chunk));
    length += chunks.at(-1)?.length ?? 0;
    if (length > MAX_INPUT) {
      process.stdin.destroy();
      throw new CredentialError("FILE_TOO_LARGE", `standard input holds more than ${MAX_INPUT} bytes`);
    }
  }
  if (length === 0) throw new CredentialError("FILE_EMPTY", "standard input is empty");
  return new Uint8Array(Buffer.concat(chunks));
}

let wasRead = false;
/** As for signed documents. */
const MAX_INPUT = 16 * 1024 * 1024;
