import type { Certificate } from "../certificate.ts";
import type { PathPolicies } from "./policies.ts";
import type { RevocationOutcome } from "./revocation.ts";

/** Something about an accepted path that a careful caller will want to say. */
export interface PathNote {
  readonly rule: "version-1-anchor" | "leaf-is-anchor";
  readonly certificate: Certificate;
  readonly message: string;
}

interface Parts {
  readonly certificates: readonly [Certificate, ...Certificate[]];
  readonly anchor: Certificate;
  readonly at: Date;
  readonly notes: readonly PathNote[];
  readonly policies: PathPolicies;
  readonly revocation: RevocationOutcome;
}

/**
 * A certificate path that validatePath has accepted. Only it can make one: whoever demands this type demands
 * the validation.
 */
export class ValidatedPath {
  readonly #validated = true;
  /** The leaf first, the anchor last; one certificate where the leaf is the anchor. */
  readonly certificates: readonly Certificate[];
  readonly leaf: Certificate;
  readonly anchor: Certificate;
  /** The moment for which it was validated. */
  readonly at: Date;
  readonly notes: readonly PathNote[];
  /** The certificate policies that the path is valid for. */
  readonly policies: PathPolicies;
  /** Whether revocation lists told the status of every certificate but the anchor. */
  readonly revocation: RevocationOutcome;

  /** @internal */
  constructor(parts: Parts, key: typeof MAKER) {
    if (key !== MAKER) throw new TypeError("a ValidatedPath is made by validatePath only");
    this.certificates = Object.freeze([...parts.certificates]);
    this.leaf = parts.certificates[0];
    this.anchor = parts.anchor;
    this.at = new Date(parts.at);
    this.revocation = parts.revocation;
    this.policies = Object.freeze({
      authority: Object.freeze([...parts.policies.authority]),
      user: Object.freeze([...parts.policies.user]),
    });
    this.notes = Object.freeze([...parts.notes]);
    Object.freeze(this);
  }

  /** Whether a value really is one, for callers without static types. */
  static is(value: unknown): value is ValidatedPath {
    return typeof value === "object" && value !== null && #validated in value && value.#validated;
  }
}

const MAKER = Symbol("validatePath");

/** For validatePath alone; not exported from the package. */
export function makeValidatedPath(parts: Parts): ValidatedPath {
  return new ValidatedPath(parts, MAKER);
}

/** The same path, validated for another moment at which nothing of it differs. */
export function pathAt(path: ValidatedPath, at: Date): ValidatedPath {
  const { leaf, certificates, anchor, notes, policies, revocation } = path;
  return makeValidatedPath({
    certificates: [leaf, ...certificates.slice(1)],
    anchor,
    at,
    notes,
    policies,
    revocation,
  });
}

/** What is unusual about an accepted path. */
export function notesOn(anchor: Certificate, leafIsAnchor: boolean): readonly PathNote[] {
  const notes: PathNote[] = [];
  if (anchor.version < 3) {
    const message = `the CA is of X.509 version ${anchor.version}: it cannot say that it is a CA`;
    notes.push({ rule: "version-1-anchor", certificate: anchor, message });
  }
  if (leafIsAnchor) {
    const message = "the certificate is the CA itself: whoever holds its key can issue others";
    notes.push({ rule: "leaf-is-anchor", certificate: anchor, message });
  }
  return notes;
}
