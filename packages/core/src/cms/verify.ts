import { sameBytes } from "../der/values.ts";
import { CredentialError } from "../errors/credential-error.ts";
import type { CryptoProvider } from "../ports/crypto-provider.ts";
import type { SignatureScheme } from "../schemes.ts";
import { signatureSchemeOf } from "../x509/algorithms.ts";
import type { Certificate } from "../x509/certificate.ts";
import { fullSignatureAlgorithm } from "./algorithms.ts";
import { cmsInvalid, type SignedData } from "./signed-data.ts";
import type { SignerInfo } from "./signer-info.ts";
import { isSigner, signerMismatch } from "./signer-match.ts";

/**
 * Verifies a SignedData as DDS demands: every signature in it is by exactly the permissions CA's certificate,
 * and valid. A certificate that the CA has issued may not sign for it (CVE-2023-24010), nor may others sign
 * along with it.
 *
 * @returns the scheme of each signature
 * @throws CredentialError `DOCUMENT_SIGNER_MISMATCH`, `ALGORITHM_REFUSED`, `KEY_UNSUPPORTED`, `DOCUMENT_CHANGED`,
 * `SIGNATURE_INVALID`, `CMS_INVALID`
 */
export async function verifySignedData(
  data: SignedData,
  content: Uint8Array,
  ca: Certificate,
  crypto: CryptoProvider,
): Promise<readonly SignatureScheme[]> {
  const stranger = data.signers.find(({ signer }) => !isSigner(signer, ca));
  if (stranger) throw signerMismatch(stranger.signer, data.certificates, ca);
  const schemes: SignatureScheme[] = [];
  for (const info of data.signers) {
    const scheme = schemeOf(info, ca);
    await verifySignature(info, scheme, content, ca, crypto);
    schemes.push(scheme);
  }
  return schemes;
}

function schemeOf(info: SignerInfo, ca: Certificate): SignatureScheme {
  const scheme = signatureSchemeOf(fullSignatureAlgorithm(info.signatureAlgorithm, info.hash), ca.publicKey);
  if (scheme.hash === info.hash) return scheme;
  throw cmsInvalid(
    `the digest is made with ${info.hash}, but the signature with ${scheme.hash}`,
    "RFC 5754 3",
  );
}

/** RFC 5652 5.4 and 5.6. */
async function verifySignature(
  { hash, signature, signedAttributes }: SignerInfo,
  scheme: SignatureScheme,
  content: Uint8Array,
  ca: Certificate,
  crypto: CryptoProvider,
): Promise<void> {
  const key = ca.publicKey.spki;
  if (signedAttributes === undefined) {
    if (await crypto.verify(key, scheme, content, signature)) return;
    const cause = "the content was changed after it was signed, or another key of the same CA name signed it";
    throw new CredentialError(
      "DOCUMENT_CHANGED",
      `the document's signature is invalid: ${cause}`,
      saltHint(scheme, crypto),
    );
  }
  if (!sameBytes(await crypto.digest(hash, content), signedAttributes.messageDigest)) {
    const message = `the content was changed after it was signed: its ${hash} digest is not the signed one`;
    throw new CredentialError("DOCUMENT_CHANGED", message, { section: "RFC 5652 5.6" });
  }
  if (await crypto.verify(key, scheme, signedAttributes.der, signature)) return;
  throw new CredentialError("SIGNATURE_INVALID", "the signature over the signed attributes is invalid", {
    hint: "Sign the document again; if its signature was not touched, another key of the same CA name made it.",
    section: "RFC 5652 5.4",
    ...saltHint(scheme, crypto),
  });
}

/** Where the provider, not the document, may be the reason. */
function saltHint(scheme: SignatureScheme, crypto: CryptoProvider): { hint: string } | undefined {
  if (scheme.padding !== "pss" || crypto.anyPssSalt) return undefined;
  return { hint: `The provider ${crypto.name} cannot read every salt length; nodeCrypto() can.` };
}
