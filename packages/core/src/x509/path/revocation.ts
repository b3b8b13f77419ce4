import { CredentialError } from "../../errors/credential-error.ts";
import type { Certificate } from "../certificate.ts";
import type { RevocationList } from "../crl.ts";
import { nameKey } from "../name-compare.ts";
import { displayName } from "../name-format.ts";
import type { Budget } from "./budget.ts";
import { allReasons, type Reasons, type Source, scopeOf, sourcesOf } from "./crl-scope.ts";
import { type ListSigner, type ListSigners, listError } from "./crl-signer.ts";
import { changes, extensionFault, find, type Usable } from "./delta.ts";
import { outOfDate, revokedError, unknownError, weightOf } from "./revocation-errors.ts";

/** Revocation as it was found: of every certificate, of some where that was enough, or not asked for. */
export type RevocationOutcome = "checked" | "incomplete" | "not-asked";

const SECTION = "RFC 5280 6.3.3";

/**
 * Looks up the certificates of a path in revocation lists (RFC 5280 6.3). Complete, partitioned and indirect lists are read,
 * and complete ones brought up to date by a delta list where one is there. A list counts if it is by the right issuer,
 * signed by a key that leads to the same anchor, in date, and free of critical extensions that are not understood.
 */
export class RevocationChecks {
  readonly #byIssuer = new Map<string, RevocationList[]>();
  readonly #require: boolean;
  readonly #at: Date;
  readonly #signers: ListSigners;
  readonly #budget: Budget;
  /** Certificates whose status is being looked for, so that a signer of lists does not ask for itself for ever. */
  readonly #asked = new Set<Certificate>();
  readonly #count: number;
  /** For messages. */
  readonly #issuers: string;

  constructor(
    lists: readonly RevocationList[],
    options: { readonly require: boolean; readonly at: Date },
    signers: ListSigners,
    budget: Budget,
  ) {
    for (const list of lists) {
      const key = nameKey(list.issuer);
      const known = this.#byIssuer.get(key);
      if (known === undefined) this.#byIssuer.set(key, [list]);
      else known.push(list);
    }
    for (const known of this.#byIssuer.values()) {
      known.sort((a, b) => b.thisUpdate.getTime() - a.thisUpdate.getTime());
    }
    this.#count = lists.length;
    const issuers = lists.slice(0, 5).map(({ issuer }) => displayName(issuer));
    this.#issuers = [...new Set(issuers)].join(", ");
    this.#require = options.require;
    this.#at = options.at;
    this.#signers = signers;
    this.#budget = budget;
  }

  /**
   * Every certificate of the path but the anchor, the CA nearest to it first.
   *
   * @throws CredentialError `CERTIFICATE_REVOKED`; where the status is required and unknown, `CRL_EXPIRED` or
   * `REVOCATION_UNKNOWN`, with a `rule` that says what is wrong with the best list there is
   */
  async check(path: readonly Certificate[]): Promise<RevocationOutcome> {
    let outcome: RevocationOutcome = "checked";
    for (const certificate of path.slice(0, -1).toReversed()) {
      if (this.#asked.has(certificate)) continue;
      this.#asked.add(certificate);
      try {
        const failure = await this.#status(certificate, path);
        if (failure === undefined) continue;
        if (this.#require) throw unknownError(certificate, failure);
        outcome = "incomplete";
      } finally {
        this.#asked.delete(certificate);
      }
    }
    return outcome;
  }

  /** Undefined if it is known not to be revoked; the reason why that is not known. */
  async #status(
    certificate: Certificate,
    path: readonly Certificate[],
  ): Promise<CredentialError | undefined> {
    const covered = new Set<string>();
    const newest = new Map<string, number>();
    let failure: CredentialError | undefined;
    const fail = (error: CredentialError) => {
      if (failure === undefined || weightOf(error) > weightOf(failure)) failure = error;
    };
    for (const source of sourcesOf(certificate)) {
      for (const list of source.issuers.flatMap((issuer) => this.#byIssuer.get(issuer) ?? [])) {
        this.#budget.spend("comparisons", 1, certificate);
        const reasons = this.#applies(list, certificate, source);
        if (reasons instanceof CredentialError) {
          fail(reasons);
          continue;
        }
        // Lists come newest first. One that a newer one of its issuer replaces is passed over, others never: whatever
        // order they are given in, a certificate that one of them revokes is revoked.
        const keys = [...reasons].map((reason) => `${reason} ${nameKey(list.issuer)}`);
        if (keys.every((key) => (newest.get(key) ?? -Infinity) > list.thisUpdate.getTime())) continue;
        this.#budget.spend("steps", 1, certificate);
        const usable = await this.#usable(list, path);
        if (usable instanceof CredentialError) {
          fail(usable);
          continue;
        }
        const entry = find(usable, certificate);
        const { stale } = usable;
        // Revoked for good is revoked, however old the list that says so; a hold may have ended since.
        if (entry !== undefined && !(stale && entry.reason === "certificateHold"))
          throw revokedError(certificate, list, entry);
        if (stale !== undefined) {
          fail(stale);
          continue;
        }
        for (const reason of reasons) covered.add(reason);
        // What somebody says of itself replaces nothing that others say.
        if (usable.signer === certificate) continue;
        for (const key of keys)
          newest.set(key, Math.max(newest.get(key) ?? -Infinity, list.thisUpdate.getTime()));
      }
    }
    if (covered.size === allReasons.size) return undefined;
    return failure ?? this.#missing(certificate, covered);
  }

  #applies(list: RevocationList, certificate: Certificate, source: Source): Reasons | CredentialError {
    if (list.baseNumber !== undefined) {
      return listError(
        list,
        "crl-delta",
        "it is a delta list, and the complete list that it changes is not there",
      );
    }
    const scope = scopeOf(list, certificate, source);
    return typeof scope === "string" ? listError(list, "crl-scope", scope) : scope;
  }

  /** The list and the delta that brings it up to date, or why it cannot be used. */
  async #usable(list: RevocationList, path: readonly Certificate[]): Promise<Usable | CredentialError> {
    const fault = extensionFault(list);
    if (fault !== undefined) return fault;
    const found = await this.#signers.signerOf(list, path);
    if (found instanceof CredentialError) return found;
    const delta = await this.#deltaFor(list, found);
    const tooOld = outOfDate(list, this.#at);
    if (tooOld?.rule === "crl-not-yet-valid" && delta === undefined) return tooOld;
    if (found.path !== path) {
      // The status of those who sign lists counts, too.
      try {
        await this.check(found.path);
      } catch (error) {
        if (!(error instanceof CredentialError) || error.rule === "budget") throw error;
        return listError(list, "crl-signer", `its signer is not good: ${error.message}`);
      }
    }
    const { signer } = found;
    if (delta !== undefined) return { list, delta, signer };
    return tooOld === undefined ? { list, signer } : { list, signer, stale: tooOld };
  }

  async #deltaFor(list: RevocationList, { signer }: ListSigner): Promise<RevocationList | undefined> {
    const { number } = list;
    if (number === undefined) return undefined;
    const deltas = (this.#byIssuer.get(nameKey(list.issuer)) ?? [])
      .filter((delta) => changes(delta, list, number) && outOfDate(delta, this.#at) === undefined)
      .sort((a, b) => Number((b.number ?? 0n) - (a.number ?? 0n)));
    for (const delta of deltas) {
      if (await this.#signers.signedBy(delta, signer)) return delta;
    }
    return undefined;
  }

  #missing(certificate: Certificate, covered: ReadonlySet<string>): CredentialError {
    const rule = covered.size > 0 ? "crl-reasons" : "crl-missing";
    const some =
      covered.size > 0
        ? "the lists given do not cover every reason"
        : this.#count === 0
          ? "no revocation list is given"
          : `no list of ${displayName(certificate.issuer)} is given, only of ${this.#issuers}`;
    return new CredentialError("REVOCATION_UNKNOWN", some, { rule, section: SECTION });
  }
}
