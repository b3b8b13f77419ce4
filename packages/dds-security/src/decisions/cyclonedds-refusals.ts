import { CredentialError, type ErrorCode } from "@ddscred/core";
import { PeerRefusal } from "./peer-refusal.ts";
import { type PeerUri, shownPath } from "./peer-uri.ts";

/** What Cyclone DDS refuses: the nearest of ddscred's codes, its own number, its words. */
export function refusal(
  code: ErrorCode,
  peerCode: number,
  message: string,
  cause?: CredentialError,
): PeerRefusal {
  const { location, hint } = cause ?? {};
  return new PeerRefusal(code, message, {
    peerCode,
    ...(location && { location }),
    ...(hint !== undefined && { hint }),
  });
}

export const parsing = (error: CredentialError, peerCode: number, what: string): PeerRefusal =>
  refusal(error.code, peerCode, `${what}: ${error.message}`, error);

export const noFile = ({ path = "" }: PeerUri): string =>
  `File could not be found, opened or is empty, path: ${shownPath(path)}`;

/** Does the work; what stops it becomes what Cyclone DDS says then. */
export async function attempt<T>(
  work: () => Promise<T>,
  refuse: (error: CredentialError) => PeerRefusal,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CredentialError) throw refuse(error);
    throw error;
  }
}
