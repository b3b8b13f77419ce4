import {
  CKM_ECDSA,
  CKM_EDDSA,
  CKM_RSA_PKCS,
  CKM_RSA_PKCS_PSS,
  CKM_RSA_X_509,
  hashMechanisms,
} from "./constants.ts";

/** `CKM_ECDSA`; `CKM_0x...` for one that is not used here. */
export function mechanismName(type: number): string {
  return names.get(type) ?? `CKM_0x${type.toString(16)}`;
}

const names: ReadonlyMap<number, string> = new Map([
  [CKM_RSA_PKCS, "CKM_RSA_PKCS"],
  [CKM_RSA_X_509, "CKM_RSA_X_509"],
  [CKM_RSA_PKCS_PSS, "CKM_RSA_PKCS_PSS"],
  [CKM_ECDSA, "CKM_ECDSA"],
  [CKM_EDDSA, "CKM_EDDSA"],
  [0x0, "CKM_RSA_PKCS_KEY_PAIR_GEN"],
  [0x1040, "CKM_EC_KEY_PAIR_GEN"],
  ...Object.entries(hashMechanisms).flatMap(([hash, { rsaPkcs, rsaPss, ecdsa }]): [number, string][] => {
    const name = hash.replace("-", "");
    return [
      [rsaPkcs, `CKM_${name}_RSA_PKCS`],
      [rsaPss, `CKM_${name}_RSA_PKCS_PSS`],
      [ecdsa, `CKM_ECDSA_${name}`],
    ];
  }),
]);
