import type { Verifier } from "../../ports/crypto-provider.ts";
import type { Certificate } from "../certificate.ts";
import { isRevocationList, parseRevocationList, type RevocationList } from "../crl.ts";
import { isParsedCertificate } from "../parse.ts";
import type { PolicyInput } from "./policies.ts";
import type { PathProfile } from "./profile.ts";
import { isPurpose, type Purpose } from "./purpose.ts";

export interface PathInput {
  readonly leaf: Certificate;
  /** Certificates that may stand between, in any order; those that do not belong are passed over. */
  readonly intermediates?: readonly Certificate[];
  /** Trusted by being given; a CA that is itself issued by another may be one. */
  readonly anchors: readonly Certificate[];
  /** The moment to validate for. */
  readonly at: Date;
  readonly crypto: Verifier;
  readonly profile: PathProfile;
  /** What the leaf is to be used for: each extendedKeyUsage that is there must allow it. Default: not asked. */
  readonly purpose?: Purpose;
  /** The relying party's demands on certificate policies. Default: none. */
  readonly policies?: PolicyInput;
  /** Revocation lists to look certificates up in. Default: revocation is not asked for. */
  readonly revocation?: RevocationInput;
}

export interface RevocationInput {
  /** DER of CertificateLists, or what parseRevocationList made of them. */
  readonly lists: readonly (Uint8Array | RevocationList)[];
  /**
   * Whether the path fails where no list tells the status of one of its certificates. Default true. A certificate that is
   * known to be revoked always fails.
   */
  readonly require?: boolean;
}

/** The input, checked and copied. */
export interface CheckedInput extends Required<Omit<PathInput, "purpose" | "revocation">> {
  readonly purpose?: Purpose;
  readonly revocation?: { readonly lists: readonly RevocationList[]; readonly require: boolean };
}

/** Checks and copies the input once: what is validated is what was given, whatever the caller does meanwhile. */
export function checkInput(input: PathInput): CheckedInput {
  const { leaf, anchors, intermediates = [], at, crypto, profile, purpose, policies = {} } = input;
  const { revocation } = input;
  const certificates = [leaf, ...anchors, ...intermediates];
  if (!certificates.every(isParsedCertificate)) {
    throw new TypeError("validatePath takes certificates made by parseCertificate");
  }
  if (!(at instanceof Date) || Number.isNaN(at.getTime())) throw new TypeError("at is a valid Date");
  if (typeof crypto?.verify !== "function") throw new TypeError("crypto is a Verifier");
  if (!Array.isArray(profile?.keys)) throw new TypeError("profile is a PathProfile");
  if (purpose !== undefined && !isPurpose(purpose)) {
    throw new TypeError("purpose is a name of RFC 5280 4.2.1.12, or a dotted OID");
  }
  return {
    leaf,
    anchors: [...anchors],
    intermediates: [...intermediates],
    at: new Date(at),
    crypto,
    profile,
    ...(purpose === undefined ? {} : { purpose }),
    ...(revocation && { revocation: checkRevocation(revocation) }),
    policies: { ...policies, ...(policies.acceptable && { acceptable: [...policies.acceptable] }) },
  };
}

/** Lists as they are looked into. */
export function checkRevocation({
  lists,
  require = true,
}: RevocationInput): NonNullable<CheckedInput["revocation"]> {
  if (!Array.isArray(lists) || typeof require !== "boolean")
    throw new TypeError("revocation is { lists, require }");
  return {
    lists: lists.map((list: unknown) => {
      if (isRevocationList(list)) return list;
      if (list instanceof Uint8Array) return parseRevocationList(list);
      throw new TypeError("a revocation list is DER, or what parseRevocationList made");
    }),
    require,
  };
}
