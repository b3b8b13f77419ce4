import { derInvalid } from "./invalid.ts";
import type { DerNode, DerTagClass } from "./node.ts";
import { checkPrimitive, checkSetOrder, constructedProblem } from "./strict.ts";

/** How much {@link readDer} takes in. */
export interface DerLimits {
  /** Nested elements. Default 32. */
  readonly maxDepth?: number;
  /** Bytes of the whole. Default 1 MiB. */
  readonly maxSize?: number;
  /** Elements in all. Default 20,000. */
  readonly maxElements?: number;
  /** Whether every SET must be sorted as a SET OF is (X.690 11.6). Default false: some signers do not sort. */
  readonly sortedSets?: boolean;
}

/**
 * Reads one DER element that fills the bytes exactly, and all that is in it, by the strict rules of X.690:
 * definite and minimal lengths, minimal tags and INTEGERs, BOOLEAN 00 or FF, BIT STRING with zero padding,
 * well-formed OBJECT IDENTIFIERs, strings primitive, nothing behind the end.
 *
 * What is inside OCTET STRING and BIT STRING is not looked at; nor are types behind IMPLICIT tags.
 *
 * @throws CredentialError `DER_INVALID` with `position` (in bytes from 0), `rule` and `section`
 */
export function readDer(bytes: Uint8Array, limits: DerLimits = {}): DerNode {
  if (!(bytes instanceof Uint8Array)) throw new TypeError("readDer reads a Uint8Array");
  const { maxDepth = 32, maxSize = 1024 * 1024, maxElements = 20_000, sortedSets = false } = limits;
  if (bytes.length > maxSize) {
    throw derInvalid(0, "size", `${bytes.length} bytes are more than the ${maxSize} allowed`);
  }
  let elements = 0;

  const readElement = (start: number, limit: number, depth: number): DerNode => {
    if (depth > maxDepth) throw derInvalid(start, "depth", `elements are nested more than ${maxDepth} deep`);
    elements += 1;
    if (elements > maxElements) {
      throw derInvalid(start, "count", `there are more than ${maxElements} elements`);
    }
    const { identifier, tag, next } = readIdentifier(bytes, start, limit);
    const { contentStart, end } = readLength(bytes, next, limit);
    const constructed = (identifier & 0x20) !== 0;
    const tagClass = CLASSES[identifier >> 6] ?? "private";
    const children: DerNode[] = [];
    const node: DerNode = { identifier, tag, tagClass, constructed, start, contentStart, end, children };
    const problem = constructedProblem(node);
    if (problem !== undefined) throw derInvalid(start, "form", problem, "X.690 10.2");
    if (constructed) {
      for (let at = contentStart; at < end; ) {
        const child = readElement(at, end, depth + 1);
        children.push(child);
        at = child.end;
      }
      if (sortedSets) checkSetOrder(bytes, node);
    } else {
      checkPrimitive(bytes, node);
    }
    return node;
  };

  const root = readElement(0, bytes.length, 1);
  if (root.end !== bytes.length) {
    const extra = bytes.length - root.end;
    throw derInvalid(root.end, "trailing", `${extra} bytes follow the end of the element`);
  }
  return root;
}

const CLASSES: readonly DerTagClass[] = ["universal", "application", "context", "private"];

function readIdentifier(bytes: Uint8Array, start: number, limit: number) {
  const identifier = byteAt(bytes, start, limit);
  if ((identifier & 0x1f) !== 0x1f) return { identifier, tag: identifier & 0x1f, next: start + 1 };
  let tag = 0;
  for (let at = start + 1; at <= start + MAX_TAG_OCTETS; at += 1) {
    const octet = byteAt(bytes, at, limit);
    tag = (tag << 7) | (octet & 0x7f);
    if (tag === 0) break;
    if ((octet & 0x80) === 0) {
      if (tag < 31) break;
      return { identifier, tag, next: at + 1 };
    }
  }
  throw derInvalid(start, "tag", "the tag number is too large or not written minimally", "X.690 8.1.2.4");
}

const MAX_TAG_OCTETS = 3;

function readLength(bytes: Uint8Array, at: number, limit: number) {
  const first = byteAt(bytes, at, limit);
  let length = first;
  let contentStart = at + 1;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    if (octets === 0) throw derInvalid(at, "length", "the length is indefinite", "X.690 10.1");
    if (octets > 4) throw derInvalid(at, "length", `the length takes ${octets} octets`, "X.690 10.1");
    length = 0;
    for (let i = 0; i < octets; i += 1) length = length * 256 + byteAt(bytes, at + 1 + i, limit);
    contentStart += octets;
    if (length < 0x80 || length < 256 ** (octets - 1)) {
      throw derInvalid(at, "length", "the length is not written minimally", "X.690 10.1");
    }
  }
  const end = contentStart + length;
  if (end > limit) {
    throw derInvalid(at, "length", `${length} bytes of content, only ${limit - contentStart} are there`);
  }
  return { contentStart, end };
}

function byteAt(bytes: Uint8Array, at: number, limit: number): number {
  const octet = at < limit ? bytes[at] : undefined;
  if (octet === undefined) throw derInvalid(at, "truncated", "the text ends inside an element");
  return octet;
}
