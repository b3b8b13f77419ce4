import { attributeType } from "./attribute-types.ts";
import type { NameTextAttribute } from "./name-text.ts";
import { nameInvalid, ValueText } from "./name-text-value.ts";

/** The RDNs of the slash form from the position of its first slash; `+` joins the attributes of one RDN. */
export function readSlash(text: string, start: number): NameTextAttribute[][] {
  const rdns: NameTextAttribute[][] = [];
  for (let at = start; at < text.length; ) {
    const separator = slashSeparator(text, at);
    if (separator === undefined) {
      throw nameInvalid(at, "a known attribute type and = are expected behind the slash, such as /CN=");
    }
    const value = new ValueText();
    let position = separator.next;
    while (position < text.length && slashSeparator(text, position) === undefined) {
      position =
        text[position] === "\\" ? readSlashEscape(text, position, value) : value.plain(text, position);
    }
    const attribute = { type: separator.type, value: value.finish(at) };
    if (text[at] === "/") rdns.push([attribute]);
    else rdns.at(-1)?.push(attribute);
    at = position;
  }
  return rdns;
}

/** `/TYPE=` or `+TYPE=` of a known type. */
function slashSeparator(text: string, at: number): { type: string; next: number } | undefined {
  if (text[at] !== "/" && text[at] !== "+") return undefined;
  const found = /^\s*([a-z0-9.-]+)\s*=/i.exec(text.slice(at + 1, at + 160));
  const type = found?.[1] === undefined ? undefined : attributeType(found[1]);
  return found && type !== undefined ? { type, next: at + 1 + found[0].length } : undefined;
}

/** `\x41`, `\/` and `\+`; OpenSSL writes any other backslash as it is. */
function readSlashEscape(text: string, at: number, value: ValueText): number {
  const pair = /^x([0-9a-f]{2})/i.exec(text.slice(at + 1, at + 4))?.[1];
  if (pair !== undefined) return value.octet(parseInt(pair, 16), at + 4);
  const separator = text[at + 1] === "/" || text[at + 1] === "+";
  return separator ? value.significant(text, at + 1) : value.plain(text, at);
}
