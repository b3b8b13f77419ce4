import { sameBytes } from "../../der/values.ts";
import { CredentialError } from "../../errors/credential-error.ts";
import type { Certificate } from "../certificate.ts";
import { checkAnyCertificate, checkCa, checkLeafUsage, type Demands } from "./rules.ts";
import { checkForm } from "./strict.ts";

/** Where a certificate stands in a path. */
export type Role = "leaf" | "ca" | "anchor";

/** What each certificate breaks by itself, whatever path it stands in; found out once. */
export class Faults {
  readonly #known: Record<Role, Map<Certificate, CredentialError | undefined>> = {
    leaf: new Map(),
    ca: new Map(),
    anchor: new Map(),
  };
  readonly #demands: Demands;
  readonly #anchors: readonly Certificate[];

  constructor(demands: Demands, anchors: readonly Certificate[]) {
    this.#demands = demands;
    this.#anchors = anchors;
  }

  /** The first rule that it breaks; undefined where it breaks none. */
  of(certificate: Certificate, role: Role): CredentialError | undefined {
    const known = this.#known[role];
    if (!known.has(certificate)) known.set(certificate, this.#find(certificate, role));
    return known.get(certificate);
  }

  #find(certificate: Certificate, role: Role): CredentialError | undefined {
    const { profile } = this.#demands;
    try {
      checkAnyCertificate(certificate, this.#demands);
      // A leaf that is the CA itself is judged as the anchor that it is.
      const isLeaf = role === "leaf";
      if (isLeaf && this.#anchors.some(({ der }) => sameBytes(der, certificate.der))) return undefined;
      if (isLeaf) checkLeafUsage(certificate, profile);
      else checkCa(certificate, role === "anchor", profile);
      if (profile.strict === true) checkForm(certificate, !isLeaf);
      return undefined;
    } catch (error) {
      if (error instanceof CredentialError) return error;
      throw error;
    }
  }
}
