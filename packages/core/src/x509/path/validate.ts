import { sameBytes } from "../../der/values.ts";
import type { Verifier } from "../../ports/crypto-provider.ts";
import type { Certificate } from "../certificate.ts";
import { isParsedCertificate } from "../parse.ts";
import type { PathProfile } from "./profile.ts";
import {
  certificateError,
  checkAnyCertificate,
  checkCa,
  checkKey,
  checkPathLengths,
  checkSigner,
  isSelfIssued,
} from "./rules.ts";
import { PathSearch } from "./search.ts";
import { keyIdentifiers, SignatureChecks } from "./signature.ts";
import { makeValidatedPath, type PathNote, type ValidatedPath } from "./validated-path.ts";

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
}

/**
 * Finds and validates a path from the leaf to one of the anchors (RFC 5280 section 6).
 *
 * Of every certificate, the anchor included: name and signature, validity, key and signature algorithm, known
 * critical extensions; of every CA: basicConstraints, pathLenConstraint and, where it is present, keyUsage.
 * An anchor that is self-issued must have signed itself. Extensions that would restrict the path by names or
 * policies are not evaluated yet: a certificate that has one is refused. Revocation is not looked at here.
 *
 * A leaf that is itself an anchor is accepted if it is a self-signed CA; the path says so in its notes. In a profile
 * whose anchors sign documents the leaf must be one of them, and the path is this one certificate.
 *
 * @throws CredentialError `CERTIFICATE_EXPIRED`, `CERTIFICATE_NOT_YET_VALID`, `ISSUER_MISMATCH`,
 * `SIGNATURE_INVALID`, `CA_INVALID`, `KEY_UNSUPPORTED`, `ALGORITHM_REFUSED`, `EXTENSION_UNSUPPORTED`,
 * `CERTIFICATE_INVALID` (a malformed extension), or `PATH_REFUSED` (beyond the budget); the message names
 * certificate, value, and rule
 */
export async function validatePath(input: PathInput): Promise<ValidatedPath> {
  const { leaf, anchors, intermediates, at, crypto, profile } = checkInput(input);
  checkKey(leaf, profile);
  const signatures = new SignatureChecks(crypto, profile, MAX_SIGNATURES);
  if (profile.anchors === "sign") {
    await checkNamedSigner(leaf, anchors, signatures, { at, profile });
    return makeValidatedPath({ certificates: [leaf], anchor: leaf, at, notes: notesOn(leaf, false) });
  }
  const search = new PathSearch({ anchors, intermediates }, signatures, async (path) => {
    for (const certificate of path) checkAnyCertificate(certificate, at, profile);
    for (const ca of path.slice(1)) checkCa(ca, ca === path.at(-1), profile);
    checkPathLengths(path);
    await checkAnchorSignature(path.at(-1) ?? leaf, signatures);
  });
  const found = await search.find(leaf);
  const anchor = found.at(-1) ?? leaf;
  const leafIsAnchor = sameBytes(leaf.der, anchor.der);
  const certificates = leafIsAnchor ? ([leaf] as const) : ([leaf, ...found.slice(1)] as const);
  return makeValidatedPath({ certificates, anchor, at, notes: notesOn(anchor, leafIsAnchor) });
}

/** A certificate that signs documents: trusted by being named, and held to everything else. */
async function checkNamedSigner(
  leaf: Certificate,
  anchors: readonly Certificate[],
  signatures: SignatureChecks,
  { at, profile }: Pick<PathInput, "at" | "profile">,
): Promise<void> {
  if (!anchors.some(({ der }) => sameBytes(der, leaf.der))) {
    throw certificateError("ISSUER_MISMATCH", leaf, "it is none of the CAs given", "DDS-Security 1.1 9.4.1");
  }
  checkAnyCertificate(leaf, at, profile);
  checkSigner(leaf, profile);
  await checkAnchorSignature(leaf, signatures);
}

/** The most signatures that are checked for one leaf; a deployment needs three. */
const MAX_SIGNATURES = 64;

/**
 * A self-issued anchor must verify with its own key, unless its key identifiers say that another key of the
 * same CA signed it (RFC 5280 3.2: a certificate of key rollover).
 */
async function checkAnchorSignature(anchor: Certificate, signatures: SignatureChecks): Promise<void> {
  if (!isSelfIssued(anchor) || keyIdentifiers(anchor, anchor) === "differ") return;
  const rejection = await signatures.check(anchor, anchor);
  if (rejection !== undefined) throw rejection.error;
}

function notesOn(anchor: Certificate, leafIsAnchor: boolean): readonly PathNote[] {
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

/** Checks and copies the input once: what is validated is what was given, whatever the caller does meanwhile. */
function checkInput(input: PathInput): Required<PathInput> {
  const { leaf, anchors, intermediates = [], at, crypto, profile } = input;
  const certificates = [leaf, ...anchors, ...intermediates];
  if (!certificates.every(isParsedCertificate)) {
    throw new TypeError("validatePath takes certificates made by parseCertificate");
  }
  if (!(at instanceof Date) || Number.isNaN(at.getTime())) throw new TypeError("at is a valid Date");
  if (typeof crypto?.verify !== "function") throw new TypeError("crypto is a Verifier");
  if (!Array.isArray(profile?.keys)) throw new TypeError("profile is a PathProfile");
  return {
    leaf,
    anchors: [...anchors],
    intermediates: [...intermediates],
    at: new Date(at),
    crypto,
    profile,
  };
}
