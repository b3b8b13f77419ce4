import { hash } from "node:crypto";
import { CredentialError, type CurveName, type HashName, type SignatureScheme } from "@ddscred/core";
import {
  CKM_ECDSA,
  CKM_EDDSA,
  CKM_RSA_PKCS,
  CKM_RSA_PKCS_PSS,
  CKM_RSA_X_509,
  hashMechanisms,
} from "../cryptoki/constants.ts";
import { coordinateLengths } from "../cryptoki/curves.ts";
import type { Mechanism } from "../cryptoki/module.ts";
import { emsaPkcs1, emsaPss } from "./emsa.ts";
import { algorithmOf, digestKnown, LARGE } from "./large-message.ts";

/** One way to make a token sign in a scheme. */
export interface SigningPlan {
  readonly mechanism: Mechanism;
  /** What the token is given for a message, to sign with a key of so many bits (RSA). */
  readonly input: (message: Uint8Array, bits: number) => Uint8Array;
}

/**
 * The ways to sign in a scheme, the best first: hashed here, which sends least to the token and which most
 * tokens know, then hashed by the token; at last, for RSA, padded here too, where the token only computes. Lists of mechanisms lie both ways, so what a token can do is found
 * out by trying.
 */
export function signingPlans(scheme: SignatureScheme, refusesRawPss = false): readonly SigningPlan[] {
  if (refusesRawPss)
    return signingPlans(scheme).filter(({ mechanism }) => mechanism.type !== CKM_RSA_PKCS_PSS);
  const known = plans.get(scheme);
  if (known !== undefined) return known;
  const made = makePlans(scheme);
  plans.set(scheme, made);
  return made;
}

/** Return values by which a token says that it does not do this, rather than that something failed. */
export const refusals: ReadonlySet<string> = new Set([
  "CKR_MECHANISM_INVALID",
  "CKR_MECHANISM_PARAM_INVALID",
  "CKR_FUNCTION_NOT_SUPPORTED",
  "CKR_ARGUMENTS_BAD",
]);

/** @param refusal by which the token said so; without it, no key of the kind makes such signatures */
export function unsupported(
  key: string,
  scheme: SignatureScheme,
  refusal?: CredentialError,
): CredentialError {
  const { rv, call } = refusal ?? {};
  const what = `the ${key} key makes no ${scheme.name} signature`;
  return new CredentialError("MECHANISM_UNSUPPORTED", rv === undefined ? what : `${what} (${call}: ${rv})`, {
    ...(rv === undefined ? {} : { rv }),
    ...(call === undefined ? {} : { call }),
  });
}

const plans = new WeakMap<SignatureScheme, readonly SigningPlan[]>();

function makePlans({ keyType, padding, hash: name, curve, saltLength = 0 }: SignatureScheme): SigningPlan[] {
  const numbers = hashMechanisms[name];
  const digest = digestWith(name);
  const whole = (message: Uint8Array): Uint8Array => message;
  // Ed25519 hashes inside, twice; without parameters it is the pure one (RFC 8032 5.1).
  if (keyType === "ed25519") return [{ mechanism: { type: CKM_EDDSA }, input: whole }];
  if (keyType === "ec" && curve !== undefined) {
    return [
      { mechanism: { type: CKM_ECDSA }, input: truncated(digest, curve) },
      { mechanism: { type: numbers.ecdsa }, input: whole },
    ];
  }
  if (padding === "pkcs1") {
    const prefix = digestInfo[name];
    const info = (message: Uint8Array): Uint8Array => Buffer.concat([prefix, digest(message)]);
    return [
      { mechanism: { type: CKM_RSA_PKCS }, input: info },
      { mechanism: { type: numbers.rsaPkcs }, input: whole },
      { mechanism: { type: CKM_RSA_X_509 }, input: (message, bits) => emsaPkcs1(info(message), bits) },
    ];
  }
  if (padding !== "pss") return [];
  const pss = { hash: numbers.hash, mgf: numbers.mgf, saltLength };
  return [
    { mechanism: { type: CKM_RSA_PKCS_PSS, pss }, input: digest },
    { mechanism: { type: numbers.rsaPss, pss }, input: whole },
    {
      mechanism: { type: CKM_RSA_X_509 },
      input: (message, bits) => emsaPss(digest(message), name, saltLength, bits),
    },
  ];
}

function digestWith(name: HashName): (message: Uint8Array) => Buffer {
  const algorithm = algorithmOf(name);
  return (message) =>
    (message.length > LARGE ? digestKnown(message, name) : undefined) ?? hash(algorithm, message, "buffer");
}

/** ECDSA uses the leftmost bits of a hash that is longer than the order (FIPS 186-5 6.4.1); not all tokens cut it. */
function truncated(digest: (message: Uint8Array) => Buffer, curve: CurveName) {
  const longest = coordinateLengths[curve];
  return (message: Uint8Array): Buffer => {
    const whole = digest(message);
    return whole.length > longest ? whole.subarray(0, longest) : whole;
  };
}

/** DigestInfo up to the hash itself (RFC 8017 9.2, note 1). */
const digestInfo: Readonly<Record<HashName, Uint8Array>> = {
  "SHA-256": Buffer.from("3031300d060960864801650304020105000420", "hex"),
  "SHA-384": Buffer.from("3041300d060960864801650304020205000430", "hex"),
  "SHA-512": Buffer.from("3051300d060960864801650304020305000440", "hex"),
};
