import {
  type Certificate,
  CredentialError,
  certificatesFromPem,
  crlsFromPem,
  parseCertificate,
  parseRevocationList,
  type Resolver,
  type RevocationList,
  uriScheme,
} from "@ddscred/core";
import { uriOf } from "../input.ts";

/** Certificates of a file in PEM or DER, or of a token. */
export async function readCertificates(resolver: Resolver, value: string): Promise<readonly Certificate[]> {
  const uri = uriOf(value);
  if (uriScheme(uri) === "pkcs11") return await resolver.certificates(uri);
  const bytes = await resolver.document(uri);
  return isDer(bytes) ? [withUri(uri, () => parseCertificate(bytes))] : certificatesFromPem(bytes, { uri });
}

/** Revocation lists of a file in PEM or DER, or of a token. */
export async function readRevocationLists(
  resolver: Resolver,
  value: string,
): Promise<readonly RevocationList[]> {
  const uri = uriOf(value);
  if (uriScheme(uri) === "pkcs11") {
    return (await resolver.revocationLists(uri)).map((list) => parseRevocationList(list));
  }
  const bytes = await resolver.document(uri);
  const lists = isDer(bytes) ? [bytes] : crlsFromPem(bytes, { uri });
  return lists.map((list) => withUri(uri, () => parseRevocationList(list)));
}

/** PEM is text, and its first byte is none of a SEQUENCE unless text before it begins with a zero. */
const isDer = (bytes: Uint8Array) => bytes[0] === 0x30 && (bytes[1] ?? 0) >= 0x80;

function withUri<T>(uri: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof CredentialError ? error.with({ uri }) : error;
  }
}
