/** The numbers of PKCS#11 2.40 that are used here (pkcs11t.h), so that no binding is needed to know them. */

export const CKF_OS_LOCKING_OK = 0x2;
export const CKF_RW_SESSION = 0x2;
export const CKF_SERIAL_SESSION = 0x4;

/** CK_TOKEN_INFO flags. */
export const CKF_WRITE_PROTECTED = 0x2;
export const CKF_LOGIN_REQUIRED = 0x4;
export const CKF_PROTECTED_AUTHENTICATION_PATH = 0x100;
export const CKF_TOKEN_INITIALIZED = 0x400;
export const CKF_USER_PIN_COUNT_LOW = 0x1_0000;
export const CKF_USER_PIN_FINAL_TRY = 0x2_0000;
export const CKF_USER_PIN_LOCKED = 0x4_0000;
export const CKF_USER_PIN_TO_BE_CHANGED = 0x8_0000;

export const CKU_USER = 1;
export const CKU_CONTEXT_SPECIFIC = 2;

/** Session states in which the normal user is logged in. */
export const CKS_RO_USER_FUNCTIONS = 1;
export const CKS_RW_USER_FUNCTIONS = 3;

export const CKO_DATA = 0;
export const CKO_CERTIFICATE = 1;
export const CKO_PUBLIC_KEY = 2;
export const CKO_PRIVATE_KEY = 3;
export const CKO_SECRET_KEY = 4;

export const CKC_X_509 = 0;

export const CKK_RSA = 0;
export const CKK_EC = 3;
/** PKCS#11 3.0; modules of 2.40 offer it too, under the same numbers. */
export const CKK_EC_EDWARDS = 0x40;

export const CKM_SHA256 = 0x250;
export const CKM_RSA_PKCS_KEY_PAIR_GEN = 0x0;
export const CKM_RSA_PKCS = 0x1;
export const CKM_RSA_X_509 = 0x3;
export const CKM_RSA_PKCS_PSS = 0xd;
export const CKM_EC_KEY_PAIR_GEN = 0x1040;
export const CKM_ECDSA = 0x1041;
export const CKM_EDDSA = 0x1057;

/** The mechanisms that hash by themselves, and the parameters of PSS, by hash. */
export const hashMechanisms = {
  "SHA-256": { hash: 0x250, mgf: 2, rsaPkcs: 0x40, rsaPss: 0x43, ecdsa: 0x1044 },
  "SHA-384": { hash: 0x260, mgf: 3, rsaPkcs: 0x41, rsaPss: 0x44, ecdsa: 0x1045 },
  "SHA-512": { hash: 0x270, mgf: 4, rsaPkcs: 0x42, rsaPss: 0x45, ecdsa: 0x1046 },
} as const;
