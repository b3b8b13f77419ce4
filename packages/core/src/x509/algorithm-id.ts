import { type DerContext, DerFields } from "../der/fields.ts";
import { type DerNode, DerTag, derElement } from "../der/node.ts";
import { derOid, sameBytes } from "../der/values.ts";
import type { AlgorithmId } from "./certificate.ts";

/** An AlgorithmIdentifier (RFC 5280 4.1.1.2) inside a larger structure. */
export function decodeAlgorithm(bytes: Uint8Array, node: DerNode, context: DerContext): AlgorithmId {
  const fields = new DerFields(node, context);
  const oid = derOid(bytes, fields.required("the OID of an algorithm", DerTag.OBJECT_IDENTIFIER));
  const parameters = node.children[1];
  if (parameters === undefined) return { oid };
  fields.required("the parameters");
  fields.end();
  return { oid, parameters: derElement(bytes, parameters) };
}

/** Whether the parameters are absent or NULL. */
export function withoutParameters(algorithm: AlgorithmId): boolean {
  return algorithm.parameters === undefined || sameBytes(algorithm.parameters, NULL);
}

const NULL = Uint8Array.of(0x05, 0x00);
