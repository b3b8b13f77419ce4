import type { SignatureScheme } from "../schemes.ts";
import type { PublicKeyInfo } from "../x509/certificate.ts";
import { parsePublicKeyInfo } from "../x509/public-key.ts";
import { ecdsaDerToRaw } from "./ecdsa-signature.ts";

/**
 * What every provider asks before it verifies, because hosts differ in how much else they read: explicit curve
 * parameters, compressed points, id-RSASSA-PSS keys, BER in ECDSA signatures, RSA signatures that lack leading
 * zeros. True where the SubjectPublicKeyInfo is a key of the scheme and the signature has the scheme's form.
 *
 * @param publicKey the SubjectPublicKeyInfo, or what parsePublicKeyInfo made of it
 */
export function formsFit(
  publicKey: Uint8Array | PublicKeyInfo,
  scheme: SignatureScheme,
  signature: Uint8Array,
): boolean {
  const key = publicKey instanceof Uint8Array ? decoded(publicKey) : publicKey;
  if (key === undefined || key.keyType !== scheme.keyType || key.curve !== scheme.curve) return false;
  if (scheme.curve !== undefined) return ecdsaDerToRaw(signature, scheme.curve) !== undefined;
  return signature.length === (scheme.keyType === "rsa" ? Math.ceil((key.bits ?? 0) / 8) : 64);
}

function decoded(publicKey: Uint8Array): PublicKeyInfo | undefined {
  try {
    return parsePublicKeyInfo(publicKey);
  } catch {
    return undefined;
  }
}
