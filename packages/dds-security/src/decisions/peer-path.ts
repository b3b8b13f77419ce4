import {
  basicConstraints,
  type Certificate,
  CredentialError,
  type CryptoProvider,
  type ErrorCode,
  ExtensionOid,
  keyUsage,
  namesEqual,
  sameBytes,
  signatureSchemeOf,
} from "@ddscred/core";

/** Why OpenSSL does not accept a path: its number and words. */
export interface PathFault {
  readonly number: number;
  readonly message: string;
}

export interface PeerPathInput {
  readonly leaf: Certificate;
  /** What the implementation put into its store: issuers are looked for here alone. */
  readonly store: readonly Certificate[];
  readonly at: Date;
  readonly crypto: CryptoProvider;
}

/**
 * Whether X509_verify_cert of OpenSSL, as implementations of DDS Security call it, accepts a certificate: a path of
 * certificates in the store up to a self-signed one. This predicts an implementation; what ddscred itself trusts
 * goes through validatePath.
 *
 * @returns the first fault, or undefined where the path is accepted
 * @throws CredentialError `UNSUPPORTED` where the signature is of a kind that cannot be verified here
 */
export async function peerPathFault(input: PeerPathInput): Promise<PathFault | undefined> {
  const path = buildPath(input);
  if ("number" in path) return path;
  const fault = extensionFault(path);
  if (fault !== undefined) return fault;
  for (let index = path.length - 1; index >= 0; index--) {
    const certificate = path[index];
    if (certificate === undefined) continue;
    const issuer = path[index + 1] ?? certificate;
    if (!(await isSignedBy(certificate, issuer, input.crypto))) return FAULTS.signature;
    if (input.at < certificate.notBefore) return FAULTS.notYetValid;
    if (input.at > certificate.notAfter) return FAULTS.expired;
  }
  return undefined;
}

/** The nearest of ddscred's own codes. */
export function faultCode({ number }: PathFault): ErrorCode {
  const codes: Readonly<Record<number, ErrorCode>> = {
    3: "REVOCATION_UNKNOWN",
    7: "SIGNATURE_INVALID",
    8: "CRL_INVALID",
    9: "CERTIFICATE_NOT_YET_VALID",
    10: "CERTIFICATE_EXPIRED",
    11: "CRL_INVALID",
    12: "CRL_EXPIRED",
    23: "CERTIFICATE_REVOKED",
    34: "EXTENSION_UNSUPPORTED",
    79: "CA_INVALID",
  };
  return codes[number] ?? "ISSUER_MISMATCH";
}

/** What OpenSSL makes of a certificate as a CA: 0 is none, 1 by its constraints, 3 by version 1, 4 by its usage. */
export function caKind(certificate: Certificate): 0 | 1 | 3 | 4 {
  const usage = keyUsage(certificate);
  if (usage !== undefined && !usage.has("keyCertSign")) return 0;
  const constraints = basicConstraints(certificate);
  if (constraints !== undefined) return constraints.ca ? 1 : 0;
  if (certificate.version === 1 && isSelfIssued(certificate)) return 3;
  return usage === undefined ? 0 : 4;
}

function buildPath({ leaf, store }: PeerPathInput): readonly Certificate[] | PathFault {
  const path = [leaf];
  for (let last = leaf; !isSelfIssued(last); ) {
    const issuer = store.find(({ subject }) => namesEqual(subject, last.issuer));
    if (issuer === undefined) return path.length === 1 ? FAULTS.noIssuer : FAULTS.noRoot;
    if (path.length > MAX_LENGTH) return FAULTS.noRoot;
    path.push(issuer);
    last = issuer;
  }
  return path.length > 1 || isIn(store, leaf) ? path : FAULTS.selfSigned;
}

function extensionFault(path: readonly Certificate[]): PathFault | undefined {
  for (const [index, certificate] of path.entries()) {
    if (certificate.extensions.some(({ oid, critical }) => critical && !KNOWN.has(oid)))
      return FAULTS.critical;
    if (index === 0) continue;
    if (caKind(certificate) === 0) return FAULTS.invalidCa;
    const limit = basicConstraints(certificate)?.pathLength;
    const between = path.slice(1, index).filter((each) => !isSelfIssued(each)).length;
    if (limit !== undefined && between > limit) return FAULTS.pathLength;
  }
  return undefined;
}

async function isSignedBy(
  certificate: Certificate,
  issuer: Certificate,
  crypto: CryptoProvider,
): Promise<boolean> {
  const { tbs, signature, signatureAlgorithm } = certificate;
  const { spki } = issuer.publicKey;
  if (SHA1.has(signatureAlgorithm.oid)) {
    if (crypto.verifySha1 !== undefined) return await crypto.verifySha1(spki, tbs, signature);
    throw new CredentialError("UNSUPPORTED", `the provider ${crypto.name} does not verify SHA-1`);
  }
  try {
    const scheme = signatureSchemeOf(signatureAlgorithm, issuer.publicKey);
    return await crypto.verify(spki, scheme, tbs, signature);
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    if (error.code === "SIGNATURE_INVALID") return false;
    throw new CredentialError("UNSUPPORTED", `the signature cannot be verified here: ${error.message}`);
  }
}

const isSelfIssued = ({ subject, issuer }: Certificate): boolean => namesEqual(subject, issuer);
const isIn = (store: readonly Certificate[], certificate: Certificate): boolean =>
  store.some(({ der }) => sameBytes(der, certificate.der));

const fault = (number: number, message: string): PathFault => ({ number, message });

/** X509_verify_cert_error_string of OpenSSL 3. */
const FAULTS = {
  noRoot: fault(2, "unable to get issuer certificate"),
  signature: fault(7, "certificate signature failure"),
  notYetValid: fault(9, "certificate is not yet valid"),
  expired: fault(10, "certificate has expired"),
  selfSigned: fault(18, "self-signed certificate"),
  noIssuer: fault(20, "unable to get local issuer certificate"),
  pathLength: fault(25, "path length constraint exceeded"),
  critical: fault(34, "unhandled critical extension"),
  invalidCa: fault(79, "invalid CA certificate"),
};

const KNOWN = new Set<string>(Object.values(ExtensionOid));
/** ecdsa-with-SHA1, sha1WithRSAEncryption. */
const SHA1 = new Set(["1.2.840.10045.4.1", "1.2.840.113549.1.1.5"]);
const MAX_LENGTH = 16;
