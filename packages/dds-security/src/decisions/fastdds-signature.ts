import {
  type Certificate,
  CredentialError,
  type CryptoProvider,
  type ErrorCode,
  type VerifiedDocument,
  verifyDocument,
} from "@ddscred/core";
import { signedFormLimits } from "../documents/signed-form.ts";
import { PeerRefusal } from "./peer-refusal.ts";

/** Any certificate of the CA's file may have signed. With SHA-1, which Fast DDS takes, none counts here. */
export async function verifySigned(
  bytes: Uint8Array,
  store: readonly Certificate[],
  crypto: CryptoProvider,
): Promise<VerifiedDocument> {
  let first: CredentialError | undefined;
  for (const ca of store) {
    try {
      const signed = await verifyDocument(bytes, { ca, crypto });
      const limit = signedFormLimits(signed).find(({ readers }) => readers.includes("fastdds"));
      if (limit === undefined) return signed;
      throw new CredentialError("DOCUMENT_FORM_REFUSED", limit.message);
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error;
      first ??= error;
    }
  }
  const code = first?.code ?? "DOCUMENT_SIGNER_MISMATCH";
  const said = NOT_SMIME.has(code)
    ? "Input data has not PKCS7 S/MIME format"
    : "PKCS7 data verification failed";
  const { message = "", location, hint } = first ?? {};
  throw new PeerRefusal(code, `${said}: ${message}`, {
    ...(location && { location }),
    ...(hint !== undefined && { hint }),
  });
}

const NOT_SMIME = new Set<ErrorCode>(["DOCUMENT_NOT_SMIME", "DOCUMENT_FORM_REFUSED"]);
