/**
 * Signature schemes: one table. Everything below the public API receives a row, never a name.
 *
 * The message is signed, never a digest. ECDSA signatures are DER (`Ecdsa-Sig-Value`, RFC 3279 2.2.3),
 * RSA signatures are as long as the modulus, Ed25519 ones are 64 bytes.
 */
export interface SignatureScheme {
  readonly name: SignatureSchemeName;
  readonly keyType: "ec" | "rsa" | "ed25519";
  /** Hash of the message; for PSS also of MGF1. Ed25519 hashes inside. */
  readonly hash: HashName;
  /** EC only. */
  readonly curve?: CurveName;
  /** RSA only. */
  readonly padding?: "pkcs1" | "pss";
  /** PSS only: bytes of salt when signing. Verifying accepts what the provider can recover. */
  readonly saltLength?: number;
  /**
   * PSS only: the bytes of salt that the AlgorithmIdentifier of a signature names (RFC 4055 3.1); one with another salt is
   * not valid. The rows of the table have none.
   */
  readonly exactSaltLength?: number;
}

export type HashName = "SHA-256" | "SHA-384" | "SHA-512";
export type CurveName = "P-256" | "P-384" | "P-521";
export type SignatureSchemeName = keyof typeof table;

const ec = (curve: CurveName, hash: HashName) => ({ keyType: "ec", curve, hash }) as const;
const pkcs1 = (hash: HashName) => ({ keyType: "rsa", padding: "pkcs1", hash }) as const;
const pss = (hash: HashName, saltLength: number) =>
  ({ keyType: "rsa", padding: "pss", hash, saltLength }) as const;

const table = {
  ecdsa_p256_sha256: ec("P-256", "SHA-256"),
  ecdsa_p256_sha384: ec("P-256", "SHA-384"),
  ecdsa_p256_sha512: ec("P-256", "SHA-512"),
  ecdsa_p384_sha256: ec("P-384", "SHA-256"),
  ecdsa_p384_sha384: ec("P-384", "SHA-384"),
  ecdsa_p384_sha512: ec("P-384", "SHA-512"),
  ecdsa_p521_sha256: ec("P-521", "SHA-256"),
  ecdsa_p521_sha384: ec("P-521", "SHA-384"),
  ecdsa_p521_sha512: ec("P-521", "SHA-512"),
  rsa_pkcs1_sha256: pkcs1("SHA-256"),
  rsa_pkcs1_sha384: pkcs1("SHA-384"),
  rsa_pkcs1_sha512: pkcs1("SHA-512"),
  rsa_pss_sha256: pss("SHA-256", 32),
  rsa_pss_sha384: pss("SHA-384", 48),
  rsa_pss_sha512: pss("SHA-512", 64),
  ed25519: { keyType: "ed25519", hash: "SHA-512" },
} as const;

/** All schemes, by name. */
export const signatureSchemes: { readonly [N in SignatureSchemeName]: SignatureScheme } = Object.fromEntries(
  Object.entries(table).map(([name, scheme]) => [name, Object.freeze({ name, ...scheme })]),
) as { [N in SignatureSchemeName]: SignatureScheme };

/** The schemes that a key of this kind can make, the one that DDS uses first. */
export function schemesForKey(key: {
  keyType: string;
  curve?: string | undefined;
}): readonly SignatureScheme[] {
  const fitting = Object.values(signatureSchemes).filter(
    (scheme) => scheme.keyType === key.keyType && (scheme.curve === undefined || scheme.curve === key.curve),
  );
  return fitting.sort((a, b) => rank(b) - rank(a));
}

/** DDS-Security 1.1 9.3.2.5: RSASSA-PSS-SHA256 and ECDSA-SHA256; 1.2 adds P-384 with SHA-384. */
function rank(scheme: SignatureScheme): number {
  if (scheme.name === "rsa_pss_sha256" || scheme.name === "ecdsa_p256_sha256") return 2;
  return scheme.name === "ecdsa_p384_sha384" ? 1 : 0;
}
