import { sameBytes } from "../../der/values.ts";
import { CredentialError } from "../../errors/credential-error.ts";
import type { Verifier } from "../../ports/crypto-provider.ts";
import type { Certificate } from "../certificate.ts";
import { Budget } from "./budget.ts";
import { certificateAtFault, certificateError } from "./certificate-error.ts";
import { ListSigners } from "./crl-signer.ts";
import { type CheckedInput, checkInput, type PathInput } from "./input.ts";
import { Material } from "./material.ts";
import { NameChecks } from "./names.ts";
import { peersOn } from "./peers.ts";
import { checkPolicies, type PathPolicies } from "./policies.ts";
import { checkPurpose } from "./purpose.ts";
import { RevocationChecks, type RevocationOutcome } from "./revocation.ts";
import {
  checkAnyCertificate,
  checkCa,
  checkKey,
  checkLeafUsage,
  checkPathLength,
  checkSigner,
  type Demands,
  isSelfIssued,
} from "./rules.ts";
import { type Judge, PathSearch, type RejectedPath } from "./search.ts";
import { keyIdentifiers, SignatureChecks } from "./signature.ts";
import { checkForm } from "./strict.ts";
import { makeValidatedPath, type PathNote, type ValidatedPath } from "./validated-path.ts";

/**
 * Finds and validates a path from the leaf to one of the anchors (RFC 5280 section 6).
 *
 * Of every certificate, the anchor included: name and signature, validity, key and signature algorithm, known
 * critical extensions; of every CA: basicConstraints, pathLenConstraint, nameConstraints and, where it is present,
 * keyUsage; of the path: policies (RFC 9618), the purpose asked for, and revocation where lists are given.
 * An anchor that is self-issued must have signed itself.
 *
 * A leaf that is itself an anchor is accepted if it is a self-signed CA; the path says so in its notes. In a profile
 * whose anchors sign documents the leaf must be one of them, and the path is this one certificate.
 *
 * @throws CredentialError `CERTIFICATE_EXPIRED`, `CERTIFICATE_NOT_YET_VALID`, `ISSUER_MISMATCH`,
 * `SIGNATURE_INVALID`, `CA_INVALID`, `KEY_UNSUPPORTED`, `ALGORITHM_REFUSED`, `EXTENSION_UNSUPPORTED`,
 * `NAME_CONSTRAINT_VIOLATED`, `POLICY_REFUSED`, `PURPOSE_REFUSED`, `CERTIFICATE_REVOKED`, `REVOCATION_UNKNOWN`,
 * `CRL_EXPIRED`, `CRL_INVALID`, `CERTIFICATE_INVALID` (a malformed extension), or `PATH_REFUSED` (beyond the
 * budget); the message names certificate, value, and rule
 */
export async function validatePath(input: PathInput): Promise<ValidatedPath> {
  return await new Validation(input).run();
}

/** How a validation went: what was found, or why nothing was, and every candidate that was given up. */
export interface PathExplanation {
  readonly path?: ValidatedPath;
  /** What {@link validatePath} throws for this input. */
  readonly error?: CredentialError;
  /** In the order in which they were tried; a long list is cut. */
  readonly rejected: readonly RejectedPath[];
}

/** Validates like {@link validatePath}, and tells how it went instead of throwing. */
export async function explainPath(input: PathInput): Promise<PathExplanation> {
  let validation: Validation | undefined;
  try {
    validation = new Validation(input);
    const path = await validation.run();
    return { path, rejected: validation.rejected };
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    return { error, rejected: validation?.rejected ?? [] };
  }
}

/** What was judged of the whole path. */
interface Judged {
  readonly policies: PathPolicies;
  readonly revocation: RevocationOutcome;
}

/** Where a certificate stands in a path. */
type Role = "leaf" | "ca" | "anchor";

/** One leaf, judged once. */
class Validation {
  readonly #input: CheckedInput;
  readonly #demands: Demands;
  readonly #budget = new Budget();
  readonly #signatures: SignatureChecks;
  readonly #material: Material;
  readonly #search: PathSearch;
  readonly #names: NameChecks;
  /** What each certificate breaks by itself; found out once. */
  readonly #faults: Record<Role, Map<Certificate, CredentialError | undefined>> = {
    leaf: new Map(),
    ca: new Map(),
    anchor: new Map(),
  };
  readonly #revocation: RevocationChecks | undefined;
  #judged: Judged = { policies: { authority: [], user: [] }, revocation: "not-asked" };

  constructor(input: PathInput) {
    this.#input = checkInput(input);
    const { at, profile, crypto, anchors, intermediates, leaf, revocation } = this.#input;
    this.#demands = { at, profile, revocation: revocation !== undefined };
    this.#signatures = new SignatureChecks(crypto, profile, this.#budget);
    this.#names = new NameChecks(leaf, this.#budget);
    this.#material = new Material(anchors, intermediates);
    this.#search = new PathSearch(this.#material, this.#signatures, this, this.#budget);
    if (revocation !== undefined) {
      const signers = new ListSigners(this.#material, this.#signatures, (...signer) =>
        this.#pathOf(...signer),
      );
      const { lists, require } = revocation;
      this.#revocation = new RevocationChecks(lists, { require, at }, signers, this.#budget);
    }
  }

  get rejected(): readonly RejectedPath[] {
    return this.#search.rejected;
  }

  async run(): Promise<ValidatedPath> {
    try {
      return await this.#validate();
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error;
      const peers = peersOn(error.code, certificateAtFault(error), this.#input.profile.peers ?? []);
      throw peers === undefined ? error : error.with({ peers });
    }
  }

  async #validate(): Promise<ValidatedPath> {
    const { leaf, anchors, at, profile } = this.#input;
    checkKey(leaf, profile);
    if (profile.anchors === "sign") {
      await this.#checkNamedSigner(leaf, anchors);
      const notes = notesOn(leaf, false);
      return makeValidatedPath({ certificates: [leaf], anchor: leaf, at, notes, ...this.#judged });
    }
    const found = await this.#search.find(leaf);
    const anchor = found.at(-1) ?? leaf;
    const leafIsAnchor = sameBytes(leaf.der, anchor.der);
    const certificates = leafIsAnchor ? ([leaf] as const) : ([leaf, ...found.slice(1)] as const);
    const notes = notesOn(anchor, leafIsAnchor);
    return makeValidatedPath({ certificates, anchor, at, notes, ...this.#judged });
  }

  /** @internal */
  issuer(issuer: Certificate, below: readonly Certificate[], isAnchor: boolean): void {
    // No issuer can mend what the leaf breaks by itself.
    const fault =
      this.#faultOf(this.#input.leaf, "leaf") ?? this.#faultOf(issuer, isAnchor ? "anchor" : "ca");
    if (fault !== undefined) throw fault;
    checkPathLength(issuer, below);
    this.#names.check(issuer, below);
  }

  /** @internal */
  async path(path: readonly Certificate[]): Promise<void> {
    const { purpose, policies, leaf } = this.#input;
    if (purpose !== undefined) checkPurpose(path, purpose);
    const judged = checkPolicies(path, policies);
    await this.#checkAnchorSignature(path.at(-1) ?? leaf);
    const revocation = (await this.#revocation?.check(path)) ?? "not-asked";
    this.#judged = { policies: judged, revocation };
  }

  #faultOf(certificate: Certificate, role: Role): CredentialError | undefined {
    if (!this.#faults[role].has(certificate)) {
      this.#faults[role].set(certificate, this.#findFault(certificate, role));
    }
    return this.#faults[role].get(certificate);
  }

  #findFault(certificate: Certificate, role: Role): CredentialError | undefined {
    const { profile, anchors } = this.#input;
    try {
      checkAnyCertificate(certificate, this.#demands);
      // A leaf that is the CA itself is judged as the anchor that it is.
      const isLeaf = role === "leaf";
      if (isLeaf && anchors.some(({ der }) => sameBytes(der, certificate.der))) return undefined;
      if (isLeaf) checkLeafUsage(certificate, profile);
      else checkCa(certificate, role === "anchor", profile);
      if (profile.strict === true) checkForm(certificate, !isLeaf);
      return undefined;
    } catch (error) {
      if (error instanceof CredentialError) return error;
      throw error;
    }
  }

  /** A path for a certificate that signs revocation lists, to one anchor (6.3.3 (f)); its purpose is its keyUsage. */
  async #pathOf(signer: Certificate, anchor: Certificate): Promise<readonly Certificate[]> {
    const { intermediates } = this.#input;
    checkAnyCertificate(signer, this.#demands);
    const names = new NameChecks(signer, this.#budget);
    const judge: Judge = {
      issuer: (issuer, below, isAnchor) => {
        const fault = this.#faultOf(issuer, isAnchor ? "anchor" : "ca");
        if (fault !== undefined) throw fault;
        checkPathLength(issuer, below);
        names.check(issuer, below);
      },
      path: async (path) => {
        checkPolicies(path, {});
        await this.#checkAnchorSignature(anchor);
      },
    };
    const material = new Material([anchor], intermediates);
    return await new PathSearch(material, this.#signatures, judge, this.#budget).find(signer);
  }

  /** A certificate that signs documents: trusted by being named, and held to everything else. */
  async #checkNamedSigner(leaf: Certificate, anchors: readonly Certificate[]): Promise<void> {
    if (!anchors.some(({ der }) => sameBytes(der, leaf.der))) {
      const problem = "it is none of the CAs given";
      throw certificateError("ISSUER_MISMATCH", leaf, problem, "DDS-Security 1.1 9.4.1");
    }
    checkAnyCertificate(leaf, this.#demands);
    checkSigner(leaf, this.#input.profile);
    await this.#checkAnchorSignature(leaf);
  }

  /**
   * A self-issued anchor must verify with its own key, unless its key identifiers say that another key of the
   * same CA signed it (RFC 5280 3.2: a certificate of key rollover).
   */
  async #checkAnchorSignature(anchor: Certificate): Promise<void> {
    if (!isSelfIssued(anchor) || keyIdentifiers(anchor, anchor) === "differ") return;
    const { crypto } = this.#input;
    let sound = soundAnchors.get(crypto);
    if (sound === undefined) soundAnchors.set(crypto, (sound = new WeakSet()));
    if (sound.has(anchor)) return;
    const rejection = await this.#signatures.check(anchor, anchor);
    if (rejection !== undefined) throw rejection.error;
    sound.add(anchor);
  }
}

/** Anchors whose own signature a verifier has found good: with many leaves below one CA, that is paid once. */
const soundAnchors = new WeakMap<Verifier, WeakSet<Certificate>>();

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
