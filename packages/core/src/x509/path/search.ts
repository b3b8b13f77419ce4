import { sameBytes } from "../../der/values.ts";
import { CredentialError } from "../../errors/credential-error.ts";
import type { Certificate } from "../certificate.ts";
import { namesEqual } from "../name-compare.ts";
import { displayName } from "../name-format.ts";
import type { Budget } from "./budget.ts";
import { certificateError } from "./certificate-error.ts";
import type { Material } from "./material.ts";
import { type RejectedPath, Rejections } from "./rejections.ts";
import { isSelfIssued } from "./rules.ts";
import { keyIdentifiers, type SignatureChecks, Weight } from "./signature.ts";

/** How candidates are judged; each throws a CredentialError if a rule is broken. */
export interface Judge {
  /** What can be said of an issuer as soon as it stands above the certificates below it, leaf first. */
  issuer(issuer: Certificate, below: readonly Certificate[], isAnchor: boolean): void;
  /** A path from leaf to anchor whose names, signatures and issuers are good. */
  path(path: readonly Certificate[]): Promise<void>;
}

/**
 * Looks for a path from a certificate to an anchor: depth first, anchors before intermediates; of several issuers the
 * one that the key identifier names, then the one that is nearest to an anchor. Issuers that break a rule or lead
 * to no anchor are not followed, so that they cost nothing. A path that reaches an anchor is judged whole, and if
 * it breaks a rule the search goes on. Everything is under one budget.
 */
export class PathSearch {
  readonly #material: Material;
  readonly #signatures: SignatureChecks;
  readonly #judge: Judge;
  readonly #budget: Budget;
  readonly #rejections = new Rejections();
  #explaining = 0;

  constructor(material: Material, signatures: SignatureChecks, judge: Judge, budget: Budget) {
    this.#material = material;
    this.#signatures = signatures;
    this.#judge = judge;
    this.#budget = budget;
  }

  /** Candidates that were given up so far; a long list is cut. */
  get rejected(): readonly RejectedPath[] {
    return this.#rejections.all;
  }

  /** The first path that holds, or the most informative reason why none does. */
  async find(leaf: Certificate): Promise<readonly Certificate[]> {
    try {
      const path = await this.#extend([leaf], leaf);
      if (path !== undefined) return path;
    } catch (error) {
      // Where the budget ends, the best reason so far is worth more than that it ended.
      if (!isBudgetEnd(error) || this.#rejections.best === undefined) throw error;
      const { code, message, hint, rule, section } = error;
      const cause = this.#rejections.best.error;
      const details = { hint, cause, ...(rule && { rule }), ...(section && { section }) };
      throw new CredentialError(code, `${message}; one reason is: ${cause.message}`, details);
    }
    this.#explaining = MAX_EXPLAINED;
    try {
      await this.#explain([leaf], leaf);
    } catch (error) {
      if (!isBudgetEnd(error) || this.#rejections.best === undefined) throw error;
    }
    throw this.#rejections.best?.error ?? this.#noIssuer(leaf);
  }

  async #extend(
    chain: readonly Certificate[],
    last: Certificate,
  ): Promise<readonly Certificate[] | undefined> {
    for (const anchor of this.#ordered(this.#material.anchorsFor(last), last)) {
      if (this.#brokenRule(anchor, chain, true) !== undefined) continue;
      if (!(await this.#signed(chain, last, anchor))) continue;
      if (await this.#holds([...chain, anchor])) return [...chain, anchor];
    }
    if (chain.length >= MAX_LENGTH) {
      const problem = `the path to it is longer than ${MAX_LENGTH} certificates`;
      const error = certificateError("PATH_REFUSED", last, problem, "RFC 5280 6.1");
      this.#rejections.add(chain, { error, weight: Weight.noIssuer });
      return undefined;
    }
    const issuers = this.#material.intermediatesFor(last).filter((issuer) => {
      return this.#material.distance(issuer) < Infinity && !isIn(chain, issuer);
    });
    for (const issuer of this.#ordered(issuers, last)) {
      if (this.#brokenRule(issuer, chain, false) !== undefined) continue;
      if (!(await this.#signed(chain, last, issuer))) continue;
      const path = await this.#extend([...chain, issuer], issuer);
      if (path !== undefined) return path;
    }
    return undefined;
  }

  /** Goes through what was not followed, to say why. It can find no path, and may end early. */
  async #explain(chain: readonly Certificate[], last: Certificate): Promise<void> {
    const anchors = this.#material.anchorsFor(last);
    const intermediates = this.#material.intermediatesFor(last).filter((issuer) => !isIn(chain, issuer));
    if (anchors.length === 0 && intermediates.length === 0) {
      this.#rejections.add(chain, { error: this.#noIssuer(last), weight: Weight.noIssuer });
    }
    for (const issuer of [...this.#ordered(anchors, last), ...this.#ordered(intermediates, last)]) {
      this.#explaining -= 1;
      if (this.#explaining < 0) return;
      const isAnchor = anchors.includes(issuer);
      const error = this.#brokenRule(issuer, chain, isAnchor);
      const rejection = await this.#signatures.check(last, issuer);
      if (rejection !== undefined) {
        this.#rejections.add([...chain, issuer], rejection);
      } else if (error !== undefined) {
        this.#rejections.add([...chain, issuer], { error, weight: Weight.rule });
      } else if (!isAnchor && chain.length < MAX_LENGTH) {
        await this.#explain([...chain, issuer], issuer);
      }
    }
  }

  /** What an issuer breaks where it stands, without its signature. */
  #brokenRule(
    issuer: Certificate,
    below: readonly Certificate[],
    isAnchor: boolean,
  ): CredentialError | undefined {
    try {
      this.#judge.issuer(issuer, below, isAnchor);
      return undefined;
    } catch (error) {
      if (!(error instanceof CredentialError) || isBudgetEnd(error)) throw error;
      return error;
    }
  }

  async #signed(chain: readonly Certificate[], last: Certificate, issuer: Certificate): Promise<boolean> {
    this.#budget.spend("steps", 1, last);
    const rejection = await this.#signatures.check(last, issuer);
    if (rejection === undefined) return true;
    this.#rejections.add([...chain, issuer], rejection);
    return false;
  }

  async #holds(path: readonly Certificate[]): Promise<boolean> {
    try {
      await this.#judge.path(path);
      return true;
    } catch (error) {
      if (!(error instanceof CredentialError) || isBudgetEnd(error)) throw error;
      this.#rejections.add(path, { error, weight: Weight.path });
      return false;
    }
  }

  #ordered(issuers: readonly Certificate[], certificate: Certificate): readonly Certificate[] {
    if (issuers.length < 2) return issuers;
    const rank = { same: 0, unknown: 1, differ: 2 } as const;
    return issuers
      .map((issuer) => ({
        issuer,
        rank: rank[keyIdentifiers(certificate, issuer)],
        distance: this.#material.distance(issuer),
      }))
      .sort((a, b) => a.rank - b.rank || a.distance - b.distance)
      .map(({ issuer }) => issuer);
  }

  #noIssuer(certificate: Certificate): CredentialError {
    const { anchors } = this.#material;
    const given = anchors.slice(0, MAX_NAMED).map(({ subject }) => displayName(subject));
    const more = anchors.length > MAX_NAMED ? ", ..." : "";
    const list = given.length === 0 ? "no CA was given" : `the CA given is ${given.join(", ")}${more}`;
    const problem = isSelfIssued(certificate)
      ? `it is self-issued and is none of the CAs given; ${list}`
      : `it was issued by ${displayName(certificate.issuer)}; ${list}`;
    return certificateError("ISSUER_MISMATCH", certificate, problem, "RFC 5280 6.1.3 (a)(4)");
  }
}

/** Certificates from leaf to anchor. */
const MAX_LENGTH = 16;
const MAX_NAMED = 5;
/** Issuers that are looked at only to say why they were not followed. */
const MAX_EXPLAINED = 48;

function isBudgetEnd(error: unknown): error is CredentialError {
  return error instanceof CredentialError && error.rule === "budget";
}

/** The same CA again, in this or another certificate, leads in a circle. */
function isIn(chain: readonly Certificate[], candidate: Certificate): boolean {
  return chain.some(
    ({ subject, publicKey }) =>
      namesEqual(subject, candidate.subject) && sameBytes(publicKey.spki, candidate.publicKey.spki),
  );
}
