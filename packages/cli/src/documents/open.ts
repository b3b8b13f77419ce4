import { type Certificate, CredentialError, uriScheme } from "@ddscred/core";
import { readInput } from "../provisioning/files.ts";

/** The bytes of a file named on the command line. */
export async function readFile(file: string): Promise<Uint8Array> {
  const scheme = uriScheme(file);
  if (scheme === "pkcs11") {
    throw new CredentialError("URI_SCHEME_REFUSED", "a document is a file; a token holds none", {
      uri: file,
    });
  }
  return await readInput(file);
}

/** The one permissions CA of those that a URI names: DDS knows one, the first. */
export function firstOf(certificates: readonly Certificate[], uri: string): Certificate {
  const [first] = certificates;
  if (first !== undefined) return first;
  throw new CredentialError("OBJECT_NOT_FOUND", "no certificate", { uri });
}
