import { CredentialError, type SourceLocation, utf8Text, type VerifiedDocument } from "@ddscred/core";
import type { Located } from "../documents/walk.ts";
import type { XmlElement } from "../xml/element.ts";
import { readXml } from "../xml/reader.ts";
import { PeerRefusal } from "./peer-refusal.ts";

/** The root of a document as Fast DDS takes it: `<dds>`, names in this case, attributes not looked at. */
export function readFastXml(
  document: VerifiedDocument,
  options: { file?: string },
  title: "governance" | "permissions",
): FastElement {
  const refuse = (problem: string, location?: SourceLocation) =>
    new PeerRefusal(
      "DOCUMENT_INVALID",
      `Malformed ${title} file ${options.file ?? ""}: ${problem}`,
      location === undefined ? {} : { location },
    );
  let root: XmlElement;
  try {
    const text = utf8Text(document.content);
    const place = { ...options, firstLine: document.contentLine, doctype: "plain" as const };
    root = readXml(text?.includes("<!DOCTYPE") === true ? withoutEntities(text) : document.content, place);
  } catch (error) {
    if (error instanceof CredentialError) throw refuse(error.message, error.location);
    throw error;
  }
  if (root.name !== "dds") throw refuse(`expected <dds>, found <${root.name.slice(0, 64)}>`, root.location);
  return new FastElement(root, refuse);
}

/**
 * The parser of Fast DDS passes over a DOCTYPE, whatever it declares, and keeps references that XML itself does not
 * define as they stand. Nothing is ever expanded.
 */
function withoutEntities(text: string): string {
  return text
    .replace(/<!DOCTYPE[^[>]*(?:\[[^\]]*\]\s*)?>/, (doctype) => doctype.replace(/[^\n]/g, " "))
    .replace(/&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,8}|#x[0-9a-fA-F]{1,8});)/g, "&amp;");
}

/** One element, whose children are taken in their order. */
export class FastElement {
  readonly name: string;
  readonly location: SourceLocation;
  readonly #element: XmlElement;
  readonly #refuse: (problem: string, location?: SourceLocation) => PeerRefusal;
  #next = 0;

  constructor(element: XmlElement, refuse: (problem: string, location?: SourceLocation) => PeerRefusal) {
    this.name = element.name;
    this.location = element.location;
    this.#element = element;
    this.#refuse = refuse;
  }

  /** The next child, which must have this name. */
  take(name: string): FastElement {
    const child = this.next();
    if (child?.name === name) return child;
    throw this.invalid(`expected <${name}>, found ${found(child)}`);
  }

  /** The next child, whatever it is. */
  next(): FastElement | undefined {
    const child = this.#element.children[this.#next++];
    return child && new FastElement(child, this.#refuse);
  }

  /** All further children. */
  rest(): FastElement[] {
    const children = this.#element.children.slice(this.#next);
    this.#next = this.#element.children.length;
    return children.map((child) => new FastElement(child, this.#refuse));
  }

  /** All further children, at least one, which must all have this name. */
  some(name: string): FastElement[] {
    const children = this.rest();
    const other = children.find((child) => child.name !== name);
    if (other !== undefined || children.length === 0) {
      throw this.invalid(`expected <${name}>, found ${found(other)}`);
    }
    return children;
  }

  end(): void {
    const child = this.next();
    if (child !== undefined) throw this.invalid(`nothing may follow, found ${found(child)}`);
  }

  /** With its blanks; undefined where there is none. */
  text(): Located<string> | undefined {
    const { untrimmed: value, textLocation: location } = this.#element;
    return value === "" ? undefined : { value, location };
  }

  filledText(): Located<string> {
    const text = this.text();
    if (text === undefined) throw this.invalid("it is empty");
    return text;
  }

  hasAttribute(name: string): boolean {
    return this.#element.attributes.some((attribute) => attribute.name === name);
  }

  get isLeaf(): boolean {
    return this.#element.children.length === 0;
  }

  invalid(problem: string): PeerRefusal {
    return this.#refuse(`<${this.name.slice(0, 64)}>: ${problem}`, this.location);
  }
}

const found = (child: FastElement | undefined): string =>
  child === undefined ? "nothing" : `<${child.name.slice(0, 64)}>`;
