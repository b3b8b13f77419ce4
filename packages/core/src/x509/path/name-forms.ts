import { displayText } from "../../host.ts";
import type { Certificate } from "../certificate.ts";
import { subjectAltName } from "../extensions.ts";
import { directoryName, type GeneralName, GeneralNameTag as Tag } from "../general-name.ts";
import { rdnKeys } from "../name-compare.ts";
import { formatName } from "../name-format.ts";

/** A name of a certificate, made ready for comparing with subtrees. */
export interface SubjectName {
  /** The form, as the tag of a GeneralName. */
  readonly tag: number;
  /** For messages. */
  readonly shown: string;
  /** Undefined where the name cannot be compared: malformed, or of a form that is not supported. */
  readonly value: NameValue | undefined;
}

export type NameValue =
  | { readonly form: "directory"; readonly rdns: readonly string[] }
  | { readonly form: "email"; readonly local: string; readonly host: string }
  | { readonly form: "host"; readonly host: string }
  | { readonly form: "ip"; readonly octets: Uint8Array };

export const formLabels: Readonly<Record<number, string>> = {
  [Tag.otherName]: "otherName",
  [Tag.rfc822Name]: "e-mail address",
  [Tag.dNSName]: "DNS name",
  [Tag.x400Address]: "X.400 address",
  [Tag.directoryName]: "directory name",
  [Tag.ediPartyName]: "EDI party name",
  [Tag.uniformResourceIdentifier]: "URI",
  [Tag.iPAddress]: "IP address",
  [Tag.registeredID]: "registered ID",
};

/**
 * All names of a certificate that name constraints are about (RFC 5280 4.2.1.10): the subject, the e-mail addresses
 * in it, and every subject alternative name.
 */
export function subjectNames(certificate: Certificate): readonly SubjectName[] {
  const { subject } = certificate;
  const names: SubjectName[] = [];
  if (subject.rdns.length > 0) {
    const value = { form: "directory", rdns: rdnKeys(subject) } as const;
    names.push({ tag: Tag.directoryName, shown: short(formatName(subject)), value });
  }
  for (const { type, value } of subject.rdns.flat()) {
    if (type === EMAIL_ADDRESS) {
      names.push({ tag: Tag.rfc822Name, shown: short(value), value: emailValue(value) });
    }
  }
  for (const name of subjectAltName(certificate) ?? []) {
    names.push(alternativeName(name));
    if (isSmtpUtf8Mailbox(name)) {
      names.push({ tag: Tag.rfc822Name, shown: "(SmtpUTF8Mailbox)", value: undefined });
    }
  }
  return names;
}

/** How the base of a subtree is shown. */
export function showName(name: GeneralName): string {
  const directory = directoryName(name);
  if (directory !== undefined) return short(formatName(directory));
  if (name.tag === Tag.iPAddress) return showAddress(name.content);
  return short(displayText(name.content.subarray(0, MAX_SHOWN)));
}

const EMAIL_ADDRESS = "1.2.840.113549.1.9.1";
/** id-on-SmtpUTF8Mailbox. */
const SMTP_UTF8_MAILBOX = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x09];
const MAX_SHOWN = 200;

const short = (text: string) => (text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text);

/** SmtpUTF8Mailbox (RFC 9598): an e-mail address in the clothes of an otherName; the constraints on both hold. */
function isSmtpUtf8Mailbox({ tag, content }: GeneralName): boolean {
  return tag === Tag.otherName && SMTP_UTF8_MAILBOX.every((octet, index) => content[index] === octet);
}

function alternativeName(name: GeneralName): SubjectName {
  const { tag, content } = name;
  const shown = showName(name);
  if (tag === Tag.directoryName) {
    const directory = directoryName(name);
    return { tag, shown, value: directory && { form: "directory", rdns: rdnKeys(directory) } };
  }
  if (tag === Tag.iPAddress) {
    const valid = content.length === 4 || content.length === 16;
    return { tag, shown, value: valid ? { form: "ip", octets: content } : undefined };
  }
  const text = asciiText(content);
  if (text === undefined) return { tag, shown, value: undefined };
  if (tag === Tag.rfc822Name) return { tag, shown, value: emailValue(text) };
  if (tag === Tag.dNSName) return { tag, shown, value: hostValue(text, /^(?:\*\.)?/) };
  if (tag === Tag.uniformResourceIdentifier) return { tag, shown, value: uriValue(text) };
  return { tag, shown, value: undefined };
}

export function emailValue(text: string): NameValue | undefined {
  const at = text.lastIndexOf("@");
  const host = text.slice(at + 1).toLowerCase();
  if (at < 1 || !isHost(host)) return undefined;
  return { form: "email", local: text.slice(0, at), host };
}

function hostValue(text: string, prefix: RegExp): NameValue | undefined {
  const host = text.toLowerCase();
  return isHost(host.replace(prefix, "")) ? { form: "host", host } : undefined;
}

/** Only the host counts; a URI without one, or with an address for it, cannot be compared (4.2.1.10). */
function uriValue(text: string): NameValue | undefined {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#\\]*)(?:[/?#]|$)/i.exec(text)?.[1];
  if (authority === undefined) return undefined;
  const host = authority.slice(authority.lastIndexOf("@") + 1).replace(/:\d*$/, "");
  const isAddress = /(?:^|\.)\d+$/.test(host);
  return isAddress ? undefined : hostValue(host, /^/);
}

/** Labels of a host, without the trailing dot; underscores are common in the field. */
export function isHost(host: string): boolean {
  if (host.length === 0 || host.length > 253) return false;
  return host.split(".").every((label) => /^[a-z0-9_-]{1,63}$/.test(label));
}

export function asciiText(content: Uint8Array): string | undefined {
  if (content.length > MAX_TEXT || !content.every((octet) => octet > 0x20 && octet < 0x7f)) return undefined;
  return String.fromCharCode(...content);
}

/** Longer than any host, mailbox or URI that is in use. */
const MAX_TEXT = 8192;

function showAddress(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join(".");
  if (octets.length === 8) return `${octets.subarray(0, 4).join(".")}/${octets.subarray(4).join(".")}`;
  return Array.from(octets.subarray(0, 32), (octet) => octet.toString(16).padStart(2, "0")).join("");
}
