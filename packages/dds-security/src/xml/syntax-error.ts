/** What is wrong with the XML, in words of ours, and which place to show. */
interface SyntaxError {
  readonly message: string;
  readonly hint?: string;
  readonly place: "here" | "ampersand" | "tag" | "data" | "open element";
}

/**
 * @param reported what the XML parser said, behind its own `line:column: `
 * @param names of the innermost element that is open, and of the one closed last
 */
export function explainSyntaxError(
  reported: string,
  names: { open: string | undefined; closed: string | undefined },
): SyntaxError {
  const said = reported.replace(/^\d+:\d+: /, "").replace(/\.$/, "");
  if (/entity/.test(said)) return { ...AMPERSAND, place: "ampersand" };
  if (/^(?:unclosed tag|unexpected end)/.test(said)) {
    return { message: `${tag(names.open)} is not closed: the text ends within it`, place: "open element" };
  }
  if (/close tag|closing tag:/.test(said)) {
    return { message: `this end tag does not close ${tag(names.closed)}, which is open here`, place: "here" };
  }
  if (said.startsWith("duplicate attribute")) {
    return { message: `${tag(names.open)} has an attribute twice`, place: "here" };
  }
  if (said.startsWith("text data outside")) {
    return { message: "there is text outside the root element", place: "data" };
  }
  if (said.startsWith("documents may contain"))
    return { message: "there is a second root element", place: "tag" };
  return { message: SENTENCES[said] ?? `the XML is not well-formed: ${said.slice(0, 80)}`, place: "here" };
}

/** An `&` from `start` on that begins no reference, as in a URI that was pasted unescaped. */
export function ofBareAmpersand(
  text: string,
  start: number,
): { message: string; hint: string; offset: number } | undefined {
  BARE.lastIndex = start;
  const offset = BARE.exec(text)?.index;
  return offset === undefined ? undefined : { ...AMPERSAND, offset };
}

const tag = (name: string | undefined): string => (name === undefined ? "the document" : `<${clip(name)}>`);
const clip = (name: string): string => (name.length > 64 ? `${name.slice(0, 64)}...` : name);

const AMPERSAND = {
  message: "an & begins no reference that XML knows",
  hint: "Write &amp; for &, also within URIs.",
};
const BARE = /&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,8}|#x[0-9a-fA-F]{1,8});)/g;

const SENTENCES: Readonly<Record<string, string>> = {
  "document must contain a root element": "the XML has no element",
  "disallowed character": "this character may not stand here in XML",
  "disallowed character in tag name": "this is no name of an element; a plain < is written &lt;",
  "unquoted attribute value": "the value of an attribute must stand in quotes",
  "attribute without value": "an attribute has no value",
  "malformed comment": "a comment may not contain --",
  "an XML declaration must be at the start of the document":
    "the XML declaration must be the very first text",
};
