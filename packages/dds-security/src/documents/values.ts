import type { ElementWalker, Located } from "./walk.ts";

/** Protection of messages and submessages (DDS-Security 10.4.1.2.2). */
export type ProtectionKind = (typeof protectionKinds)[number];
/** Protection without origin authentication (10.4.1.2.1). */
export type BasicProtectionKind = (typeof basicProtectionKinds)[number];

export const basicProtectionKinds = ["NONE", "SIGN", "ENCRYPT"] as const;
export const protectionKinds = [
  ...basicProtectionKinds,
  "SIGN_WITH_ORIGIN_AUTHENTICATION",
  "ENCRYPT_WITH_ORIGIN_AUTHENTICATION",
] as const;

/**
 * xs:boolean, and TRUE and FALSE: the prose of DDS-Security calls the values so, and all implementations take
 * them.
 */
export function readBoolean(walker: ElementWalker): Located<boolean> {
  const { value, location } = walker.filledText();
  if (/^(?:true|1|TRUE)$/.test(value)) return { value: true, location };
  if (/^(?:false|0|FALSE)$/.test(value)) return { value: false, location };
  const others = /^(?:true|false)$/i.test(value) ? "; Cyclone DDS reads it in any case of letters" : "";
  throw walker.invalid(`expected true or false, found ${quote(value)}${others}`, location);
}

/** One of the words of an enumeration, in exactly this case. */
export function readWord<Word extends string>(walker: ElementWalker, words: readonly Word[]): Located<Word> {
  const { value, location } = walker.filledText();
  const word = words.find((candidate) => candidate === value);
  if (word !== undefined) return { value: word, location };
  throw walker.invalid(`expected ${words.join(", ")}, found ${quote(value)}`, location);
}

/**
 * A domain id: xs:nonNegativeInteger, always decimal, and no more than DDS can have (32 bits). The ids above
 * 232 have no ports of their own in RTPS; the schema allows them all the same.
 */
export function readDomainId(walker: ElementWalker): Located<number> {
  const { value, location } = walker.filledText();
  const id = /^(?:\+?[0-9]+|-0+)$/.test(value) ? Math.abs(Number(value)) : Number.NaN;
  if (id <= MAX_DOMAIN_ID) return { value: id, location };
  const others = /^\+?0x[0-9a-f]+$/i.test(value) ? "; Cyclone DDS reads hexadecimal" : "";
  const problem = `expected a domain id from 0 to ${MAX_DOMAIN_ID}, found ${quote(value)}${others}`;
  throw walker.invalid(problem, location);
}

/** A text for a message: in quotes, without line breaks, not long. */
export function quote(text: string): string {
  const line = text.slice(0, 60).replaceAll(/\s+/g, " ");
  return `"${line}${text.length > 60 ? "..." : ""}"`;
}

const MAX_DOMAIN_ID = 0xffffffff;
