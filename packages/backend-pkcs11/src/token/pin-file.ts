import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { CredentialError, type Secret } from "@ddscred/core";
import { MAX_PIN, pinOfBytes, reasonOf, shownName, unreadable } from "./pin-text.ts";

/** The PIN in a file of which others know nothing. A relative path starts at the working folder. */
export async function pinOfFile(path: string): Promise<Secret> {
  const shown = shownName(path);
  return await read(path, `the PIN file ${shown}`, 0o077, `Restrict it: chmod 0600 ${shown}`);
}

/**
 * The PIN in a credential of the service: a file in $CREDENTIALS_DIRECTORY, where systemd put it for this
 * service alone (systemd.exec(5), LoadCredential=). Its group may read it, for that is how systemd lets a
 * service without root read it.
 */
export async function pinOfCredential(name: string): Promise<Secret> {
  if (!/^[^/\0]{1,255}$/.test(name) || name === "." || name === "..") {
    throw new CredentialError("PIN_SOURCE_REFUSED", "systemd: is followed by the name of no credential", {
      hint: "Write systemd:NAME, with the NAME of LoadCredential=NAME:PATH in the unit.",
    });
  }
  const { CREDENTIALS_DIRECTORY: folder } = process.env;
  if (folder === undefined || folder === "") {
    const hint = `Run it as a service of systemd, with LoadCredential=${shownName(name)}:PATH in the unit.`;
    throw unreadable("there are no credentials of a service: CREDENTIALS_DIRECTORY is not set", hint);
  }
  const hint = "Let systemd make the file: LoadCredential= in the unit.";
  return await read(join(folder, name), `the credential ${JSON.stringify(shownName(name))}`, 0o027, hint);
}

async function read(path: string, place: string, forbidden: number, hint: string): Promise<Secret> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stat = await file.stat();
    if (!stat.isFile()) throw unreadable(`${place} is no regular file`);
    if (process.platform !== "win32" && (stat.mode & forbidden) !== 0) {
      throw new CredentialError("PIN_SOURCE_REFUSED", `other users have access to ${place}`, { hint });
    }
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_PIN + 1), 0, MAX_PIN + 1, 0);
    return pinOfBytes(buffer.subarray(0, bytesRead), place);
  } catch (error) {
    if (error instanceof CredentialError) throw error;
    const reason = reasonOf(error);
    throw unreadable(`${place} cannot be read: ${reason === "ENOENT" ? "there is no such file" : reason}`);
  } finally {
    await file?.close();
  }
}
