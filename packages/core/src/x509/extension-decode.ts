import type { DerContext } from "../der/fields.ts";
import type { DerNode } from "../der/node.ts";
import { readDer } from "../der/read.ts";
import type { ErrorCode } from "../errors/codes.ts";
import { CredentialError } from "../errors/credential-error.ts";
import type { Extension } from "./certificate.ts";
import { type ExtensionName, ExtensionOid } from "./extension-oids.ts";

/** What has extensions: a certificate, a revocation list, or one of its entries. */
export interface Extended {
  readonly extensions: readonly Extension[];
}

/**
 * Decodes one extension of a list; undefined where it is not there.
 *
 * @throws CredentialError of the code given, naming the extension, where it is malformed
 */
export function decodeExtension<T>(
  holder: Extended,
  name: ExtensionName,
  read: (bytes: Uint8Array, node: DerNode, context: DerContext) => T,
  code: ErrorCode = "CERTIFICATE_INVALID",
): T | undefined {
  const bytes = holder.extensions.find(({ oid }) => oid === ExtensionOid[name])?.value;
  if (bytes === undefined) return undefined;
  let node: DerNode;
  try {
    node = readDer(bytes);
  } catch (cause) {
    if (!(cause instanceof CredentialError)) throw cause;
    throw new CredentialError(code, `extension ${name} is ${cause.message}`, { cause });
  }
  return read(bytes, node, { code, what: `extension ${name}` });
}
