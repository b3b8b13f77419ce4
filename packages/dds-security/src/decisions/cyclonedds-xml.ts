import type { SourceLocation, VerifiedDocument } from "@ddscred/core";
import { CredentialError } from "@ddscred/core";
import type { Located } from "../documents/walk.ts";
import type { XmlElement } from "../xml/element.ts";
import { readXml } from "../xml/reader.ts";
import { PeerRefusal } from "./peer-refusal.ts";

/**
 * Which elements Cyclone DDS takes below which, all names in lower case; of an element that holds a value, how it is
 * read, which throws where it cannot be.
 */
export type CycloneSchema = Readonly<
  Record<string, readonly string[] | ((element: CycloneElement) => unknown)>
>;

/** How it refuses a document. */
export interface CycloneRefusals {
  readonly title: string;
  /** Where the XML or its structure is not what it takes. */
  readonly code: number;
  readonly message: string;
}

/**
 * The XML of a document as Cyclone DDS takes it: names of elements in any case and in any order, of attributes only
 * those that its samples have. What it does not take is a {@link PeerRefusal} with its code.
 */
export function readCycloneXml(
  document: VerifiedDocument,
  options: { file?: string },
  schema: CycloneSchema,
  refusals: CycloneRefusals,
): CycloneElement {
  const start = { ...options, firstLine: document.contentLine };
  const refuse = (problem: string, location?: SourceLocation) =>
    new PeerRefusal("DOCUMENT_INVALID", `${refusals.message}: ${refusals.title}, ${problem}`, {
      peerCode: refusals.code,
      ...(location && { location }),
    });
  const [first, second, third] = document.content;
  if (first === 0xef && second === 0xbb && third === 0xbf) throw refuse("a byte order mark comes first");
  let root: XmlElement;
  try {
    root = readXml(document.content, { ...start, doctype: "plain" });
  } catch (error) {
    if (error instanceof CredentialError) throw refuse(error.message, error.location);
    throw error;
  }
  const checked = new CycloneElement(root, refuse);
  if (checked.name !== "dds") throw refuse(`the root is <${root.name.slice(0, 64)}>`, root.location);
  checked.check(schema);
  return checked;
}

/** One element, its children found by their names in lower case. */
export class CycloneElement {
  readonly name: string;
  readonly location: SourceLocation;
  readonly #element: XmlElement;
  readonly #refuse: (problem: string, location?: SourceLocation) => PeerRefusal;

  constructor(element: XmlElement, refuse: (problem: string, location?: SourceLocation) => PeerRefusal) {
    this.name = element.name.toLowerCase();
    this.location = element.location;
    this.#element = element;
    this.#refuse = refuse;
  }

  /** The children of these names, in their order. */
  all(...names: readonly string[]): CycloneElement[] {
    return this.#children().filter(({ name }) => names.includes(name));
  }

  /** Of several the last counts. */
  last(name: string): CycloneElement | undefined {
    return this.#children().findLast((child) => child.name === name);
  }

  /** Undefined where it is empty. */
  text(): Located<string> | undefined {
    const { text, textLocation } = this.#element;
    return text === "" ? undefined : { value: text, location: textLocation };
  }

  invalid(problem: string): PeerRefusal {
    return this.#refuse(`<${this.name}>: ${problem}`, this.location);
  }

  /** @throws PeerRefusal where the schema does not have what stands here */
  check(schema: CycloneSchema): void {
    for (const { name, location } of this.#element.attributes) {
      const known = /^xmlns:xsi$|^xsi:noNamespaceSchemaLocation$/i.test(name);
      const isName = name === "name" && this.name === "grant";
      if (!known && !isName) throw this.#refuse(`attribute ${name.slice(0, 64)} is not known`, location);
    }
    const allowed = schema[this.name] ?? [];
    const isValue = typeof allowed === "function";
    if (!isValue && this.#element.text !== "") throw this.invalid("text does not belong here");
    for (const child of this.#children()) {
      if (IGNORED.has(child.name) && schema["grant"] !== undefined) continue;
      if (isValue || !allowed.includes(child.name)) {
        throw child.invalid(`it does not belong into <${this.name}>`);
      }
      child.check(schema);
    }
    if (isValue) allowed(this);
  }

  #children(): CycloneElement[] {
    return this.#element.children.map((child) => new CycloneElement(child, this.#refuse));
  }
}

/** Passed over in permissions, wherever they stand, with all that they hold. */
const IGNORED = new Set(["relay", "data_tags", "tag", "name", "value"]);
