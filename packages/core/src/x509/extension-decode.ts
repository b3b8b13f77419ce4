import { type DerContext, DerFields, malformed } from "../der/fields.ts";
import { type DerNode, DerTag, derContent } from "../der/node.ts";
import { readDer } from "../der/read.ts";
import { derBoolean, derOid } from "../der/values.ts";
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

/** Extensions (RFC 5280 4.1): at least one, each OID once. They are not looked into. */
export function decodeExtensionList(
  bytes: Uint8Array,
  list: DerNode,
  context: DerContext,
): readonly Extension[] {
  if (list.identifier !== DerTag.SEQUENCE || list.children.length === 0) {
    throw malformed(context, list, "the list of extensions is empty");
  }
  const seen = new Set<string>();
  return list.children.map((child) => {
    const extension = decodeOne(bytes, child, context);
    if (seen.has(extension.oid)) {
      throw malformed(context, child, `extension ${extension.oid} is there twice (RFC 5280 4.2)`);
    }
    seen.add(extension.oid);
    return extension;
  });
}

function decodeOne(bytes: Uint8Array, node: DerNode, context: DerContext): Extension {
  const fields = new DerFields(node, context);
  const oid = derOid(bytes, fields.required("extnID", DerTag.OBJECT_IDENTIFIER));
  // FALSE is the default and should not be written (X.690 11.5), but some CAs do; it changes nothing.
  const critical = fields.optional(DerTag.BOOLEAN);
  const value = derContent(bytes, fields.required("extnValue", DerTag.OCTET_STRING));
  fields.end();
  return { oid, critical: critical !== undefined && derBoolean(bytes, critical), value };
}
