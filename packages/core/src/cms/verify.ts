import { readDer } from "../der/read.ts";
import { sameBytes } from "../der/values.ts";
import { CredentialError } from "../errors/credential-error.ts";
import type { CryptoProvider } from "../ports/crypto-provider.ts";
import type { SignatureScheme } from "../schemes.ts";
import { signatureSchemeOf } from "../x509/algorithms.ts";
import type { Certificate } from "../x509/certificate.ts";
import { fullSignatureAlgorithm } from "./algorithms.ts";
import { cmsInvalid } from "./signed-data.ts";
import type { SignerInfo } from "./signer-info.ts";

/**
 * Verifies one signature of a SignedData with the certificate that it names (RFC 5652 5.4, 5.6). Whether that
 * certificate may sign is for the caller to know.
 *
 * @returns the scheme of the signature
 * @throws CredentialError `ALGORITHM_REFUSED`, `KEY_UNSUPPORTED`, `DOCUMENT_CHANGED`, `SIGNATURE_INVALID`, `CMS_INVALID`
 */
export async function verifySignerInfo(
  info: SignerInfo,
  content: Uint8Array,
  certificate: Certificate,
  crypto: CryptoProvider,
): Promise<SignatureScheme> {
  const { hash, signature, signedAttributes } = info;
  const scheme = schemeOf(info, certificate);
  const key = certificate.publicKey.spki;
  if (signedAttributes === undefined) {
    refuseAttributesAsContent(content);
    if (await crypto.verify(key, scheme, content, signature)) return scheme;
    const cause = "the content was changed after it was signed, or another key of the same CA name signed it";
    throw new CredentialError("DOCUMENT_CHANGED", `the document's signature is invalid: ${cause}`);
  }
  if (!sameBytes(await crypto.digest(hash, content), signedAttributes.messageDigest)) {
    const message = `the content was changed after it was signed: its ${hash} digest is not the signed one`;
    throw new CredentialError("DOCUMENT_CHANGED", message, { section: "RFC 5652 5.6" });
  }
  if (await crypto.verify(key, scheme, signedAttributes.der, signature)) return scheme;
  throw new CredentialError("SIGNATURE_INVALID", "the signature over the signed attributes is invalid", {
    hint: "Sign the document again; if its signature was not touched, another key of the same CA name made it.",
    section: "RFC 5652 5.4",
  });
}

function schemeOf(info: SignerInfo, certificate: Certificate): SignatureScheme {
  const algorithm = fullSignatureAlgorithm(info.signatureAlgorithm, info.hash);
  const scheme = signatureSchemeOf(algorithm, certificate.publicKey);
  if (scheme.hash === info.hash) return scheme;
  throw cmsInvalid(
    `the digest is made with ${info.hash}, but the signature with ${scheme.hash}`,
    "RFC 5754 3",
  );
}

/**
 * A signature over signed attributes is one over the SET OF them too: whoever drops them from a SignerInfo and gives
 * that SET as content would have a valid signature over a text that nobody signed.
 */
function refuseAttributesAsContent(content: Uint8Array): void {
  if (content[0] !== 0x31) return;
  try {
    readDer(content);
  } catch {
    return;
  }
  throw cmsInvalid("the content is a set of signed attributes, taken from another signature", "RFC 8933 1");
}
