import { CredentialError } from "../errors/credential-error.ts";
import type { CryptoProvider } from "../ports/crypto-provider.ts";
import type { SignatureScheme } from "../schemes.ts";
import type { Certificate } from "../x509/certificate.ts";
import { isParsedCertificate } from "../x509/parse.ts";
import { cmsInvalid, parseSignedData } from "./signed-data.ts";
import type { SignerInfo } from "./signer-info.ts";
import { embeddedCertificates, identifierText, isSigner } from "./signer-match.ts";
import { verifySignerInfo } from "./verify.ts";

export interface VerifySignedDataOptions {
  readonly crypto: CryptoProvider;
  /** The content, where it is not inside. */
  readonly content?: Uint8Array;
  /** Certificates that may sign, trusted by being given. */
  readonly signers?: readonly Certificate[];
  /**
   * Judges a signer's certificate that came along with the signature and is none of `signers`: it throws where that
   * one may not sign, as validatePath() does. `others` came along too. Without it, no such certificate may.
   */
  readonly judge?: (certificate: Certificate, others: readonly Certificate[]) => Promise<unknown>;
}

/** One signature that was verified. */
export interface VerifiedSignature {
  readonly certificate: Certificate;
  readonly scheme: SignatureScheme;
  /** As the signature claims it. */
  readonly signingTime?: Date;
}

/** Content, every signature of which is valid and by a certificate that may sign: {@link verifySignedData}. */
export interface VerifiedContent {
  readonly content: Uint8Array;
  /** eContentType, dotted: 1.2.840.113549.1.7.1 for plain data. */
  readonly contentType: string;
  /** At least one. */
  readonly signatures: readonly VerifiedSignature[];
}

/**
 * Verifies a CMS SignedData that is no document of DDS (RFC 5652 5): attached or detached, with or without signed
 * attributes, its signers named by issuer and serial number or by key identifier. Every signature must be valid;
 * for Governance and Permissions use verifyDocument(), whose rule for the signer is stricter.
 *
 * @param bytes ContentInfo in DER, or in BER with indefinite lengths in its outer layers; at most 16 MiB
 * @throws CredentialError `CMS_INVALID`, `ALGORITHM_REFUSED`, `KEY_UNSUPPORTED`, `DOCUMENT_CHANGED`,
 * `SIGNATURE_INVALID`, `DOCUMENT_SIGNER_MISMATCH` where a signer is not among the certificates that may sign, and
 * what `judge` throws
 */
export async function verifySignedData(
  bytes: Uint8Array,
  options: VerifySignedDataOptions,
): Promise<VerifiedContent> {
  const { crypto, signers = [], judge } = options;
  if (!(bytes instanceof Uint8Array)) throw new TypeError("verifySignedData reads a Uint8Array");
  if (!signers.every(isParsedCertificate)) throw new TypeError("signers are made by parseCertificate");
  const data = parseSignedData(bytes);
  if (data.content !== undefined && options.content !== undefined)
    throw cmsInvalid("there are two contents: one is inside the signature");
  const content = data.content ?? options.content;
  if (content === undefined) throw cmsInvalid("the content is not inside, and none was given");
  const embedded = judge === undefined ? [] : embeddedCertificates(data.certificates);
  const signatures: VerifiedSignature[] = [];
  for (const info of data.signers) {
    const certificate = await signerOf(info, signers, embedded, judge);
    const scheme = await verifySignerInfo(info, content, certificate, crypto);
    const signingTime = info.signedAttributes?.signingTime;
    signatures.push({ certificate, scheme, ...(signingTime && { signingTime }) });
  }
  return { content, contentType: data.contentType, signatures };
}

async function signerOf(
  { signer }: SignerInfo,
  signers: readonly Certificate[],
  embedded: readonly Certificate[],
  judge: VerifySignedDataOptions["judge"],
): Promise<Certificate> {
  const given = signers.find((certificate) => isSigner(signer, certificate));
  if (given) return given;
  const found = embedded.find((certificate) => isSigner(signer, certificate));
  if (found === undefined || judge === undefined) {
    throw new CredentialError(
      "DOCUMENT_SIGNER_MISMATCH",
      `signed by ${identifierText(signer)}, which is none of the certificates that may sign`,
      { hint: "Give the signer's certificate, or judge the one that came along." },
    );
  }
  await judge(
    found,
    embedded.filter((certificate) => certificate !== found),
  );
  return found;
}
