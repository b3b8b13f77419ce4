import {
  type Certificate,
  type CryptoProvider,
  namesEqual,
  type RevocationList,
  signatureSchemeOf,
} from "@ddscred/core";
import type { PathFault } from "./peer-path.ts";

/**
 * What OpenSSL finds of a certificate in revocation lists (X509_V_FLAG_CRL_CHECK): the list of its issuer must be
 * there, in its time and signed.
 */
export async function revocationFault(
  leaf: Certificate,
  issuer: Certificate,
  lists: readonly RevocationList[],
  { at, crypto }: { readonly at: Date; readonly crypto: CryptoProvider },
): Promise<PathFault | undefined> {
  const list = lists.find((each) => namesEqual(each.issuer, leaf.issuer));
  if (list === undefined) return fault(3, "unable to get certificate CRL");
  if (at < list.thisUpdate) return fault(11, "CRL is not yet valid");
  if (list.nextUpdate !== undefined && at > list.nextUpdate) return fault(12, "CRL has expired");
  const scheme = signatureSchemeOf(list.signatureAlgorithm, issuer.publicKey);
  if (!(await crypto.verify(issuer.publicKey.spki, scheme, list.tbs, list.signature))) {
    return fault(8, "CRL signature failure");
  }
  return list.find(leaf) !== undefined ? fault(23, "certificate revoked") : undefined;
}

const fault = (number: number, message: string): PathFault => ({ number, message });
