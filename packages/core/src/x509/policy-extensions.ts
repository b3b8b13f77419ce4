import { type DerContext, DerFields, malformed } from "../der/fields.ts";
import { contextTag, type DerNode, DerTag } from "../der/node.ts";
import { derOid, derSmallInteger } from "../der/values.ts";
import type { Certificate } from "./certificate.ts";
import { decodeExtension } from "./extension-decode.ts";

/** The OID of every policy (RFC 5280 4.2.1.4). */
export const ANY_POLICY = "2.5.29.32.0";

/** RFC 5280 4.2.1.5: a policy of the issuer, and the one of the subject that counts as it. */
export interface PolicyMapping {
  readonly issuerDomain: string;
  readonly subjectDomain: string;
}

/** RFC 5280 4.2.1.11: after how many certificates that are not self-issued. */
export interface PolicyConstraints {
  readonly requireExplicitPolicy?: number;
  readonly inhibitPolicyMapping?: number;
}

/** Dotted OIDs of the policies, each once. Qualifiers are passed over. */
export function certificatePolicies(certificate: Certificate): ReadonlySet<string> | undefined {
  return decodeExtension(certificate, "certificatePolicies", (bytes, node, context) => {
    const list = sequenceOf(node, context);
    const policies = new Set<string>();
    for (const information of list) {
      const fields = new DerFields(information, context);
      const policy = derOid(bytes, fields.required("a policy", DerTag.OBJECT_IDENTIFIER));
      fields.optional(DerTag.SEQUENCE);
      fields.end();
      if (policies.has(policy)) throw malformed(context, information, `policy ${policy} is there twice`);
      policies.add(policy);
    }
    return policies;
  });
}

export function policyMappings(certificate: Certificate): readonly PolicyMapping[] | undefined {
  return decodeExtension(certificate, "policyMappings", (bytes, node, context) =>
    sequenceOf(node, context).map((mapping) => {
      const fields = new DerFields(mapping, context);
      const issuerDomain = derOid(bytes, fields.required("the issuer's policy", DerTag.OBJECT_IDENTIFIER));
      const subjectDomain = derOid(bytes, fields.required("the subject's policy", DerTag.OBJECT_IDENTIFIER));
      fields.end();
      return { issuerDomain, subjectDomain };
    }),
  );
}

export function policyConstraints(certificate: Certificate): PolicyConstraints | undefined {
  return decodeExtension(certificate, "policyConstraints", (bytes, node, context) => {
    const fields = new DerFields(node, context);
    const explicit = fields.optional(contextTag(0, "primitive"));
    const mapping = fields.optional(contextTag(1, "primitive"));
    fields.end();
    if (explicit === undefined && mapping === undefined) {
      throw malformed(context, node, "it constrains nothing");
    }
    return {
      ...(explicit === undefined ? {} : { requireExplicitPolicy: skipCerts(bytes, explicit, context) }),
      ...(mapping === undefined ? {} : { inhibitPolicyMapping: skipCerts(bytes, mapping, context) }),
    };
  });
}

/** RFC 5280 4.2.1.14: after how many certificates anyPolicy stands for no policy any more. */
export function inhibitAnyPolicy(certificate: Certificate): number | undefined {
  return decodeExtension(certificate, "inhibitAnyPolicy", (bytes, node, context) => {
    if (node.identifier !== DerTag.INTEGER) throw malformed(context, node, "it is no INTEGER");
    return skipCerts(bytes, node, context);
  });
}

function sequenceOf(node: DerNode, context: DerContext): readonly DerNode[] {
  if (node.identifier !== DerTag.SEQUENCE || node.children.length === 0) {
    throw malformed(context, node, "it is no list, or an empty one");
  }
  return node.children;
}

/** A number from 0, in minimal octets, which behind an IMPLICIT tag readDer has not looked at. */
function skipCerts(bytes: Uint8Array, node: DerNode, context: DerContext): number {
  const value = derSmallInteger(bytes, node);
  const [first = 0, second = 0] = bytes.subarray(node.contentStart, node.end);
  const padded = node.end - node.contentStart > 1 && first === 0 && second < 0x80;
  if (value === undefined || value < 0 || padded) throw malformed(context, node, "it is no number from 0");
  return value;
}
