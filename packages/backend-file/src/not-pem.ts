import { CredentialError } from "@ddscred/core";
import { shown } from "./shown.ts";

/**
 * `PEM_NOT_FOUND` for a private key that is not PEM, saying what the content is instead; undefined for PEM.
 * DDS implementations read keys in PEM only, so nothing else is taken here.
 */
export function notPem(
  bytes: Uint8Array,
  place: { readonly uri: string; readonly file?: string },
): CredentialError | undefined {
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (content.includes("-----BEGIN ")) return undefined;
  const subject = place.file === undefined ? "the data: URI" : shown(place.file);
  const { is, hint } = describe(content);
  return new CredentialError("PEM_NOT_FOUND", `${subject} ${is}, and a private key is wanted in PEM`, {
    uri: place.uri,
    hint,
  });
}

function describe(content: Buffer): { is: string; hint: string } {
  if (content[0] === 0x30 && content.includes(PKCS7_DATA)) {
    return { is: "looks like PKCS#12", hint: "Convert it: `openssl pkcs12 -in FILE -nocerts -out KEY.pem`." };
  }
  if (content[0] === 0x30) {
    return { is: "is binary (DER)", hint: "Convert it: `openssl pkey -inform DER -in FILE -out KEY.pem`." };
  }
  if (content.includes("-\0-\0B\0E\0G\0I\0N\0") || content.includes("\0-\0-\0B\0E\0G\0I\0N")) {
    return { is: "is UTF-16 text", hint: "Save it again as ASCII or UTF-8." };
  }
  if (/^\s*pkcs11:/i.test(content.toString("latin1", 0, 64))) {
    return { is: "holds a pkcs11: URI", hint: "Give that URI itself as the value of the property." };
  }
  return { is: "has no PEM block", hint: "Name a file with a block `-----BEGIN PRIVATE KEY-----`." };
}

/** 1.2.840.113549.1.7.1, with which the content of every PKCS#12 begins (RFC 7292 4). */
const PKCS7_DATA = Buffer.from("06092a864886f70d010701", "hex");
