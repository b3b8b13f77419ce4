import type { ErrorCode } from "../errors/codes.ts";
import { CredentialError } from "../errors/credential-error.ts";
import type { DerNode } from "./node.ts";

/** What is being decoded: the code of its errors, and how to call it in them. */
export interface DerContext {
  readonly code: ErrorCode;
  /** Such as `the certificate`, or `extension keyUsage`. */
  readonly what: string;
}

/** The error of a part that has not the ASN.1 type it should have. */
export function malformed(context: DerContext, node: DerNode, problem: string): CredentialError {
  return new CredentialError(context.code, `${context.what} is malformed at byte ${node.start}: ${problem}`, {
    position: node.start,
  });
}

/**
 * Walks the fields of a SEQUENCE in their order. Types are given as identifier octets ({@link DerTag});
 * a field that is missing, of another type, or left over at the end is an error of the context's code.
 */
export class DerFields {
  readonly #node: DerNode;
  readonly #context: DerContext;
  #index = 0;

  constructor(node: DerNode, context: DerContext, identifier = 0x30) {
    if (node.identifier !== identifier) throw malformed(context, node, "another type was expected");
    this.#node = node;
    this.#context = context;
  }

  /** The next field, which must be there and have one of these types; any type if none is given. */
  required(name: string, ...identifiers: readonly number[]): DerNode {
    const field = this.#node.children[this.#index];
    if (field === undefined) throw malformed(this.#context, this.#node, `${name} is missing`);
    if (identifiers.length > 0 && !identifiers.includes(field.identifier)) {
      throw malformed(this.#context, field, `${name} is missing or of another type`);
    }
    this.#index += 1;
    return field;
  }

  /** The next field if it has one of these types. */
  optional(...identifiers: readonly number[]): DerNode | undefined {
    const field = this.#node.children[this.#index];
    if (field === undefined || !identifiers.includes(field.identifier)) return undefined;
    this.#index += 1;
    return field;
  }

  /** Nothing may be left. */
  end(): void {
    const field = this.#node.children[this.#index];
    if (field !== undefined) throw malformed(this.#context, field, "an unexpected field follows");
  }
}
