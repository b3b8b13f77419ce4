import { redactUri } from "@ddscred/core";
import { UsageError } from "../exit.ts";
import { pathOf } from "../input.ts";

/**
 * The path that `--out` names, or `-`. Another URI, or one with a PIN, is a {@link UsageError}: it would become
 * the name of a file, which all may see.
 */
export function outputPath(value: string): string {
  if (/^(?:pkcs11|data):/i.test(value) || redactUri(value) !== value)
    throw new UsageError("--out is the path of a file");
  return pathOf(value);
}
