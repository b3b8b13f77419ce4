import { CredentialError, parseFileUri, Secret, type TokenInfo, uriScheme } from "@ddscred/core";
import type { Files } from "./files.ts";
import type { PinFinder } from "./token/tokens.ts";

/** Asked for a PIN where the URI has none; undefined stands for none. */
export type MockPinProvider = (request: { uri: string; token: TokenInfo }) => Promise<Secret | undefined>;

/** Where the PINs of a backend are: in the URI, in the files in memory, with the provider. */
export function pinsOf(files: Files, provider: MockPinProvider | undefined): PinFinder {
  return ({ query }, token, uri) => {
    const { "pin-value": value, "pin-source": source } = query;
    if (value !== undefined) return async () => value;
    if (source !== undefined) return async () => pinFrom(files, source, uri);
    return async () => provider?.({ uri, token: token.info });
  };
}

/** `pin-source=file:...`, from the files in memory; one line end after the PIN is no part of it. */
function pinFrom(files: Files, source: string, uri: string): Secret {
  if (uriScheme(source) !== "file") {
    throw new CredentialError("PIN_SOURCE_REFUSED", "the mock reads pin-source=file: only", { uri });
  }
  try {
    const bytes = files.read({ uri: source });
    return new Secret(new TextDecoder().decode(bytes).replace(/\r?\n$/, ""));
  } catch (error) {
    const text = `the mock has no file ${JSON.stringify(parseFileUri(source).path)} for the PIN`;
    throw new CredentialError("PIN_SOURCE_UNREADABLE", text, { uri, cause: error });
  }
}
