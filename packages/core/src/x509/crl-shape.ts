import { type DerContext, DerFields } from "../der/fields.ts";
import { DerTag } from "../der/node.ts";
import { readDer } from "../der/read.ts";
import { derBitStringOctets, derSmallInteger, derTime } from "../der/values.ts";
import { CredentialError } from "../errors/credential-error.ts";
import { decodeAlgorithm } from "./algorithm-id.ts";
import { decodeName } from "./name.ts";

/**
 * Checks that the bytes are strict DER and have the outer structure of a CertificateList (RFC 5280 5.1): they
 * are then a CRL to be verified, no more. Returns a copy of them.
 *
 * @throws CredentialError `CRL_INVALID`
 */
export function checkCrl(der: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(der);
  const outer = new DerFields(readStrictly(bytes), CONTEXT);
  const tbs = new DerFields(outer.required("tbsCertList", DerTag.SEQUENCE), CONTEXT);
  decodeAlgorithm(bytes, outer.required("signatureAlgorithm", DerTag.SEQUENCE), CONTEXT);
  const signature = outer.required("signatureValue", DerTag.BIT_STRING);
  outer.end();
  const version = tbs.optional(DerTag.INTEGER);
  tbs.required("signature", DerTag.SEQUENCE);
  decodeName(bytes, tbs.required("issuer"), CONTEXT);
  const thisUpdate = tbs.required("thisUpdate", DerTag.UTC_TIME, DerTag.GENERALIZED_TIME);
  const sound =
    derBitStringOctets(bytes, signature) !== undefined &&
    (version === undefined || derSmallInteger(bytes, version) === 1) &&
    derTime(bytes, thisUpdate) !== undefined;
  if (!sound) {
    throw new CredentialError(
      "CRL_INVALID",
      "the revocation list has no valid version, thisUpdate or signature",
    );
  }
  return bytes;
}

/** Whether DER bytes have the outer structure of a CertificateList. */
export function looksLikeCrl(der: Uint8Array): boolean {
  try {
    checkCrl(der);
    return true;
  } catch (error) {
    if (error instanceof CredentialError) return false;
    throw error;
  }
}

/** A CRL of a large CA has an entry of four elements for each revoked certificate. */
const LIMITS = { maxSize: 16 * 1024 * 1024, maxElements: 1_000_000 };
const CONTEXT: DerContext = { code: "CRL_INVALID", what: "the revocation list" };

function readStrictly(bytes: Uint8Array) {
  try {
    return readDer(bytes, LIMITS);
  } catch (cause) {
    if (!(cause instanceof CredentialError)) throw cause;
    throw new CredentialError("CRL_INVALID", `the revocation list is ${cause.message}`, { cause });
  }
}
