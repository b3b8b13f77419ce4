import { CredentialError, type SourceLocation } from "@ddscred/core";
import { SaxesParser } from "saxes";
import { decodeXml } from "./decode.ts";
import { firstInk, trimXml, type XmlAttribute, type XmlElement } from "./element.ts";
import { PositionCursor } from "./position.ts";
import { explainSyntaxError, ofBareAmpersand } from "./syntax-error.ts";

export interface XmlOptions {
  /** Named in every location. */
  readonly file?: string;
  /** The line of the file on which the text begins. Default 1. */
  readonly firstLine?: number;
  /** `plain` passes over a DOCTYPE that has no internal subset. Default `refused`. */
  readonly doctype?: "refused" | "plain";
}

/** What a document may have at most. Far above any real one, far below what hurts. */
export const xmlLimits = {
  /** Bytes, or characters of a text. */
  size: 16 * 1024 * 1024,
  depth: 64,
  elements: 200_000,
  attributesOfOneElement: 64,
} as const;

/**
 * The root element of an XML 1.0 document. References are resolved for the five predefined entities and for
 * characters only; nothing is ever loaded.
 *
 * @throws CredentialError XML_INVALID with location: ill-formed, a limit exceeded, a DOCTYPE, an encoding that
 * is not read
 */
export function readXml(input: string | Uint8Array, options: XmlOptions = {}): XmlElement {
  const start = locationOf(options.file, options.firstLine ?? 1);
  if (input.length > xmlLimits.size) {
    throw invalid(`the XML is larger than ${xmlLimits.size} bytes`, start);
  }
  const text = typeof input === "string" ? input.replace(/^\uFEFF/, "") : decodeXml(input, start);
  return new TreeBuilder(text, options).build();
}

/** An element while its children still come in. */
interface OpenElement extends Omit<XmlElement, "text"> {
  readonly offset: number;
  readonly attributes: XmlAttribute[];
  readonly children: XmlElement[];
  untrimmed: string;
  textLocation: SourceLocation;
}

class TreeBuilder {
  readonly #text: string;
  readonly #cursor: PositionCursor;
  readonly #parser = new SaxesParser({ position: true });
  readonly #plainDoctype: boolean;
  readonly #open: OpenElement[] = [];
  #root: XmlElement | undefined;
  #closed: XmlElement | undefined;
  #elements = 0;
  /** Offset after the last markup: where the next character data begins. */
  #dataStart = 0;

  constructor(text: string, options: XmlOptions) {
    this.#text = text;
    this.#cursor = new PositionCursor(text, options.file, options.firstLine ?? 1);
    this.#plainDoctype = options.doctype === "plain";
  }

  build(): XmlElement {
    const parser = this.#parser;
    // A table without prototype: otherwise names such as &constructor; would be found in it.
    parser.ENTITIES = Object.assign(Object.create(null), PREDEFINED) as Record<string, string>;
    parser.on("error", (error) => this.#fail(error.message));
    parser.on("doctype", (content) => this.#doctype(content));
    parser.on("opentagstart", (tag) => this.#start(tag.name));
    parser.on("attribute", (attribute) => this.#attribute(attribute.name, attribute.value));
    parser.on("opentag", () => this.#markupEnded(0));
    parser.on("closetag", () => this.#end());
    parser.on("text", (data) => this.#data(data, this.#dataStart));
    parser.on("cdata", (data) => this.#cdata(data));
    // Told when its second hyphen is read: the ">" is still to come.
    parser.on("comment", () => this.#markupEnded(1));
    parser.on("processinginstruction", () => this.#markupEnded(0));
    parser.write(this.#text).close();
    if (this.#root === undefined) throw invalid("the XML has no element", this.#cursor.at(0));
    return this.#root;
  }

  #start(name: string): void {
    const offset = this.#text.lastIndexOf("<", this.#parser.position - 1);
    const location = this.#cursor.at(offset);
    if (++this.#elements > xmlLimits.elements) {
      throw invalid(`the XML has more than ${xmlLimits.elements} elements`, location);
    }
    if (this.#open.length >= xmlLimits.depth) {
      throw invalid(`the XML is nested deeper than ${xmlLimits.depth} elements`, location);
    }
    this.#open.push({
      name,
      location,
      offset,
      attributes: [],
      children: [],
      untrimmed: "",
      textLocation: location,
    });
  }

  #attribute(name: string, written: string): void {
    const attributes = this.#open.at(-1)?.attributes;
    // The value stands between the quote just read and the same quote before it.
    const end = this.#parser.position - 1;
    const start = this.#text.lastIndexOf(this.#text.charAt(end), end - 1) + 1;
    const location = this.#cursor.at(firstInk(this.#text, start));
    if (attributes === undefined || attributes.length >= xmlLimits.attributesOfOneElement) {
      throw invalid(
        `an element has more than ${xmlLimits.attributesOfOneElement} attributes`,
        this.#cursor.at(start),
      );
    }
    attributes.push({ name, value: trimXml(written), location });
  }

  /** @param ahead how many characters of the markup are still unread */
  #markupEnded(ahead: number): void {
    this.#dataStart = this.#parser.position + ahead;
  }

  #cdata(data: string): void {
    const opening = "<![CDATA[";
    this.#data(data, this.#text.lastIndexOf(opening, this.#parser.position) + opening.length);
    this.#markupEnded(0);
  }

  #data(data: string, offset: number): void {
    const element = this.#open.at(-1);
    if (element === undefined) return;
    if (element.untrimmed === "") {
      if (firstInk(data, 0) === data.length) return;
      element.textLocation = this.#cursor.at(firstInk(this.#text, offset));
    }
    element.untrimmed += data;
  }

  #end(): void {
    const element = this.#open.pop();
    if (element === undefined) return;
    const { name, location, attributes, children, untrimmed, textLocation } = element;
    const done = { name, location, attributes, children, text: trimXml(untrimmed), untrimmed, textLocation };
    this.#closed = done;
    const parent = this.#open.at(-1);
    if (parent === undefined) this.#root = done;
    else parent.children.push(done);
    this.#markupEnded(0);
  }

  #doctype(content: string): void {
    if (this.#plainDoctype && !content.includes("[")) return;
    const at = this.#text.lastIndexOf("<!DOCTYPE", this.#parser.position);
    throw invalid("a DOCTYPE is not allowed here", this.#cursor.at(at), "Remove the DOCTYPE.");
  }

  #fail(reported: string): never {
    const innermost = this.#open.at(-1);
    // An end tag that does not fit is only told after the element was closed.
    const names = { open: innermost?.name, closed: this.#closed?.name };
    const { message, hint, place } = explainSyntaxError(reported, names);
    // What the parser read last is at fault, but for mistakes that it only notices later.
    let offset = Math.max(this.#parser.position - 1, 0);
    if (place === "ampersand") offset = this.#text.lastIndexOf("&", offset);
    if (place === "tag") offset = this.#text.lastIndexOf("<", offset);
    if (place === "data") offset = Math.min(firstInk(this.#text, this.#dataStart), offset);
    if (place === "open element" && innermost !== undefined) {
      const bare = ofBareAmpersand(this.#text, innermost.offset);
      if (bare !== undefined) throw invalid(bare.message, this.#cursor.at(bare.offset), bare.hint);
      offset = innermost.offset;
    }
    throw invalid(message, this.#cursor.at(Math.max(offset, 0)), hint);
  }
}

const PREDEFINED = { amp: "&", gt: ">", lt: "<", quot: '"', apos: "'" };

const locationOf = (file: string | undefined, line: number): SourceLocation =>
  file === undefined ? { line, column: 1 } : { file, line, column: 1 };

const invalid = (message: string, location: SourceLocation, hint?: string): CredentialError =>
  new CredentialError("XML_INVALID", message, { location, ...(hint === undefined ? {} : { hint }) });
