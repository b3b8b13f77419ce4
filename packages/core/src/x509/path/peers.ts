import type { ErrorCode } from "../../errors/codes.ts";
import type { PeerVerdicts } from "../../errors/credential-error.ts";
import type { Certificate } from "../certificate.ts";

type Verdict = "reject" | "accept";

/** What a DDS implementation does with identities that are refused here, as far as it was measured. */
export interface PeerLimits {
  /** `cyclonedds`, `fastdds`. */
  readonly name: string;
  /** By the code of the refusal; a code that is not here is not known. */
  readonly verdicts: Readonly<
    Partial<Record<ErrorCode, Verdict | ((certificate: Certificate) => Verdict | undefined)>>
  >;
}

const ECDSA_SHA1 = "1.2.840.10045.4.1";
const isEcdsaSha1 = ({ signatureAlgorithm }: Certificate) => signatureAlgorithm.oid === ECDSA_SHA1;

/**
 * Cyclone DDS: RSA of exactly 2048 bits, or EC of exactly 256 whatever the curve, for CAs too; the one CA of the file, which
 * must be self-signed; no intermediates; OpenSSL's path validation without a purpose, so that the usages of a leaf
 * do not count; any hash.
 */
const cycloneDds: PeerLimits = {
  name: "cyclonedds",
  verdicts: {
    KEY_UNSUPPORTED: ({ publicKey: { keyType, bits } }) =>
      (keyType === "rsa" && bits === 2048) || (keyType === "ec" && bits === 256) ? "accept" : "reject",
    ALGORITHM_REFUSED: (certificate) => (isEcdsaSha1(certificate) ? "accept" : undefined),
    CERTIFICATE_EXPIRED: "reject",
    CERTIFICATE_NOT_YET_VALID: "reject",
    CA_INVALID: ({ version }) => (version === 1 ? "accept" : "reject"),
    EXTENSION_UNSUPPORTED: "reject",
    ISSUER_MISMATCH: "reject",
    SIGNATURE_INVALID: "reject",
    PURPOSE_REFUSED: "accept",
    CERTIFICATE_REVOKED: "reject",
    REVOCATION_UNKNOWN: "reject",
    CRL_EXPIRED: "reject",
  },
};

/**
 * Fast DDS: any key; a CA must say CA:TRUE, so that none is of version 1; the CA file may be a bundle; an identity certificate
 * that is not signed with SHA-256 is refused.
 */
const fastDds: PeerLimits = {
  name: "fastdds",
  verdicts: {
    KEY_UNSUPPORTED: "accept",
    ALGORITHM_REFUSED: (certificate) => (isEcdsaSha1(certificate) ? "reject" : undefined),
    CA_INVALID: "reject",
    ISSUER_MISMATCH: "reject",
    SIGNATURE_INVALID: "reject",
    CERTIFICATE_REVOKED: "reject",
  },
};

export const ddsPeers: readonly PeerLimits[] = [cycloneDds, fastDds];

/**
 * What the implementations do where a path is refused; undefined where nothing is known of any.
 *
 * @param certificate the one at fault, where there is one
 */
export function peersOn(
  code: ErrorCode,
  certificate: Certificate | undefined,
  peers: readonly PeerLimits[],
): PeerVerdicts | undefined {
  const verdictOf = ({ verdicts }: PeerLimits) => {
    const verdict = verdicts[code];
    if (typeof verdict !== "function") return verdict;
    return certificate === undefined ? undefined : verdict(certificate);
  };
  const named = (wanted: Verdict) =>
    peers.filter((peer) => verdictOf(peer) === wanted).map(({ name }) => name);
  const verdicts = { reject: named("reject"), accept: named("accept") };
  return verdicts.reject.length + verdicts.accept.length === 0 ? undefined : verdicts;
}
