import { DerFields } from "../der/fields.ts";
import { contextTag, type DerNode, DerTag, derContent, derElement } from "../der/node.ts";
import { readDer } from "../der/read.ts";
import { derOid } from "../der/values.ts";
import { CredentialError } from "../errors/credential-error.ts";
import { decodeAlgorithm, withoutParameters } from "../x509/algorithm-id.ts";
import { withDefiniteLengths } from "./ber.ts";
import { ID_SIGNED_DATA } from "./oids.ts";
import { parseSignerInfo, type SignerInfo } from "./signer-info.ts";

/**
 * A decoded SignedData (RFC 5652 5.1, RFC 2315 9.1); nothing of it is verified.
 *
 *     SignedData ::= SEQUENCE { version, digestAlgorithms SET, encapContentInfo, certificates [0] IMPLICIT
 *       OPTIONAL, crls [1] IMPLICIT OPTIONAL, signerInfos SET OF SignerInfo }
 */
export interface SignedData {
  /** eContentType, dotted. */
  readonly contentType: string;
  /** The content, where it is inside. */
  readonly content?: Uint8Array;
  /** DER of the certificates that came with it; hints for messages, never trusted. */
  readonly certificates: readonly Uint8Array[];
  /** At least one. */
  readonly signers: readonly SignerInfo[];
}

/**
 * Decodes a ContentInfo that holds a SignedData over content of any type.
 *
 * @param pkcs7 strict DER, but for indefinite lengths of outer layers
 * @throws CredentialError `CMS_INVALID`, `ALGORITHM_REFUSED`
 */
export function parseSignedData(pkcs7: Uint8Array): SignedData {
  const bytes = withDefiniteLengths(pkcs7);
  const info = new DerFields(strictly(bytes), CMS);
  const type = derOid(bytes, info.required("contentType", DerTag.OBJECT_IDENTIFIER));
  if (type !== ID_SIGNED_DATA) throw cmsInvalid(`the PKCS#7 structure is of type ${type}, not a signature`);
  const explicit = new DerFields(info.required("content", contextTag(0)), CMS, contextTag(0));
  info.end();
  const fields = new DerFields(explicit.required("SignedData", DerTag.SEQUENCE), CMS);
  explicit.end();
  fields.required("version", DerTag.INTEGER);
  const digests = fields.required("digestAlgorithms", DerTag.SET).children;
  const content = encapsulated(bytes, fields.required("encapContentInfo", DerTag.SEQUENCE));
  const certificates = fields.optional(contextTag(0));
  fields.optional(contextTag(1));
  const signers = fields.required("signerInfos", DerTag.SET).children;
  fields.end();
  if (signers.length === 0) throw cmsInvalid("the PKCS#7 structure holds certificates but no signature");
  if (signers.length > MAX_SIGNERS) throw cmsInvalid(`there are more than ${MAX_SIGNERS} signatures`);
  const announced = digests.map((node) => decodeAlgorithm(bytes, node, CMS));
  if (!announced.every(withoutParameters))
    throw cmsInvalid("a digest algorithm has parameters", "RFC 5754 2");
  const oids = new Set(announced.map(({ oid }) => oid));
  return {
    ...content,
    certificates: (certificates?.children ?? []).map((node) => derElement(bytes, node)),
    signers: signers.map((node) => parseSignerInfo(bytes, node, content.contentType, oids)),
  };
}

/** The error of a structure that decodes but cannot be right. */
export function cmsInvalid(message: string, section = "RFC 5652 5"): CredentialError {
  return new CredentialError("CMS_INVALID", message, { section });
}

/** EncapsulatedContentInfo ::= SEQUENCE { eContentType, eContent [0] EXPLICIT OCTET STRING OPTIONAL } */
function encapsulated(bytes: Uint8Array, node: DerNode): Pick<SignedData, "contentType" | "content"> {
  const fields = new DerFields(node, CMS);
  const contentType = derOid(bytes, fields.required("eContentType", DerTag.OBJECT_IDENTIFIER));
  const explicit = fields.optional(contextTag(0));
  fields.end();
  if (explicit === undefined) return { contentType };
  const content = new DerFields(explicit, CMS, contextTag(0));
  const octets = content.required("eContent", DerTag.OCTET_STRING);
  content.end();
  return { contentType, content: derContent(bytes, octets) };
}

function strictly(bytes: Uint8Array): DerNode {
  try {
    return readDer(bytes, { maxSize: MAX_SIZE });
  } catch (cause) {
    if (!(cause instanceof CredentialError)) throw cause;
    const { position, rule, section } = cause;
    throw new CredentialError("CMS_INVALID", `the PKCS#7 signature is ${cause.message}`, {
      cause,
      ...(position === undefined ? {} : { position }),
      ...(rule === undefined ? {} : { rule }),
      ...(section === undefined ? {} : { section }),
    });
  }
}

/** For errors of decoding. */
const CMS = { code: "CMS_INVALID", what: "the PKCS#7 signature" } as const;
/** Each costs a signature verification; documents have one. */
const MAX_SIGNERS = 8;
/** A document of 16 MiB is base64 of 12. */
const MAX_SIZE = 16 * 1024 * 1024;
