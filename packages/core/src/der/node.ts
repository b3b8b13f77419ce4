/**
 * One element of a DER text (X.690 8.1.1). It holds positions only; the bytes stay where they are, and
 * helpers such as {@link derContent} take both.
 */
export interface DerNode {
  /** The first identifier octet: class, constructed bit and number; compare it with {@link DerTag}. */
  readonly identifier: number;
  /** Tag number, without class: 16 for SEQUENCE. */
  readonly tag: number;
  readonly tagClass: DerTagClass;
  readonly constructed: boolean;
  /** Offset of the first identifier octet. */
  readonly start: number;
  readonly contentStart: number;
  /** Offset behind the last content octet. */
  readonly end: number;
  /** Elements of a constructed encoding; empty for a primitive one. */
  readonly children: readonly DerNode[];
}

export type DerTagClass = "universal" | "application" | "context" | "private";

/** Identifier octets of the universal types, as DER writes them (X.680 8.4). */
export const DerTag = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OBJECT_IDENTIFIER: 0x06,
  ENUMERATED: 0x0a,
  UTF8_STRING: 0x0c,
  NUMERIC_STRING: 0x12,
  PRINTABLE_STRING: 0x13,
  TELETEX_STRING: 0x14,
  IA5_STRING: 0x16,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  VISIBLE_STRING: 0x1a,
  UNIVERSAL_STRING: 0x1c,
  BMP_STRING: 0x1e,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;

/** Identifier octet of a context-specific tag: `[number]`, explicit or of a constructed type by default. */
export function contextTag(number: number, form: "constructed" | "primitive" = "constructed"): number {
  return (form === "constructed" ? 0xa0 : 0x80) | number;
}

/** The content octets; a view, no copy. */
export function derContent(bytes: Uint8Array, node: DerNode): Uint8Array {
  return bytes.subarray(node.contentStart, node.end);
}

/** The whole element with its identifier and length; a view, no copy. */
export function derElement(bytes: Uint8Array, node: DerNode): Uint8Array {
  return bytes.subarray(node.start, node.end);
}
