import { utf8Text } from "../../host.ts";
import { percentDecode } from "../percent.ts";
import { hidesSecret, isSecretName } from "../redact.ts";
import { isQueryName, objectTypes, type Pkcs11ObjectType, type StandardName } from "./attributes.ts";
import { ATTRIBUTE_NAME, characterFault } from "./characters.ts";
import { type Fault, uriInvalid } from "./fault.ts";
import type { RawAttribute } from "./scan.ts";
import { libraryVersionOf, objectTypeOf, slotIdOf } from "./values.ts";

/** The text of a URI while it is read: checks the form of its attributes, decodes values, and raises its faults. */
export class UriText {
  readonly #text: string;
  #isQuotable: boolean | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** Raw value of an attribute = name "=" value. */
  value({ component, name, value, start }: RawAttribute): string {
    const separator = component === "path" ? ";" : "&";
    if (name === "" && value === undefined) {
      throw this.fault(start, {
        rule: "empty-attribute",
        message: `an attribute of the ${component} is empty`,
        hint: `Remove the "${separator}" that has nothing before or after it.`,
      });
    }
    if (value === undefined) {
      throw this.fault(start, {
        rule: "bad-syntax",
        message: `${this.#quote(name, `an attribute of the ${component}`)} has no "="`,
        hint: `Write NAME=VALUE; a "${separator}" inside a value is written "${separator === ";" ? "%3B" : "%26"}".`,
      });
    }
    if (!ATTRIBUTE_NAME.test(name)) {
      throw this.fault(start, {
        rule: "bad-attribute-name",
        message: `${this.#quote(name, `the text before "=" in the ${component}`)} is no attribute name`,
        hint: 'A name has letters, digits, "-" and "_" only; nothing stands between "pkcs11:" and the first name.',
      });
    }
    return value;
  }

  /** What messages call an attribute. */
  label(attribute: RawAttribute, standard: StandardName | undefined): string {
    return standard?.name ?? this.#quote(attribute.name, `an attribute of the ${attribute.component}`);
  }

  /** Every character of the value may stand where it stands. */
  checkCharacters(attribute: RawAttribute, value: string, standard: StandardName | undefined): void {
    const { component, name, valueStart } = attribute;
    const fault = characterFault(value, component, this.label(attribute, standard), {
      secret: isSecretName(name) || (standard === undefined && !this.#quotable),
      queryInPath: component === "path" && standard !== undefined && isQueryName(standard.name),
    });
    if (fault !== undefined) throw this.fault(valueStart + fault.offset, fault);
  }

  /** The value as text. */
  decoded(attribute: RawAttribute, value: string, label: string): string {
    const text = utf8Text(percentDecode(value));
    if (text !== undefined) return text;
    throw this.fault(attribute.start, {
      rule: "bad-utf8",
      message: `${label} is not UTF-8 after decoding`,
      hint: 'Percent-encode the UTF-8 bytes of the text: "\u00e9" is "%C3%A9". Only id holds other bytes.',
    });
  }

  objectType(attribute: RawAttribute, value: string): Pkcs11ObjectType {
    const hint = `Write one of ${objectTypes.join(", ")}, not escaped.`;
    return (
      objectTypeOf(value) ?? this.#badValue(attribute, value, "bad-type", "type is no type of object", hint)
    );
  }

  libraryVersion(attribute: RawAttribute, value: string) {
    const hint = "Write it as M or M.N in decimal, each from 0 to 255.";
    return (
      libraryVersionOf(value) ??
      this.#badValue(attribute, value, "bad-version", "library-version is no version", hint)
    );
  }

  slotId(attribute: RawAttribute, value: string): bigint {
    const hint = "Write it in decimal, at most 18446744073709551615.";
    return (
      slotIdOf(value) ??
      this.#badValue(attribute, value, "bad-slot-id", "slot-id is no number of a slot", hint)
    );
  }

  fault(position: number, fault: Fault) {
    return uriInvalid(fault, this.#text, position);
  }

  #badValue(attribute: RawAttribute, value: string, rule: Fault["rule"], what: string, hint: string): never {
    throw this.fault(attribute.start, { rule, message: `${what}: ${this.#quote(value, "its value")}`, hint });
  }

  /** Where a PIN stands anywhere in the text, nothing of it is quoted: the PIN may hold separators. */
  get #quotable(): boolean {
    return (this.#isQuotable ??= !hidesSecret(this.#text));
  }

  #quote(text: string, otherwise: string): string {
    return this.#quotable && /^[!-~]{0,64}$/.test(text) ? `"${text}"` : otherwise;
  }
}
