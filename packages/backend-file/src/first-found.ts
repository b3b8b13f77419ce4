import { CredentialError, parseFileUri } from "@ddscred/core";

/**
 * What `use` makes of the first path that exists; a path that exists and fails otherwise ends the search.
 * `FILE_NOT_FOUND` naming every path tried.
 */
export async function firstFound<T>(
  paths: readonly string[],
  uri: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const misses: CredentialError[] = [];
  for (const path of paths) {
    try {
      return await use(path);
    } catch (error) {
      if (!(error instanceof CredentialError) || error.code !== "FILE_NOT_FOUND") throw error;
      misses.push(error);
    }
  }
  const [only] = misses;
  const hint = parseFileUri(uri).remark;
  if (only !== undefined && misses.length === 1 && hint === undefined) throw only;
  if (only === undefined) {
    throw new CredentialError(
      "FILE_NOT_FOUND",
      "the path is relative, and there is no folder to start from",
      { uri },
    );
  }
  throw new CredentialError("FILE_NOT_FOUND", misses.map(({ message }) => message).join("; "), {
    uri,
    candidates: misses.flatMap(({ candidates }) => candidates ?? []).slice(0, 3),
    cause: only.cause,
    ...(hint === undefined ? {} : { hint }),
  });
}
