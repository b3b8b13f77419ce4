import { type DistinguishedName, formatName } from "@ddscred/core";

/**
 * Whether Cyclone DDS takes a grant for a subject: both are texts that are cut at `,`, `/` and `|` and then at the
 * first `=`. Each part of the certificate's must be in the grant's; the first of a name counts, in any order, and
 * the grant may have others. It knows no escapes, so that neither do we here.
 */
export function cycloneSubjectMatches(written: string, subject: DistinguishedName): boolean {
  const grant = cut(written);
  if (grant.length > MAX_PARTS) return false;
  const first = new Map(grant.toReversed());
  return cut(formatName(subject, { ascii: true })).every(([name, value]) => first.get(name) === value);
}

function cut(text: string): (readonly [string, string])[] {
  const trim = (piece: string) => piece.replace(/^ +/, "").replace(/ +$/, "");
  return text
    .split(/[,/|]/)
    .filter((piece) => piece !== "")
    .map((piece) => {
      const at = piece.indexOf("=");
      return at < 0 ? [trim(piece), ""] : [trim(piece.slice(0, at)), trim(piece.slice(at + 1))];
    });
}

const MAX_PARTS = 20;
