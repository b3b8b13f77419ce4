import { DerFields } from "../der/fields.ts";
import { contextTag, type DerNode, DerTag, derContent, derElement } from "../der/node.ts";
import { readDer } from "../der/read.ts";
import { derOid, derSmallInteger, derTime } from "../der/values.ts";
import { CredentialError } from "../errors/credential-error.ts";
import type { HashName } from "../schemes.ts";
import { decodeAlgorithm } from "../x509/algorithm-id.ts";
import type { AlgorithmId } from "../x509/certificate.ts";
import { type DistinguishedName, decodeName } from "../x509/name.ts";
import { hashOfAlgorithm } from "./algorithms.ts";

/**
 * One signature of a SignedData (RFC 5652 5.3).
 *
 *     SignerInfo ::= SEQUENCE { version, sid, digestAlgorithm, signedAttrs [0] IMPLICIT OPTIONAL,
 *       signatureAlgorithm, signature OCTET STRING, unsignedAttrs [1] IMPLICIT OPTIONAL }
 */
export interface SignerInfo {
  readonly signer: SignerIdentifier;
  readonly hash: HashName;
  readonly signatureAlgorithm: AlgorithmId;
  readonly signature: Uint8Array;
  readonly signedAttributes?: SignedAttributes;
}

/** By which certificate: its issuer and serial number (content octets), or its key identifier. */
export type SignerIdentifier =
  | { readonly issuer: DistinguishedName; readonly serialNumber: Uint8Array }
  | { readonly subjectKeyIdentifier: Uint8Array };

/** What is signed instead of the content (RFC 5652 5.4, 11). */
interface SignedAttributes {
  /** DER of the SET OF Attribute, which is what the signature covers. */
  readonly der: Uint8Array;
  readonly messageDigest: Uint8Array;
  readonly signingTime?: Date;
}

export function parseSignerInfo(bytes: Uint8Array, node: DerNode): SignerInfo {
  const fields = new DerFields(node, SIGNER_INFO);
  const version = derSmallInteger(bytes, fields.required("version", DerTag.INTEGER));
  const identifier = fields.required("sid", DerTag.SEQUENCE, contextTag(0, "primitive"));
  const signer = signerIdentifier(bytes, identifier);
  if (version !== ("issuer" in signer ? 1 : 3))
    throw invalid(`version ${version} does not fit its sid`, "5.3");
  const digestAlgorithm = decodeAlgorithm(bytes, fields.required("digestAlgorithm"), SIGNER_INFO);
  const attributes = fields.optional(contextTag(0));
  const signatureAlgorithm = decodeAlgorithm(bytes, fields.required("signatureAlgorithm"), SIGNER_INFO);
  const signature = derContent(bytes, fields.required("signature", DerTag.OCTET_STRING));
  fields.optional(contextTag(1));
  fields.end();
  return {
    signer,
    hash: hashOfAlgorithm(digestAlgorithm),
    signatureAlgorithm,
    signature,
    ...(attributes === undefined ? {} : { signedAttributes: signedAttributes(bytes, attributes) }),
  };
}

function signerIdentifier(bytes: Uint8Array, node: DerNode): SignerIdentifier {
  if (node.identifier !== DerTag.SEQUENCE) return { subjectKeyIdentifier: derContent(bytes, node) };
  const fields = new DerFields(node, SIGNER_INFO);
  const issuer = decodeName(bytes, fields.required("issuer"), SIGNER_INFO);
  const serialNumber = derContent(bytes, fields.required("serialNumber", DerTag.INTEGER));
  fields.end();
  return { issuer, serialNumber };
}

/** Attribute ::= SEQUENCE { attrType OBJECT IDENTIFIER, attrValues SET OF AttributeValue } */
function signedAttributes(bytes: Uint8Array, node: DerNode): SignedAttributes {
  const der = derElement(bytes, node).slice();
  der[0] = DerTag.SET; // RFC 5652 5.4: the signature covers an EXPLICIT SET OF, not the IMPLICIT [0]
  const values = new Map<string, DerNode>();
  for (const attribute of strictSet(der)) {
    const fields = new DerFields(attribute, SIGNER_INFO);
    const type = derOid(der, fields.required("attrType", DerTag.OBJECT_IDENTIFIER));
    const set = fields.required("attrValues", DerTag.SET);
    fields.end();
    const [value, ...more] = set.children;
    if (values.has(type)) throw invalid(`signed attribute ${type} stands twice`, "5.3");
    if (value === undefined) throw invalid(`signed attribute ${type} has no value`, "5.3");
    if (more.length > 0 && type in SINGLE) throw invalid(`${SINGLE[type]} has several values`, "11");
    values.set(type, value);
  }
  const contentType = values.get(CONTENT_TYPE);
  const messageDigest = values.get(MESSAGE_DIGEST);
  const signingTime = values.get(SIGNING_TIME);
  if (contentType?.identifier !== DerTag.OBJECT_IDENTIFIER || derOid(der, contentType) !== ID_DATA) {
    throw invalid("the signed attribute contentType is missing or does not say plain data", "11.1");
  }
  if (messageDigest?.identifier !== DerTag.OCTET_STRING) {
    throw invalid("the signed attribute messageDigest is missing", "11.2");
  }
  const time = signingTime && derTime(der, signingTime);
  return {
    der,
    messageDigest: derContent(der, messageDigest),
    ...(time === undefined ? {} : { signingTime: time }),
  };
}

/** The attributes, which must be in DER, sorted (RFC 5652 5.4). */
function strictSet(der: Uint8Array): readonly DerNode[] {
  try {
    return readDer(der, { sortedSets: true }).children;
  } catch (cause) {
    if (!(cause instanceof CredentialError)) throw cause;
    throw invalid(`its signed attributes are ${cause.message}`, "5.4");
  }
}

function invalid(problem: string, section: string): CredentialError {
  const message = `the PKCS#7 signature is malformed: ${problem}`;
  return new CredentialError("CMS_INVALID", message, { section: `RFC 5652 ${section}` });
}

const SIGNER_INFO = { code: "CMS_INVALID", what: "a SignerInfo" } as const;
const ID_DATA = "1.2.840.113549.1.7.1";
const CONTENT_TYPE = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const SIGNING_TIME = "1.2.840.113549.1.9.5";
/** Attributes of exactly one value (RFC 5652 11), by name. */
const SINGLE: Readonly<Record<string, string>> = {
  [CONTENT_TYPE]: "contentType",
  [MESSAGE_DIGEST]: "messageDigest",
  [SIGNING_TIME]: "signingTime",
};
