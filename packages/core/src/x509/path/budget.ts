import { CredentialError } from "../../errors/credential-error.ts";
import type { Certificate } from "../certificate.ts";
import { certificateError } from "./certificate-error.ts";

/** What one validation may cost in all, whatever the number of certificates and paths. */
export class Budget {
  readonly #left: Record<Cost, number>;

  constructor(limits: Readonly<Record<Cost, number>> = LIMITS) {
    this.#left = { ...limits };
  }

  /**
   * @param certificate for which it is spent; the error names it
   * @throws CredentialError `PATH_REFUSED`, rule `budget`, where nothing is left: that ends the whole validation
   */
  spend(cost: Cost, amount: number, certificate: Certificate): void {
    this.#left[cost] -= amount;
    if (this.#left[cost] >= 0) return;
    const problem = `its path was not found within the limit of ${LIMITS[cost]} ${WHAT[cost]}`;
    const { message } = certificateError("PATH_REFUSED", certificate, problem, SECTION);
    throw new CredentialError("PATH_REFUSED", message, { section: SECTION, rule: "budget", hint: HINT });
  }
}

/** `signatures` are counted in verifications of a key of RSA 2048 or P-256. */
export type Cost = "steps" | "signatures" | "comparisons";

/** A deployment needs three steps and three signatures. */
const LIMITS: Readonly<Record<Cost, number>> = { steps: 1024, signatures: 256, comparisons: 250_000 };
const WHAT: Readonly<Record<Cost, string>> = {
  steps: "certificates tried",
  signatures: "signature checks",
  comparisons: "comparisons with name constraints",
};
const SECTION = "RFC 5280 6.1";
const HINT = "Leave out the certificates that do not belong to the path.";
