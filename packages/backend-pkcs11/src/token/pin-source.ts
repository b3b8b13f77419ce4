import {
  CredentialError,
  looksLikePin,
  type Pkcs11Uri,
  parseFileUri,
  Secret,
  uriScheme,
} from "@ddscred/core";
import { pinOfCommand } from "./pin-command.ts";
import { pinOfDescriptor } from "./pin-descriptor.ts";
import { pinOfCredential, pinOfFile } from "./pin-file.ts";

/**
 * The PIN that a URI carries or points to (RFC 7512 2.4): `pin-value`, or `pin-source` of the kinds `file:`,
 * `env:`, `fd:` and `systemd:`, or a command that is allowed. Undefined where it has neither. A source that
 * cannot be read is an error, never an empty PIN.
 *
 * `PIN_SOURCE_REFUSED`, `PIN_SOURCE_UNREADABLE`, `URI_INVALID` for a broken file: URI.
 *
 * @param commands absolute paths of the programs that may be run
 */
export async function pinOfUri(uri: Pkcs11Uri, commands: readonly string[]): Promise<Secret | undefined> {
  const { "pin-value": value, "pin-source": source } = uri.query;
  return value !== undefined || source === undefined ? value : await readPinSource(source, commands);
}

/**
 * The PIN in a source, written as in `pin-source`: `PIN_SOURCE_REFUSED`, `PIN_SOURCE_UNREADABLE`, `URI_INVALID`.
 *
 * @param commands absolute paths of the programs that may be run
 */
export async function readPinSource(source: string, commands: readonly string[] = []): Promise<Secret> {
  try {
    return await read(source, commands);
  } catch (error) {
    if (error instanceof CredentialError) ofSources.add(error);
    throw error;
  }
}

/** Whether it is an error of {@link readPinSource}, which holds no PIN. */
export function isOfSource(error: unknown): error is CredentialError {
  return ofSources.has(error as CredentialError);
}

const ofSources = new WeakSet<CredentialError>();

async function read(source: string, commands: readonly string[]): Promise<Secret> {
  if (source.startsWith("|")) return await pinOfCommand(source.slice(1), commands);
  const reader = readers.get(uriScheme(source) ?? "");
  if (reader !== undefined) return await reader(source.slice(source.indexOf(":") + 1), source);
  // It may be the PIN itself, in the wrong place: nothing of it is shown.
  throw new CredentialError("PIN_SOURCE_REFUSED", "the pin-source is of no kind that is read", {
    hint: "Write file: before the path. The other kinds are env:NAME, fd:NUMBER and systemd:NAME.",
  });
}

/** Whether a PIN can be had without asking anybody. */
export function carriesPin({ query }: Pkcs11Uri): boolean {
  return query["pin-value"] !== undefined || query["pin-source"] !== undefined;
}

function pinOfVariable(name: string): Secret {
  const value = Object.hasOwn(process.env, name) ? process.env[name] : undefined;
  if (value !== undefined) return new Secret(value);
  throw new CredentialError(
    "PIN_SOURCE_UNREADABLE",
    `the environment variable ${isVariable(name) ? JSON.stringify(name) : "[redacted]"} is not set`,
  );
}

/** Other names are not shown: they may be the PIN, in the wrong place. */
const isVariable = (name: string): boolean => /^[a-z_]\w*$/i.test(name) && !looksLikePin(name);

function pathOf(name: string, source: string): string {
  try {
    return parseFileUri(source).path;
  } catch (error) {
    if (!looksLikePin(name)) throw error;
    throw new CredentialError("URI_INVALID", "the pin-source is no file: URI that can be read");
  }
}

/** By kind: what reads a source, given what follows the colon, and the whole. */
const readers = new Map<string, (name: string, source: string) => Secret | Promise<Secret>>([
  ["file", (name, source) => pinOfFile(pathOf(name, source))],
  ["env", pinOfVariable],
  ["fd", (number) => pinOfDescriptor(number)],
  ["systemd", pinOfCredential],
]);
