import { sameBytes } from "../../der/values.ts";
import { CredentialError } from "../../errors/credential-error.ts";
import type { Certificate } from "../certificate.ts";
import { nameKey, namesEqual } from "../name-compare.ts";
import { displayName } from "../name-format.ts";
import { certificateError, isSelfIssued } from "./rules.ts";
import { keyIdentifiers, type Rejection, type SignatureChecks, Weight } from "./signature.ts";

/** Judges a whole candidate path, leaf first and anchor last; throws a CredentialError if it breaks a rule. */
export type JudgePath = (path: readonly Certificate[]) => Promise<void>;

/** Certificates to build paths from, by name. */
export interface Material {
  readonly anchors: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
}

/**
 * Looks for a path from the leaf to an anchor: depth first, anchors before intermediates, the issuer that the
 * key identifier names before others. Each step checks name and signature; a path that reaches an anchor is
 * judged whole, and if it breaks a rule the search goes on. Everything is under a budget.
 */
export class PathSearch {
  readonly #anchors: ReadonlyMap<string, readonly Certificate[]>;
  readonly #intermediates: ReadonlyMap<string, readonly Certificate[]>;
  readonly #material: Material;
  readonly #signatures: SignatureChecks;
  readonly #judge: JudgePath;
  #steps = MAX_STEPS;
  #best: Rejection | undefined;

  constructor(material: Material, signatures: SignatureChecks, judge: JudgePath) {
    this.#material = material;
    this.#anchors = byName(material.anchors);
    this.#intermediates = byName(material.intermediates);
    this.#signatures = signatures;
    this.#judge = judge;
  }

  /** The first path that holds, or the most informative reason why none does. */
  async find(leaf: Certificate): Promise<readonly Certificate[]> {
    const path = await this.#extend([leaf], leaf);
    if (path !== undefined) return path;
    throw this.#best?.error ?? this.#noIssuer(leaf);
  }

  async #extend(
    chain: readonly Certificate[],
    last: Certificate,
  ): Promise<readonly Certificate[] | undefined> {
    const name = nameKey(last.issuer);
    const anchors = this.#anchors.get(name) ?? [];
    for (const anchor of preferred(anchors, last)) {
      if (await this.#accepts([...chain, anchor], last, anchor)) return [...chain, anchor];
    }
    const intermediates = (this.#intermediates.get(name) ?? []).filter(
      (candidate) => !isIn(chain, candidate) && !anchors.some(({ der }) => sameBytes(der, candidate.der)),
    );
    if (anchors.length === 0 && intermediates.length === 0) {
      this.#reject({ error: this.#noIssuer(last), weight: Weight.noIssuer });
    }
    if (chain.length >= MAX_LENGTH) {
      const problem = `the path to it is longer than ${MAX_LENGTH} certificates`;
      const error = certificateError("PATH_REFUSED", last, problem, "RFC 5280 6.1");
      this.#reject({ error, weight: Weight.noIssuer });
      return undefined;
    }
    for (const candidate of preferred(intermediates, last)) {
      this.#step(last);
      const rejection = await this.#signatures.check(last, candidate);
      if (rejection !== undefined) {
        this.#reject(rejection);
        continue;
      }
      const path = await this.#extend([...chain, candidate], candidate);
      if (path !== undefined) return path;
    }
    return undefined;
  }

  async #accepts(path: readonly Certificate[], last: Certificate, anchor: Certificate): Promise<boolean> {
    this.#step(last);
    const rejection = await this.#signatures.check(last, anchor);
    if (rejection !== undefined) {
      this.#reject(rejection);
      return false;
    }
    try {
      await this.#judge(path);
      return true;
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error;
      this.#reject({ error, weight: Weight.rule });
      return false;
    }
  }

  #step(certificate: Certificate): void {
    this.#steps -= 1;
    if (this.#steps >= 0) return;
    const problem = "its path was not found among the many that could be built";
    throw certificateError("PATH_REFUSED", certificate, problem, "RFC 5280 6.1");
  }

  #reject(rejection: Rejection): void {
    if (this.#best === undefined || rejection.weight > this.#best.weight) this.#best = rejection;
  }

  #noIssuer(certificate: Certificate): CredentialError {
    const given = this.#material.anchors.slice(0, MAX_NAMED).map(({ subject }) => displayName(subject));
    const more = this.#material.anchors.length > MAX_NAMED ? ", ..." : "";
    const list = given.length === 0 ? "no CA was given" : `the CA given is ${given.join(", ")}${more}`;
    const problem = isSelfIssued(certificate)
      ? `it is self-issued and is none of the CAs given; ${list}`
      : `it was issued by ${displayName(certificate.issuer)}; ${list}`;
    return certificateError("ISSUER_MISMATCH", certificate, problem, "RFC 5280 6.1.3 (a)(4)");
  }
}

/** Certificates from leaf to anchor. */
const MAX_LENGTH = 16;
const MAX_STEPS = 512;
const MAX_NAMED = 5;

function byName(certificates: readonly Certificate[]): ReadonlyMap<string, readonly Certificate[]> {
  const map = new Map<string, Certificate[]>();
  for (const certificate of certificates) {
    const key = nameKey(certificate.subject);
    const list = map.get(key);
    if (list === undefined) map.set(key, [certificate]);
    else if (!list.some(({ der }) => sameBytes(der, certificate.der))) list.push(certificate);
  }
  return map;
}

/** The same CA again, in this or another certificate, leads in a circle. */
function isIn(chain: readonly Certificate[], candidate: Certificate): boolean {
  return chain.some(
    ({ subject, publicKey }) =>
      sameBytes(publicKey.spki, candidate.publicKey.spki) && namesEqual(subject, candidate.subject),
  );
}

function preferred(candidates: readonly Certificate[], certificate: Certificate): readonly Certificate[] {
  const rank = { same: 0, unknown: 1, differ: 2 } as const;
  return candidates.toSorted(
    (a, b) => rank[keyIdentifiers(certificate, a)] - rank[keyIdentifiers(certificate, b)],
  );
}
