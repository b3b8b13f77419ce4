import { DerFields } from "../der/fields.ts";
import { contextTag, type DerNode, DerTag, derContent } from "../der/node.ts";
import { derSmallInteger } from "../der/values.ts";
import type { HashName } from "../schemes.ts";
import { decodeAlgorithm } from "../x509/algorithm-id.ts";
import type { AlgorithmId } from "../x509/certificate.ts";
import { type DistinguishedName, decodeName } from "../x509/name.ts";
import { hashOfAlgorithm } from "./algorithms.ts";
import { ID_DATA } from "./oids.ts";
import { invalid, readSignedAttributes, type SignedAttributes } from "./signed-attributes.ts";

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

/**
 * @param contentType eContentType of the SignedData
 * @param announced OIDs of its digestAlgorithms
 */
export function parseSignerInfo(
  bytes: Uint8Array,
  node: DerNode,
  contentType: string,
  announced: ReadonlySet<string>,
): SignerInfo {
  const fields = new DerFields(node, SIGNER_INFO);
  const version = derSmallInteger(bytes, fields.required("version", DerTag.INTEGER));
  const identifier = fields.required("sid", DerTag.SEQUENCE, contextTag(0, "primitive"));
  const signer = signerIdentifier(bytes, identifier);
  if (version !== ("issuer" in signer ? 1 : 3))
    throw invalid(`version ${version} does not fit its sid`, "5.3");
  const digestNode = fields.required("digestAlgorithm");
  const attributesNode = fields.optional(contextTag(0));
  const algorithmNode = fields.required("signatureAlgorithm");
  const signature = derContent(bytes, fields.required("signature", DerTag.OCTET_STRING));
  fields.optional(contextTag(1));
  fields.end();
  const digestAlgorithm = decodeAlgorithm(bytes, digestNode, SIGNER_INFO);
  const hash = hashOfAlgorithm(digestAlgorithm);
  // Readers that hash while they read know no other hash (RFC 5652 5.1).
  if (!announced.has(digestAlgorithm.oid)) throw invalid(`${hash} is not among its digestAlgorithms`, "5.1");
  const algorithms = [derContent(bytes, digestNode), derContent(bytes, algorithmNode)] as const;
  const attributes = attributesNode && readSignedAttributes(bytes, attributesNode, contentType, algorithms);
  if (attributes === undefined && contentType !== ID_DATA)
    throw invalid(`content of type ${contentType} has no signed attributes`, "5.3");
  return {
    signer,
    hash,
    signatureAlgorithm: decodeAlgorithm(bytes, algorithmNode, SIGNER_INFO),
    signature,
    ...(attributes === undefined ? {} : { signedAttributes: attributes }),
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

const SIGNER_INFO = { code: "CMS_INVALID", what: "a SignerInfo" } as const;
