import { derInvalid } from "./invalid.ts";
import type { DerNode } from "./node.ts";
import { derContent, derElement } from "./node.ts";

/** Whether a universal type has the form that DER demands of it (X.690 10.2); a sentence if not. */
export function constructedProblem(node: DerNode): string | undefined {
  if (node.tagClass !== "universal") return undefined;
  if (node.tag === 0 || node.tag === 15 || node.tag > 36) return `universal tag ${node.tag} is reserved`;
  if (CONSTRUCTED.has(node.tag) === node.constructed) return undefined;
  return node.constructed
    ? `universal type ${node.tag} must be primitive`
    : `universal type ${node.tag} must be constructed`;
}

// EXTERNAL, EMBEDDED PDV, SEQUENCE, SET, CHARACTER STRING
const CONSTRUCTED = new Set([8, 11, 16, 17, 29]);

/** Checks the content octets of a primitive universal type. */
export function checkPrimitive(bytes: Uint8Array, node: DerNode): void {
  if (node.tagClass === "universal") CHECKS.get(node.tag)?.(derContent(bytes, node), node.start);
}

/** Checks that the elements of a SET OF are in ascending order of their encodings (X.690 11.6). */
export function checkSetOrder(bytes: Uint8Array, node: DerNode): void {
  if (node.tagClass !== "universal" || node.tag !== 17) return;
  for (let i = 1; i < node.children.length; i += 1) {
    const [before, after] = [node.children[i - 1], node.children[i]];
    if (before === undefined || after === undefined) return;
    if (compareBytes(derElement(bytes, before), derElement(bytes, after)) > 0) {
      throw derInvalid(after.start, "set-order", "the elements of a SET are not sorted", "X.690 11.6");
    }
  }
}

type Check = (content: Uint8Array, at: number) => void;

const boolean: Check = (content, at) => {
  if (content.length !== 1 || (content[0] !== 0x00 && content[0] !== 0xff)) {
    throw derInvalid(at, "boolean", "a BOOLEAN is neither 00 nor FF", "X.690 11.1");
  }
};

const integer: Check = (content, at) => {
  const [first, second = 0] = content;
  if (first === undefined) throw derInvalid(at, "integer", "an INTEGER is empty", "X.690 8.3.1");
  const redundant = (first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80);
  if (content.length > 1 && redundant) {
    throw derInvalid(at, "integer", "an INTEGER is not written minimally", "X.690 8.3.2");
  }
};

const bitString: Check = (content, at) => {
  const unused = content[0];
  const last = content.at(-1) ?? 0;
  if (unused === undefined || unused > 7 || (content.length === 1 && unused > 0)) {
    throw derInvalid(at, "bit-string", "a BIT STRING has no valid count of unused bits", "X.690 8.6.2");
  }
  if (unused > 0 && (last & ((1 << unused) - 1)) !== 0) {
    throw derInvalid(at, "bit-string", "the unused bits of a BIT STRING are not zero", "X.690 11.2.1");
  }
};

const nothing: Check = (content, at) => {
  if (content.length > 0) throw derInvalid(at, "null", "a NULL has content", "X.690 8.8.2");
};

const objectIdentifier: Check = (content, at) => {
  const problem = () => derInvalid(at, "oid", "an OBJECT IDENTIFIER is malformed", "X.690 8.19");
  if (content.length === 0 || content.length > MAX_OID_OCTETS) throw problem();
  let arcStart = true;
  for (const octet of content) {
    if (arcStart && octet === 0x80) throw problem();
    arcStart = octet < 0x80;
  }
  if (!arcStart) throw problem();
};

/** Far above what is registered anywhere; keeps the text of an OID short. */
export const MAX_OID_OCTETS = 128;

const CHECKS: ReadonlyMap<number, Check> = new Map([
  [1, boolean],
  [2, integer],
  [3, bitString],
  [5, nothing],
  [6, objectIdentifier],
  [10, integer],
  [13, objectIdentifier],
]);

/** Lexicographic order of octets, a shorter text first; negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
