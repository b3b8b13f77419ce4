import type { LibraryInfo } from "@ddscred/core";

/**
 * How many sessions of a module may be in use at once, where that is known to matter. tpm2-pkcs11 (1.9.0) crashes
 * when it refuses a mechanism on one thread while another signs, and a crash leaves its keys loaded in the TPM, which
 * has room for three. A TPM does one thing at a time anyway.
 */
export function sessionsAtOnce({ manufacturerID }: LibraryInfo): number {
  return manufacturerID === "tpm2-software.github.io" ? 1 : Number.POSITIVE_INFINITY;
}
