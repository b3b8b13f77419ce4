import type { CurveName, NewKeyType } from "@ddscred/core";
import { CKK_EC, CKK_RSA, CKM_EC_KEY_PAIR_GEN, CKM_RSA_PKCS_KEY_PAIR_GEN } from "../cryptoki/constants.ts";
import { curveParameters } from "../cryptoki/curves.ts";
import type { Mechanism } from "../cryptoki/module.ts";
import type { Template } from "../cryptoki/template.ts";

/** How one kind of key pair is made. */
export interface KeyKindRow {
  /** How a person calls it. */
  readonly label: string;
  readonly mechanism: Mechanism;
  readonly keyType: number;
  /** What the public half says of the kind (PKCS#11 2.40 mechanisms 2.1.4, 2.3.5). */
  readonly publicKey: Template;
}

const rsa = (bits: number): KeyKindRow => ({
  label: `RSA ${bits}`,
  mechanism: { type: CKM_RSA_PKCS_KEY_PAIR_GEN },
  keyType: CKK_RSA,
  publicKey: { CKA_MODULUS_BITS: bits, CKA_PUBLIC_EXPONENT: Uint8Array.of(1, 0, 1) },
});

const ec = (curve: CurveName): KeyKindRow => ({
  label: `EC ${curve}`,
  mechanism: { type: CKM_EC_KEY_PAIR_GEN },
  keyType: CKK_EC,
  publicKey: { CKA_EC_PARAMS: curveParameters[curve] },
});

export const keyKinds: Readonly<Record<NewKeyType, KeyKindRow>> = {
  "ec-p256": ec("P-256"),
  "ec-p384": ec("P-384"),
  "rsa-2048": rsa(2048),
  "rsa-3072": rsa(3072),
  "rsa-4096": rsa(4096),
};

export const keyTypes = Object.keys(keyKinds) as readonly NewKeyType[];

export function isKeyType(value: unknown): value is NewKeyType {
  return keyTypes.some((type) => type === value);
}
