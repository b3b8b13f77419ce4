import { DerTag } from "../der/node.ts";
import { DOMAIN_COMPONENT } from "./attribute-types.ts";
import { type DistinguishedName, isString, type NameAttribute } from "./name.ts";
import type { NameText, NameTextAttribute } from "./name-text.ts";

/**
 * Whether two names are the same by RFC 5280 7.1: the same RDNs in the same order, the attributes of an RDN
 * in any order. Strings compare without case and with blanks compressed, whatever their types: if types counted, a name
 * that a CA excludes could be had in another one. Other values compare by their bytes.
 */
export function namesEqual(a: DistinguishedName, b: DistinguishedName): boolean {
  return a.rdns.length === b.rdns.length && nameKey(a) === nameKey(b);
}

/** A text that two names share exactly if they are equal: the key of an index by name. */
export function nameKey(name: DistinguishedName): string {
  let key = keys.get(name);
  if (key === undefined) {
    key = JSON.stringify(rdnKeys(name));
    keys.set(name, key);
  }
  return key;
}

/** A text for each RDN in encoded order, the same exactly for RDNs that are equal. */
export function rdnKeys(name: DistinguishedName): readonly string[] {
  return name.rdns.map((rdn) => JSON.stringify(rdn.map(attributeKey).sort()));
}

/**
 * Whether a name is the one that a person wrote: the same RDNs in the same order. A text in RFC 4514 form may
 * be written either way round (OpenSSL's own one-line form is most significant first); slash form is always
 * in encoded order.
 */
export function subjectMatches(name: DistinguishedName, text: NameText): boolean {
  if (sameRdns(name, text.rdns)) return true;
  return text.form === "rfc4514" && sameRdns(name, text.rdns.toReversed());
}

const keys = new WeakMap<DistinguishedName, string>();

function attributeKey(attribute: NameAttribute): string {
  const { type, value } = attribute;
  return isString(attribute) ? `${type}=${prepare(value)}` : `${type}${value}`;
}

/** Whether a text that a person wrote need not be in the same case. */
function ignoresCase(attribute: NameAttribute): boolean {
  const tag = attribute.der[0];
  if (tag === DerTag.IA5_STRING) return attribute.type === DOMAIN_COMPONENT;
  return tag === DerTag.UTF8_STRING || tag === DerTag.PRINTABLE_STRING;
}

/**
 * String preparation of RFC 4518 section 2, by JavaScript's own tables. A text with more combining marks in a row than
 * any language writes stays as it is: bringing them into order takes time with the square of their number.
 */
function prepare(value: string): string {
  const text = value.replace(/\p{Default_Ignorable_Code_Point}/gu, "");
  if (MANY_MARKS.test(text)) return text;
  return text
    .normalize("NFKC")
    .toUpperCase()
    .toLowerCase()
    .normalize("NFKC")
    .split(/[\s\u0085]+/u)
    .filter((word) => word !== "")
    .join(" ");
}

/** Beyond the limit of UAX #15 section 13; U+FF9E and U+FF9F become marks. */
const MANY_MARKS = /[\p{M}\uff9e\uff9f]{31}/u;

function sameRdns(name: DistinguishedName, written: NameText["rdns"]): boolean {
  return (
    name.rdns.length === written.length &&
    name.rdns.every((rdn, index) => sameAttributes(rdn, written[index] ?? []))
  );
}

function sameAttributes(rdn: readonly NameAttribute[], written: readonly NameTextAttribute[]): boolean {
  if (rdn.length !== written.length) return false;
  const theirs = sortByKey(written);
  return sortByKey(rdn).every(({ key, attribute }, index) => {
    const other = theirs[index];
    if (other === undefined || key !== other.key) return false;
    return ignoresCase(attribute) || attribute.value === other.attribute.value;
  });
}

function sortByKey<T extends NameTextAttribute>(attributes: readonly T[]): { key: string; attribute: T }[] {
  const keyed = attributes.map((attribute) => ({
    key: `${attribute.type}=${prepare(attribute.value)}`,
    attribute,
  }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}
