import { type DerContext, DerFields, malformed } from "../../der/fields.ts";
import { contextTag, DerTag, derElement } from "../../der/node.ts";
import { readDer } from "../../der/read.ts";
import { derBitStringOctets, derSmallInteger } from "../../der/values.ts";
import * as der from "../../der/write.ts";
import { CredentialError } from "../../errors/credential-error.ts";
import type { CallOptions, Signer } from "../../ports/credential-source.ts";
import type { Verifier } from "../../ports/crypto-provider.ts";
import { decodeAlgorithm } from "../algorithm-id.ts";
import { signatureSchemeOf } from "../algorithms.ts";
import type { PublicKeyInfo } from "../certificate.ts";
import { type DistinguishedName, decodeName } from "../name.ts";
import type { NameText } from "../name-text.ts";
import { decodePublicKeyInfo } from "../public-key.ts";
import { nameDer } from "./name.ts";
import { certificateScheme, signed } from "./sign.ts";

/**
 * Makes a certification request (PKCS#10, RFC 2986 4) for a key, signed by it: the proof that whoever asks for
 * the certificate has the key. No attributes are asked for.
 *
 * @returns DER of CertificationRequest
 */
export async function makeCertificateRequest(
  subject: NameText,
  signer: Signer,
  options?: CallOptions,
): Promise<Uint8Array> {
  const scheme = certificateScheme(signer);
  const info = der.sequence(der.integer(0), nameDer(subject), signer.publicKey, der.tagged(0));
  return await signed(signer, scheme, info, options);
}

/** A certification request whose signature is by the key that it is for. */
export interface CertificateRequest {
  readonly subject: DistinguishedName;
  readonly publicKey: PublicKeyInfo;
}

/**
 * Reads a certification request, and verifies its signature. Attributes, such as extensions that are asked for,
 * are passed over: what a certificate says is up to its issuer.
 *
 * `DER_INVALID`, `CERTIFICATE_INVALID`, `SIGNATURE_INVALID`, `ALGORITHM_REFUSED`, `KEY_UNSUPPORTED`.
 *
 * @param request DER of CertificationRequest
 */
export async function readCertificateRequest(
  request: Uint8Array,
  verifier: Verifier,
): Promise<CertificateRequest> {
  const bytes = new Uint8Array(request);
  const outer = new DerFields(readDer(bytes), CONTEXT);
  const info = outer.required("certificationRequestInfo", DerTag.SEQUENCE);
  const algorithm = decodeAlgorithm(bytes, outer.required("signatureAlgorithm", DerTag.SEQUENCE), CONTEXT);
  const signatureNode = outer.required("signature", DerTag.BIT_STRING);
  outer.end();
  const fields = new DerFields(info, CONTEXT);
  const version = derSmallInteger(bytes, fields.required("version", DerTag.INTEGER));
  if (version !== 0) throw malformed(CONTEXT, info, "the version is not 0 (RFC 2986 4.1)");
  const subject = decodeName(bytes, fields.required("subject"), CONTEXT);
  const publicKey = decodePublicKeyInfo(bytes, fields.required("subjectPKInfo"), CONTEXT);
  fields.optional(contextTag(0));
  fields.end();
  const signature = derBitStringOctets(bytes, signatureNode);
  const scheme = signatureSchemeOf(algorithm, publicKey);
  const tbs = derElement(bytes, info);
  const genuine: unknown =
    signature !== undefined && (await verifier.verify(publicKey.spki, scheme, tbs, signature));
  if (genuine === true) return { subject, publicKey };
  throw new CredentialError("SIGNATURE_INVALID", "the request is not signed by the key that it is for", {
    hint: "Make the request again with the key: whoever sent this one need not have it.",
  });
}

const CONTEXT: DerContext = { code: "CERTIFICATE_INVALID", what: "the certification request" };
