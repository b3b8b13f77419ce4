import { DerFields } from "../der/fields.ts";
import { contextTag, type DerNode, DerTag, derContent, derElement } from "../der/node.ts";
import { readDer } from "../der/read.ts";
import { derOid, derTime, sameBytes } from "../der/values.ts";
import { CredentialError } from "../errors/credential-error.ts";
import { ALGORITHM_PROTECTION, CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME } from "./oids.ts";

/** What is signed instead of the content (RFC 5652 5.4, 11). */
export interface SignedAttributes {
  /** DER of the SET OF Attribute, which is what the signature covers. */
  readonly der: Uint8Array;
  readonly messageDigest: Uint8Array;
  readonly signingTime?: Date;
}

/**
 * The signed attributes of a SignerInfo, `[0] IMPLICIT SET OF Attribute`. Those that mean something here are
 * checked, others only for their form.
 *
 * @param contentType what the attribute contentType must say
 * @param algorithms content octets of the digestAlgorithm and the signatureAlgorithm beside them
 */
export function readSignedAttributes(
  bytes: Uint8Array,
  node: DerNode,
  contentType: string,
  algorithms: readonly [Uint8Array, Uint8Array],
): SignedAttributes {
  const der = derElement(bytes, node).slice();
  der[0] = DerTag.SET; // RFC 5652 5.4: the signature covers an EXPLICIT SET OF, not the IMPLICIT [0]
  const values = attributeValues(der);
  const type = values.get(CONTENT_TYPE);
  if (type?.identifier !== DerTag.OBJECT_IDENTIFIER || derOid(der, type) !== contentType) {
    throw invalid("the signed attribute contentType is missing or is not that of the content", "11.1");
  }
  const messageDigest = values.get(MESSAGE_DIGEST);
  if (messageDigest?.identifier !== DerTag.OCTET_STRING) {
    throw invalid("the signed attribute messageDigest is missing", "11.2");
  }
  const protection = values.get(ALGORITHM_PROTECTION);
  if (protection && !protects(der, protection, algorithms)) {
    throw invalid("the signed attribute CMSAlgorithmProtection names other algorithms", "5.3, RFC 6211 2");
  }
  const time = signingTime(der, values.get(SIGNING_TIME));
  return {
    der,
    messageDigest: derContent(der, messageDigest),
    ...(time === undefined ? {} : { signingTime: time }),
  };
}

/** Attribute ::= SEQUENCE { attrType OBJECT IDENTIFIER, attrValues SET OF AttributeValue }; the first values. */
function attributeValues(der: Uint8Array): ReadonlyMap<string, DerNode> {
  const values = new Map<string, DerNode>();
  for (const attribute of strictSet(der)) {
    const fields = new DerFields(attribute, ATTRIBUTE);
    const type = derOid(der, fields.required("attrType", DerTag.OBJECT_IDENTIFIER));
    const set = fields.required("attrValues", DerTag.SET);
    fields.end();
    const [value, ...more] = set.children;
    if (values.has(type)) throw invalid(`signed attribute ${type} stands twice`, "5.3");
    if (value === undefined) throw invalid(`signed attribute ${type} has no value`, "5.3");
    if (more.length > 0 && type in SINGLE) throw invalid(`${SINGLE[type]} has several values`, "11");
    values.set(type, value);
  }
  return values;
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

/** CMSAlgorithmProtection ::= SEQUENCE { digestAlgorithm, signatureAlgorithm [1] IMPLICIT OPTIONAL, mac [2] ... } */
function protects(
  der: Uint8Array,
  value: DerNode,
  [digest, signature]: readonly [Uint8Array, Uint8Array],
): boolean {
  const fields = new DerFields(value, ATTRIBUTE);
  const named = [
    fields.required("digestAlgorithm", DerTag.SEQUENCE),
    fields.required("signatureAlgorithm", contextTag(1)),
  ];
  fields.end();
  return [digest, signature].every((algorithm, i) => {
    const node = named[i];
    return node !== undefined && sameBytes(derContent(der, node), algorithm);
  });
}

function signingTime(der: Uint8Array, value: DerNode | undefined): Date | undefined {
  if (value === undefined) return undefined;
  const time = derTime(der, value);
  if (time === undefined) throw invalid("the signed attribute signingTime is no time", "11.3");
  return time;
}

export function invalid(problem: string, section: string): CredentialError {
  const message = `the PKCS#7 signature is malformed: ${problem}`;
  return new CredentialError("CMS_INVALID", message, { section: `RFC 5652 ${section}` });
}

const ATTRIBUTE = { code: "CMS_INVALID", what: "a signed attribute" } as const;
/** Attributes of exactly one value (RFC 5652 11, RFC 6211 2), by name. */
const SINGLE: Readonly<Record<string, string>> = {
  [CONTENT_TYPE]: "contentType",
  [MESSAGE_DIGEST]: "messageDigest",
  [SIGNING_TIME]: "signingTime",
  [ALGORITHM_PROTECTION]: "CMSAlgorithmProtection",
};
