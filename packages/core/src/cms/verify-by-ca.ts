import type { CryptoProvider } from "../ports/crypto-provider.ts";
import type { SignatureScheme } from "../schemes.ts";
import type { Certificate } from "../x509/certificate.ts";
import type { SignedData } from "./signed-data.ts";
import { isSigner, signerMismatch } from "./signer-match.ts";
import { verifySignerInfo } from "./verify.ts";

/**
 * Verifies a SignedData as DDS demands: every signature in it is by exactly the permissions CA's certificate,
 * and valid. A certificate that the CA has issued may not sign for it (CVE-2023-24010), nor may others sign
 * along with it.
 *
 * @returns the scheme of each signature
 * @throws CredentialError `DOCUMENT_SIGNER_MISMATCH` and those of {@link verifySignerInfo}
 */
export async function verifyByCa(
  data: SignedData,
  content: Uint8Array,
  ca: Certificate,
  crypto: CryptoProvider,
): Promise<readonly SignatureScheme[]> {
  const stranger = data.signers.find(({ signer }) => !isSigner(signer, ca));
  if (stranger) throw await signerMismatch(stranger.signer, data.certificates, ca, crypto);
  const schemes: SignatureScheme[] = [];
  for (const info of data.signers) schemes.push(await verifySignerInfo(info, content, ca, crypto));
  return schemes;
}
