import {
  type Certificate,
  CredentialError,
  type CryptoProvider,
  redactUri,
  verifyDocument,
} from "@ddscred/core";
import { type JudgedContent, judgeContent } from "./judge.ts";
import { readFile } from "./open.ts";

/** The text to sign, judged: the file's own, or that of a document that `previous` signed, verified. */
export async function readToSign(
  file: string,
  previous: Certificate | undefined,
  crypto: CryptoProvider,
): Promise<{ xml: Uint8Array; judged: JudgedContent }> {
  const bytes = await readFile(file);
  if (previous === undefined) {
    refuseSigned(bytes);
    return { xml: bytes, judged: judgeContent(bytes, { file: redactUri(file) }) };
  }
  const { content, contentLine } = await verifyDocument(bytes, { ca: previous, crypto });
  return { xml: content, judged: judgeContent(content, { file: redactUri(file), firstLine: contentLine }) };
}

/** A document that is signed already would be signed headers and all. */
function refuseSigned(bytes: Uint8Array): void {
  if (!/^(?:MIME-Version|Content-Type):/i.test(Buffer.from(bytes.subarray(0, 20)).toString("latin1"))) return;
  throw new CredentialError("DOCUMENT_INVALID", "the file is a signed document already, not XML", {
    hint: "Sign its text again: ddscred sign --resign FILE ...",
  });
}
