import { sameBytes } from "../../der/values.ts";
import type { Certificate } from "../certificate.ts";
import { nameKey } from "../name-compare.ts";

/** The certificates to build paths from, by name, and how far each is from an anchor. */
export class Material {
  readonly anchors: readonly Certificate[];
  readonly #anchors: ReadonlyMap<string, readonly Certificate[]>;
  readonly #intermediates: ReadonlyMap<string, readonly Certificate[]>;
  readonly #distances: ReadonlyMap<string, number>;

  constructor(anchors: readonly Certificate[], intermediates: readonly Certificate[]) {
    this.anchors = anchors;
    this.#anchors = bySubject(anchors);
    const isAnchor = new Set(anchors.map(({ der }) => der));
    const others = intermediates.filter(({ der, subject }) => {
      const namesakes = this.#anchors.get(nameKey(subject)) ?? [];
      return !isAnchor.has(der) && !namesakes.some((anchor) => sameBytes(anchor.der, der));
    });
    this.#intermediates = bySubject(others);
    this.#distances = distances(this.#anchors.keys(), others);
  }

  /** Anchors of the name that issued a certificate. */
  anchorsFor({ issuer }: Certificate): readonly Certificate[] {
    return this.#anchors.get(nameKey(issuer)) ?? [];
  }

  intermediatesFor({ issuer }: Certificate): readonly Certificate[] {
    return this.#intermediates.get(nameKey(issuer)) ?? [];
  }

  /** Certificates of a name, anchors first. */
  named(name: string): readonly Certificate[] {
    return [...(this.#anchors.get(name) ?? []), ...(this.#intermediates.get(name) ?? [])];
  }

  /** How many certificates lie at least between it and an anchor, by names alone; Infinity where none is reached. */
  distance({ issuer }: Certificate): number {
    return this.#distances.get(nameKey(issuer)) ?? Infinity;
  }
}

function bySubject(certificates: readonly Certificate[]): ReadonlyMap<string, readonly Certificate[]> {
  const map = new Map<string, Certificate[]>();
  const seen = new Set<string>();
  for (const certificate of certificates) {
    const key = nameKey(certificate.subject);
    // The same certificate twice: equal bytes have equal signatures and serial numbers.
    const identity = `${certificate.serialNumber.join()}/${certificate.signature.join()}`;
    const list = map.get(key);
    if (list === undefined) map.set(key, [certificate]);
    else if (!seen.has(identity) || !list.some(({ der }) => sameBytes(der, certificate.der))) {
      list.push(certificate);
    }
    seen.add(identity);
  }
  return map;
}

/** Breadth first from the names of the anchors downwards: the distance of each name that issues. */
function distances(
  anchorNames: Iterable<string>,
  intermediates: readonly Certificate[],
): ReadonlyMap<string, number> {
  const issuedBy = new Map<string, Set<string>>();
  for (const { issuer, subject } of intermediates) {
    const key = nameKey(issuer);
    const subjects = issuedBy.get(key);
    if (subjects === undefined) issuedBy.set(key, new Set([nameKey(subject)]));
    else subjects.add(nameKey(subject));
  }
  const found = new Map<string, number>();
  let level = [...anchorNames];
  for (let distance = 0; level.length > 0; distance += 1) {
    const next = new Set<string>();
    for (const name of level) {
      if (found.has(name)) continue;
      found.set(name, distance);
      for (const subject of issuedBy.get(name) ?? []) next.add(subject);
    }
    level = [...next];
  }
  return found;
}
