import * as der from "../../der/write.ts";
import type { NameText, NameTextAttribute } from "../name-text.ts";
import { nameInvalid } from "../name-text-value.ts";

/**
 * DER of a Name (RFC 5280 4.1.2.4) from what a person wrote: values are UTF8String, as RFC 5280 wants it, but for
 * the types that have a string type of their own.
 *
 * @throws CredentialError `NAME_INVALID` for a name without attributes, and for values that no certificate holds
 */
export function nameDer({ rdns }: NameText): Uint8Array {
  if (rdns.length === 0) throw nameInvalid(0, "the name is empty");
  return der.sequence(...rdns.map((rdn) => der.setOf(...rdn.map(attributeDer))));
}

function attributeDer({ type, value }: NameTextAttribute): Uint8Array {
  if (value === "") throw nameInvalid(0, `the value of ${type} is empty`);
  const { write = der.utf8String, fits = anything } = FORMS[type] ?? {};
  if (!fits.test(value)) throw nameInvalid(0, `a certificate holds no such value of ${type}`);
  return der.sequence(der.oid(type), write(value));
}

interface Form {
  readonly write: (text: string) => Uint8Array;
  readonly fits: RegExp;
}

const printable = "A-Za-z0-9 '()+,./:=?-";
const anything = /^[^\0]{1,1024}$/u;

/** RFC 5280 appendix A.1; what is written as PrintableString or IA5String there. */
const FORMS: Readonly<Record<string, Form>> = {
  "2.5.4.6": { write: der.printableString, fits: /^[A-Za-z]{2}$/ },
  "2.5.4.5": { write: der.printableString, fits: new RegExp(`^[${printable}]{1,64}$`) },
  "2.5.4.46": { write: der.printableString, fits: new RegExp(`^[${printable}]{1,64}$`) },
  "0.9.2342.19200300.100.1.25": { write: der.ia5String, fits: /^[!-~]{1,255}$/ },
  "1.2.840.113549.1.9.1": { write: der.ia5String, fits: /^[!-~]{1,255}$/ },
};
