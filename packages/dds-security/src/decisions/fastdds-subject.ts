/**
 * Whether Fast DDS takes two names for the same: texts by RFC 2253, cut at commas outside quotes, in any order. Quotes
 * and backslashes do not count when values are compared, blanks at their ends neither.
 */
export function fastNamesEqual(one: string, other: string): boolean {
  const [a, b] = [cut(one), cut(other)];
  const first = new Map(b.toReversed());
  return a.length === b.length && a.every(([type, value]) => first.get(type) === value);
}

/** Up to the first piece that is no attribute. */
function cut(name: string): (readonly [string, string])[] {
  const attributes: (readonly [string, string])[] = [];
  for (let rest = name.replace(/^ +/, ""); rest !== "" && attributes.length < MAX_ATTRIBUTES; ) {
    const equals = indexOutside(rest, "=");
    if (equals < 0) break;
    const value = rest.slice(equals + 1);
    const comma = indexOutside(value, ",");
    attributes.push([plain(rest.slice(0, equals)), plain(comma < 0 ? value : value.slice(0, comma))]);
    if (comma < 0) break;
    rest = value.slice(comma + 1).replace(/^ +/, "");
  }
  return attributes;
}

/** The place of a character outside quotes and not behind a backslash. */
function indexOutside(text: string, wanted: string): number {
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (!quoted && character === wanted) return at;
    if (character === '"') quoted = !quoted;
    else if (character === "\\") at++;
  }
  return -1;
}

const plain = (text: string): string => text.replace(/^ +/, "").replace(/ +$/, "").replace(/[\\"]/g, "");

const MAX_ATTRIBUTES = 20;
