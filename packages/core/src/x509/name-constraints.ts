import { type DerContext, DerFields, malformed } from "../der/fields.ts";
import { contextTag, type DerNode } from "../der/node.ts";
import type { Certificate } from "./certificate.ts";
import { decodeExtension } from "./extension-decode.ts";
import { decodeGeneralName, type GeneralName } from "./general-name.ts";

/** RFC 5280 4.2.1.10: the bases of the subtrees. */
export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

/** Decodes nameConstraints. Distances (`minimum`, `maximum`) are not used in certificates and refused. */
export function nameConstraints(certificate: Certificate): NameConstraints | undefined {
  return decodeExtension(certificate, "nameConstraints", (bytes, node, context) => {
    const fields = new DerFields(node, context);
    const permitted = fields.optional(contextTag(0));
    const excluded = fields.optional(contextTag(1));
    fields.end();
    if (permitted === undefined && excluded === undefined) {
      throw malformed(context, node, "it constrains nothing");
    }
    return {
      permitted: subtrees(bytes, permitted, context),
      excluded: subtrees(bytes, excluded, context),
    };
  });
}

function subtrees(bytes: Uint8Array, list: DerNode | undefined, context: DerContext): readonly GeneralName[] {
  if (list === undefined) return [];
  if (list.children.length === 0) throw malformed(context, list, "a list of subtrees is empty");
  return list.children.map((subtree) => {
    const fields = new DerFields(subtree, context);
    const base = decodeGeneralName(bytes, fields.required("the base of a subtree"), context);
    fields.end();
    return base;
  });
}
