import { sameBytes } from "../../der/values.ts";
import { CredentialError } from "../../errors/credential-error.ts";
import type { Certificate } from "../certificate.ts";
import type { RevocationList } from "../crl.ts";
import { keyUsage, subjectKeyIdentifier } from "../extensions.ts";
import { nameKey } from "../name-compare.ts";
import { displayName } from "../name-format.ts";
import type { Material } from "./material.ts";
import type { SignatureChecks } from "./signature.ts";

/** A validated path from a certificate that signs lists to the anchor given; throws a CredentialError. */
export type FindPath = (signer: Certificate, anchor: Certificate) => Promise<readonly Certificate[]>;

/** Who signed a list, and the path that makes it trusted: the one being judged, or its own. */
export interface ListSigner {
  readonly signer: Certificate;
  readonly path: readonly Certificate[];
}

/**
 * Finds the key that signed a list (RFC 5280 6.3.3 (f) and (g)): of a certificate of the issuer's name that may sign lists
 * and leads to the same anchor, which need not be the one that issued certificates.
 */
export class ListSigners {
  readonly #material: Material;
  readonly #signatures: SignatureChecks;
  readonly #findPath: FindPath;
  readonly #found = new Map<RevocationList, Map<Certificate, ListSigner | CredentialError>>();

  constructor(material: Material, signatures: SignatureChecks, findPath: FindPath) {
    this.#material = material;
    this.#signatures = signatures;
    this.#findPath = findPath;
  }

  /** @param path the path being judged, leaf first; the signer must lead to its anchor */
  async signerOf(list: RevocationList, path: readonly Certificate[]): Promise<ListSigner | CredentialError> {
    const anchor = path.at(-1);
    if (anchor === undefined) throw new TypeError("a path has certificates");
    let byAnchor = this.#found.get(list);
    if (byAnchor === undefined) this.#found.set(list, (byAnchor = new Map()));
    const known = byAnchor.get(anchor);
    // The same signer may stand in the path judged now; then it is judged with it.
    if (known instanceof CredentialError) return known;
    if (known !== undefined) return path.includes(known.signer, 1) ? { signer: known.signer, path } : known;
    const found = await this.#look(list, path, anchor);
    byAnchor.set(anchor, found);
    return found;
  }

  /** Whether a certificate that is known to sign lists signed this one. */
  async signedBy(list: RevocationList, signer: Certificate): Promise<boolean> {
    return (await this.#problem(list, signer)) === undefined;
  }

  async #look(
    list: RevocationList,
    path: readonly Certificate[],
    anchor: Certificate,
  ): Promise<ListSigner | CredentialError> {
    const issuerKey = nameKey(list.issuer);
    const cas = path.slice(1);
    const onPath = cas.filter(({ subject }) => nameKey(subject) === issuerKey);
    const offPath = this.#material
      .named(issuerKey)
      .filter(({ der }) => !onPath.some((ca) => sameBytes(ca.der, der)));
    let failure = listError(list, "crl-signer", "no certificate of its issuer is there to verify it");
    for (const signer of [...onPath, ...preferred(offPath, list)]) {
      const problem = await this.#problem(list, signer);
      if (problem !== undefined) {
        failure = problem;
        continue;
      }
      if (onPath.includes(signer)) return { signer, path };
      if (sameBytes(signer.der, anchor.der)) return { signer: anchor, path: [anchor] };
      try {
        return { signer, path: await this.#findPath(signer, anchor) };
      } catch (error) {
        if (!(error instanceof CredentialError) || error.rule === "budget") throw error;
        failure = listError(list, "crl-signer", `its signer is not trusted: ${error.message}`);
      }
    }
    return failure;
  }

  async #problem(list: RevocationList, signer: Certificate): Promise<CredentialError | undefined> {
    try {
      if (!(await this.#signatures.verify(list, signer))) {
        return listError(list, "crl-signature", `its signature is not by the key of ${named(signer)}`);
      }
      const usages = keyUsage(signer);
      if (usages === undefined || usages.has("cRLSign")) return undefined;
      const text = `the keyUsage of ${named(signer)} has no cRLSign, only ${[...usages].join(", ")}`;
      return listError(list, "crl-signer", text);
    } catch (error) {
      if (!(error instanceof CredentialError) || error.rule === "budget") throw error;
      return listError(list, "crl-signature", error.message);
    }
  }
}

/** An error about one list: it says nothing about any certificate. */
export function listError(list: RevocationList, rule: string, problem: string): CredentialError {
  const day = list.thisUpdate.toISOString().replace(/\.000Z$/, "Z");
  const message = `the revocation list of ${displayName(list.issuer)} of ${day} is not usable: ${problem}`;
  return new CredentialError("REVOCATION_UNKNOWN", message, { rule, section: "RFC 5280 6.3.3" });
}

const named = ({ subject }: Certificate) => displayName(subject);

/** Those with the key that the list names go first. */
function preferred(
  signers: readonly Certificate[],
  { keyIdentifier }: RevocationList,
): readonly Certificate[] {
  if (keyIdentifier === undefined) return signers;
  const rank = (signer: Certificate) => {
    try {
      const offered = subjectKeyIdentifier(signer);
      return offered === undefined ? 1 : sameBytes(offered, keyIdentifier) ? 0 : 2;
    } catch {
      return 2;
    }
  };
  return signers
    .map((signer) => ({ signer, rank: rank(signer) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ signer }) => signer);
}
