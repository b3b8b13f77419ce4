import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { CredentialError, type Pkcs11Uri, parseFileUri, Secret, uriScheme } from "@ddscred/core";

/**
 * The PIN that a URI carries or points to (RFC 7512 2.4): `pin-value`, or `pin-source` of the kinds `file:`
 * and `env:`. Undefined where it has neither. A source that cannot be read is an error, never an empty PIN.
 *
 * `PIN_SOURCE_REFUSED`, `PIN_SOURCE_UNREADABLE`, `URI_INVALID` for a broken file: URI.
 */
export async function pinOfUri(uri: Pkcs11Uri): Promise<Secret | undefined> {
  const { "pin-value": value, "pin-source": source } = uri.query;
  if (value !== undefined || source === undefined) return value;
  const scheme = uriScheme(source);
  if (scheme === "file") return await pinOfFile(parseFileUri(source).path);
  if (scheme === "env") return pinOfVariable(source.slice(4));
  throw refusedSource(source);
}

/** Whether a PIN can be had without asking anybody. */
export function carriesPin({ query }: Pkcs11Uri): boolean {
  return query["pin-value"] !== undefined || query["pin-source"] !== undefined;
}

/** One newline at the end is not part of the PIN. A relative path starts at the working folder. */
async function pinOfFile(path: string): Promise<Secret> {
  const bytes = await readPinFile(path);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CredentialError("PIN_SOURCE_UNREADABLE", `the PIN file ${path} is not UTF-8 text`);
  }
  return new Secret(text.replace(/\r?\n$/, ""));
}

async function readPinFile(path: string): Promise<Buffer> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stat = await file.stat();
    if (!stat.isFile()) throw new CredentialError("PIN_SOURCE_UNREADABLE", `${path} is no regular file`);
    if (process.platform !== "win32" && (stat.mode & OTHERS_HAVE_ACCESS) !== 0) {
      throw new CredentialError("PIN_SOURCE_REFUSED", `other users have access to the PIN file ${path}`, {
        hint: `Restrict it: chmod 0600 ${path}`,
      });
    }
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_PIN_FILE + 1), 0, MAX_PIN_FILE + 1, 0);
    if (bytesRead <= MAX_PIN_FILE) return buffer.subarray(0, bytesRead);
    throw new CredentialError(
      "PIN_SOURCE_UNREADABLE",
      `${path} is larger than a PIN can be (${MAX_PIN_FILE} bytes)`,
    );
  } catch (error) {
    if (error instanceof CredentialError) throw error;
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no such file" : code;
    throw new CredentialError("PIN_SOURCE_UNREADABLE", `the PIN file ${path} cannot be read: ${reason}`);
  } finally {
    await file?.close();
  }
}

function pinOfVariable(name: string): Secret {
  const value = process.env[name];
  if (value !== undefined) return new Secret(value);
  throw new CredentialError(
    "PIN_SOURCE_UNREADABLE",
    `the environment variable ${JSON.stringify(name)} is not set`,
  );
}

/** What is no pin-source may be the PIN itself, in the wrong place: nothing of it is shown. */
function refusedSource(source: string): CredentialError {
  if (source.startsWith("|")) {
    return new CredentialError("PIN_SOURCE_REFUSED", "a pin-source that is a command is not run");
  }
  return new CredentialError("PIN_SOURCE_REFUSED", "the pin-source is neither file: nor env:", {
    hint: "Write file: before the path.",
  });
}

const OTHERS_HAVE_ACCESS = 0o077;
const MAX_PIN_FILE = 4096;
