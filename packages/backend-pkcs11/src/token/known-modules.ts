import type { LibraryInfo } from "@ddscred/core";

/** What cannot be asked for, and does harm where it is found out by trying. */
export interface ModuleLimits {
  /** How many of its sessions may be in use at once. */
  readonly sessions: number;
  /** Whether a new key may be told what it is not for (CKA_DECRYPT false). */
  readonly takesPurpose: boolean;
  /** Whether a digest may stay under way. */
  readonly canWatch: boolean;
  /** Whether it does RSASSA-PSS with hashing alone, so that CKM_RSA_PKCS_PSS is not tried. */
  readonly refusesRawPss: boolean;
}

/**
 * The limits of a module, where they are known to matter. tpm2-pkcs11 (1.9.0) crashes when it refuses a mechanism while
 * it signs, or has just signed, on another thread, and answers CKR_GENERAL_ERROR to a key that is told not to decrypt. Both leave
 * objects loaded in the TPM, which has room for three. It does one thing at a time anyway.
 */
export function limitsOf({ manufacturerID }: LibraryInfo): ModuleLimits {
  return manufacturerID === "tpm2-software.github.io"
    ? { sessions: 1, takesPurpose: false, canWatch: false, refusesRawPss: true }
    : { sessions: Number.POSITIVE_INFINITY, takesPurpose: true, canWatch: true, refusesRawPss: false };
}
