import { sameBytes } from "../../der/values.ts";
import { CredentialError } from "../../errors/credential-error.ts";
import type { Certificate } from "../certificate.ts";
import { checkAnchorSignature } from "./anchor-signature.ts";
import { Budget } from "./budget.ts";
import { certificateAtFault, certificateError } from "./certificate-error.ts";
import { ListSigners } from "./crl-signer.ts";
import { Faults } from "./faults.ts";
import { type CheckedInput, checkInput, type PathInput } from "./input.ts";
import { Material } from "./material.ts";
import { NameChecks } from "./names.ts";
import { peersOn } from "./peers.ts";
import { checkPolicies, type PathPolicies } from "./policies.ts";
import { checkPurpose } from "./purpose.ts";
import type { RejectedPath } from "./rejections.ts";
import { RevocationChecks, type RevocationOutcome } from "./revocation.ts";
import { checkAnyCertificate, checkKey, checkPathLength, checkSigner, type Demands } from "./rules.ts";
import { type Judge, PathSearch } from "./search.ts";
import { SignatureChecks } from "./signature.ts";
import { makeValidatedPath, notesOn, type ValidatedPath } from "./validated-path.ts";

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

/** One leaf, judged once. */
class Validation {
  readonly #input: CheckedInput;
  readonly #demands: Demands;
  readonly #budget = new Budget();
  readonly #signatures: SignatureChecks;
  readonly #material: Material;
  readonly #search: PathSearch;
  readonly #names: NameChecks;
  readonly #faults: Faults;
  readonly #revocation: RevocationChecks | undefined;
  #judged: Judged = { policies: { authority: [], user: [] }, revocation: "not-asked" };

  constructor(input: PathInput) {
    this.#input = checkInput(input);
    const { at, profile, crypto, anchors, intermediates, leaf, revocation } = this.#input;
    this.#demands = { at, profile, revocation: revocation !== undefined };
    this.#faults = new Faults(this.#demands, anchors);
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
      this.#faults.of(this.#input.leaf, "leaf") ?? this.#faults.of(issuer, isAnchor ? "anchor" : "ca");
    if (fault !== undefined) throw fault;
    checkPathLength(issuer, below);
    this.#names.check(issuer, below);
  }

  /** @internal */
  async path(path: readonly Certificate[]): Promise<void> {
    const { purpose, policies, leaf } = this.#input;
    if (purpose !== undefined) checkPurpose(path, purpose);
    const judged = checkPolicies(path, policies);
    await checkAnchorSignature(path.at(-1) ?? leaf, this.#input.crypto, this.#signatures);
    const revocation = (await this.#revocation?.check(path)) ?? "not-asked";
    this.#judged = { policies: judged, revocation };
  }

  /** A path for a certificate that signs revocation lists, to one anchor (6.3.3 (f)); its purpose is its keyUsage. */
  async #pathOf(signer: Certificate, anchor: Certificate): Promise<readonly Certificate[]> {
    const { intermediates } = this.#input;
    checkAnyCertificate(signer, this.#demands);
    const names = new NameChecks(signer, this.#budget);
    const judge: Judge = {
      issuer: (issuer, below, isAnchor) => {
        const fault = this.#faults.of(issuer, isAnchor ? "anchor" : "ca");
        if (fault !== undefined) throw fault;
        checkPathLength(issuer, below);
        names.check(issuer, below);
      },
      path: async (path) => {
        checkPolicies(path, {});
        await checkAnchorSignature(anchor, this.#input.crypto, this.#signatures);
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
    await checkAnchorSignature(leaf, this.#input.crypto, this.#signatures);
  }
}
