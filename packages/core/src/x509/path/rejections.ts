import type { CredentialError } from "../../errors/credential-error.ts";
import type { Certificate } from "../certificate.ts";
import type { Rejection } from "./signature.ts";

/** A candidate path that was given up, leaf first; it ends where the rule was broken. */
export interface RejectedPath {
  readonly certificates: readonly Certificate[];
  readonly error: CredentialError;
}

/** The candidates of one search that were given up, each once, and which of them explains most. */
export class Rejections {
  readonly #all: RejectedPath[] = [];
  #best: Rejection | undefined;

  /** The first {@link MAX_REJECTED}. */
  get all(): readonly RejectedPath[] {
    return this.#all;
  }

  get best(): Rejection | undefined {
    return this.#best;
  }

  add(certificates: readonly Certificate[], rejection: Rejection): void {
    if (this.#best === undefined || rejection.weight > this.#best.weight) this.#best = rejection;
    const isKnown = this.#all.some(
      (known) =>
        known.certificates.length === certificates.length &&
        known.certificates.every((certificate, index) => certificate === certificates[index]),
    );
    if (!isKnown && this.#all.length < MAX_REJECTED) this.#all.push({ certificates, error: rejection.error });
  }
}

const MAX_REJECTED = 64;
