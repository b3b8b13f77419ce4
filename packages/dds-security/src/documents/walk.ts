import { CredentialError, type SourceLocation } from "@ddscred/core";
import type { XmlAttribute, XmlElement } from "../xml/element.ts";

/** A value of a document with the place where it stands. */
export interface Located<T> {
  readonly value: T;
  readonly location: SourceLocation;
}

/** An element that DDS-Security does not define and that says of itself that it may be ignored. */
export interface DocumentExtension {
  readonly name: string;
  readonly location: SourceLocation;
}

/**
 * Walks one document in the order of its schema. Each step takes what the schema demands next; everything
 * else, also an attribute too many, is DOCUMENT_INVALID with the element's path and place.
 *
 * Extensions follow DDS-Security 1.2 10.4.1.3 and 10.4.1.6: an element unknown to the schema is passed over
 * where it has must_interpret="false", an unknown attribute where its element has it.
 */
export class ElementWalker {
  readonly element: XmlElement;
  readonly #parent: ElementWalker | undefined;
  readonly #document: DocumentKind;
  #next = 0;

  private constructor(element: XmlElement, parent: ElementWalker | undefined, document: DocumentKind) {
    this.element = element;
    this.#parent = parent;
    this.#document = document;
  }

  /** Begins at the root, which must be `<dds>`. */
  static root(element: XmlElement, document: DocumentKind): ElementWalker {
    const walker = new ElementWalker(element, undefined, document);
    if (element.name !== "dds") throw walker.invalid(`expected <dds> as the root, found <${element.name}>`);
    return walker.#opened([]);
  }

  get location(): SourceLocation {
    return this.element.location;
  }

  /** The next child, which must have one of these names. */
  take(...names: readonly string[]): ElementWalker {
    const child = this.#peek();
    if (child !== undefined && names.includes(child.name)) return this.#enter(child);
    const expected = names.map((name) => `<${name}>`).join(" or ");
    if (child === undefined) throw this.invalid(`${expected} is missing`);
    throw this.#unexpected(child, `expected ${expected}`);
  }

  /** The next child if it has one of these names. */
  optional(...names: readonly string[]): ElementWalker | undefined {
    const child = this.#peek();
    return child !== undefined && names.includes(child.name) ? this.#enter(child) : undefined;
  }

  /** All next children that have one of these names. */
  many(...names: readonly string[]): ElementWalker[] {
    const found: ElementWalker[] = [];
    for (let child = this.optional(...names); child !== undefined; child = this.optional(...names)) {
      found.push(child);
    }
    return found;
  }

  /** {@link many}, and at least one. */
  some(...names: readonly string[]): ElementWalker[] {
    return [this.take(...names), ...this.many(...names)];
  }

  /** That nothing but this was in the element: no further child, no text. */
  end(): void {
    const child = this.#peek();
    if (child !== undefined) throw this.#unexpected(child, this.#nothingMore());
    if (this.element.text !== "") {
      throw this.invalid("there is text where only elements belong", this.element.textLocation);
    }
  }

  /** The text of an element that holds nothing else, blanks at both ends removed. */
  text(): Located<string> {
    const child = this.element.children[0];
    if (child !== undefined) throw this.#unexpected(child, "only text belongs here");
    return { value: this.element.text, location: this.element.textLocation };
  }

  /** {@link text}, which must not be empty. */
  filledText(): Located<string> {
    const text = this.text();
    if (text.value === "") throw this.invalid("the element is empty");
    return text;
  }

  attribute(name: string): XmlAttribute | undefined {
    return this.element.attributes.find((attribute) => attribute.name === name);
  }

  invalid(problem: string, location: SourceLocation = this.location): CredentialError {
    const message = `${this.#document.title}, ${this.#path()}: ${problem}`;
    return new CredentialError("DOCUMENT_INVALID", message, { location, section: this.#document.section });
  }

  #enter(child: XmlElement): ElementWalker {
    this.#next++;
    return new ElementWalker(child, this, this.#document).#opened(
      this.#document.attributes[child.name] ?? [],
    );
  }

  /** Checks the attributes: those of the schema, namespace declarations and hints of where the schema is. */
  #opened(allowed: readonly string[]): this {
    const ignored = !mustInterpret(this);
    for (const { name, location } of this.element.attributes) {
      if (ignored || allowed.includes(name) || NEUTRAL_ATTRIBUTE.test(name)) continue;
      throw this.invalid(`attribute ${name.slice(0, 64)} does not belong here`, location);
    }
    return this;
  }

  /** The next child that counts. */
  #peek(): XmlElement | undefined {
    for (let child = this.#child(); child !== undefined; child = this.#child()) {
      if (this.#document.elements.has(child.name)) return child;
      const extension = new ElementWalker(child, this, this.#document);
      if (mustInterpret(extension)) return child;
      this.#document.extensions.push({ name: child.name, location: child.location });
      this.#next++;
    }
    return undefined;
  }

  #child(): XmlElement | undefined {
    return this.element.children[this.#next];
  }

  #nothingMore(): string {
    const last = this.element.children[this.#next - 1];
    return last === undefined
      ? "nothing belongs here"
      : `nothing may follow <${last.name.slice(0, 64)}> here`;
  }

  #unexpected(child: XmlElement, expected: string): CredentialError {
    const name = child.name.slice(0, 64);
    const before = this.element.children.slice(0, this.#next).some((other) => other.name === child.name);
    const found = this.#document.elements.has(child.name)
      ? `found <${name}>${before ? " again" : ""}`
      : `found <${name}>, which DDS-Security does not define`;
    return this.invalid(`${expected}, ${found}`, child.location);
  }

  #path(): string {
    const { name } = this.element;
    const parent = this.#parent;
    if (parent === undefined) return name.slice(0, 64);
    const alike = parent.element.children.filter((child) => child.name === name);
    const index = alike.length > 1 ? `[${alike.indexOf(this.element) + 1}]` : "";
    return `${parent.#path()}/${name.slice(0, 64)}${index}`;
  }
}

/** What differs between the two documents. */
export interface DocumentKind {
  /** How a message calls it. */
  readonly title: string;
  /** Section of DDS-Security 1.2 that holds its schema. */
  readonly section: string;
  /** Every element of the schema: any other is an extension. */
  readonly elements: ReadonlySet<string>;
  /** Attributes of the schema, by element. */
  readonly attributes: Readonly<Record<string, readonly string[]>>;
  /** Filled while walking. */
  readonly extensions: DocumentExtension[];
}

function mustInterpret(walker: ElementWalker): boolean {
  const attribute = walker.attribute("must_interpret");
  switch (attribute?.value) {
    case undefined:
    case "true":
    case "TRUE":
      return true;
    case "false":
    case "FALSE":
      return false;
    default:
      throw walker.invalid("must_interpret is true or false", attribute?.location);
  }
}

const NEUTRAL_ATTRIBUTE = /^(?:must_interpret|xmlns:[^:]+|xsi:schemaLocation|xsi:noNamespaceSchemaLocation)$/;
