import { readWord } from "./values.ts";
import { type ElementWalker, type Located } from "./walk.ts";

/**
 * <allowed_crypto_algorithms> of DDS-Security 1.2 (10.4.1.2.5.9). A list that is absent allows all; the
 * schema demands three of the four, the prose says what their absence means, and the prose is followed.
 */
export interface AllowedAlgorithms {
  readonly digitalSignature?: readonly Located<string>[];
  readonly digitalSignatureTrustChain?: readonly Located<string>[];
  readonly keyEstablishment?: readonly Located<string>[];
  readonly symmetricCipher?: readonly Located<string>[];
}

export function readAllowedAlgorithms(walker: ElementWalker): AllowedAlgorithms {
  const digitalSignature = walker.optional("digital_signature");
  // The schema and the prose of 1.2 call it differently.
  const trustChain = walker.optional(
    "digital_signature_identity_trust_chain",
    "digital_signature_trust_chain",
  );
  const keyEstablishment = walker.optional("key_establishment");
  const symmetricCipher = walker.optional("symmetric_cipher");
  walker.end();
  return {
    ...(digitalSignature && { digitalSignature: readList(digitalSignature, SIGNATURES) }),
    ...(trustChain && { digitalSignatureTrustChain: readList(trustChain, SIGNATURES) }),
    ...(keyEstablishment && { keyEstablishment: readList(keyEstablishment, KEY_ESTABLISHMENTS) }),
    ...(symmetricCipher && { symmetricCipher: readList(symmetricCipher, CIPHERS) }),
  };
}

function readList(walker: ElementWalker, names: readonly string[]): readonly Located<string>[] {
  const list = walker.some("algorithm").map((child) => readWord(child, names));
  walker.end();
  return list;
}

// DDS-Security 1.2, Tables 25 and 26.
const SIGNATURES = [
  "RSASSA-PSS-MGF1SHA256+2048+SHA256",
  "RSASSA-PKCS1-V1_5+2048+SHA256",
  "ECDSA+P256+SHA256",
  "ECDSA+P384+SHA384",
];
const KEY_ESTABLISHMENTS = ["DHE+MODP-2048-256", "ECDHE-CEUM+P256", "ECDHE-CEUM+P384"];
const CIPHERS = ["AES128+GCM", "AES256+GCM"];
