import { utf8Text } from "../../host.ts";
import { Secret } from "../../secret.ts";
import { percentDecode } from "../percent.ts";
import { hidesSecret, isSecretName } from "../redact.ts";
import {
  aliases,
  isPathName,
  isQueryName,
  objectTypes,
  type Pkcs11Component,
  type Pkcs11PathAttributes,
  type Pkcs11PathName,
  type Pkcs11QueryAttributes,
  type Pkcs11QueryName,
  type Pkcs11Uri,
  type Pkcs11VendorValue,
} from "./attributes.ts";
import { ATTRIBUTE_NAME, characterFault } from "./characters.ts";
import { type Fault, uriInvalid } from "./fault.ts";
import { type RawAttribute, rawAttributes, schemeLength } from "./scan.ts";
import { libraryVersionOf, objectTypeOf, slotIdOf, textFault } from "./values.ts";

export interface Pkcs11ParseOptions {
  /**
   * Also accept the spellings from before the RFC: object-type, objecttype, manuf, type=secretkey, pinfile, and
   * PIN attributes in the path. `aliases` of the result says which were used. Default false.
   */
  readonly lenient?: boolean;
}

/** Longest URI in characters; the longest that tokens call for has some hundreds. */
export const MAX_PKCS11_URI_LENGTH = 16_384;

/**
 * Reads a PKCS#11 URI by the grammar of RFC 7512 2.3, strictly: MUST and SHOULD alike.
 *
 * `URI_INVALID` with `rule`, `section` and `position` (characters from 0) for everything else. No value of a
 * PIN attribute, nor a part of one, is ever in the error.
 */
export function parsePkcs11Uri(text: string, options: Pkcs11ParseOptions = {}): Pkcs11Uri {
  if (typeof text !== "string") throw new TypeError("a PKCS#11 URI is a string");
  checkScheme(text);
  return new Parser(text, options.lenient === true).parse();
}

function checkScheme(text: string): void {
  if (schemeLength(text) === undefined) {
    const hint = /^\s+pkcs11:/i.test(text.slice(0, 100)) ? "Remove the blanks before pkcs11:." : undefined;
    const fault: Fault = { rule: "bad-scheme", message: 'the text does not begin with "pkcs11:"' };
    throw uriInvalid(hint === undefined ? fault : { ...fault, hint }, text, 0);
  }
  if (text.length > MAX_PKCS11_URI_LENGTH) {
    const message = `the URI has ${text.length} characters; at most ${MAX_PKCS11_URI_LENGTH} are read`;
    throw uriInvalid({ rule: "too-long", message }, text, MAX_PKCS11_URI_LENGTH);
  }
}

type Mutable<T> = { -readonly [key in keyof T]: T[key] };

/** The standard attribute that a written name stands for; undefined for a vendor's. */
interface Standard {
  readonly name: Pkcs11PathName | Pkcs11QueryName;
  readonly alias: boolean;
}

class Parser {
  readonly #text: string;
  readonly #lenient: boolean;
  /** Where a PIN stands anywhere in the text, nothing of the text is quoted: the PIN may hold separators. */
  readonly #quotable: boolean;
  readonly #path: Mutable<Pkcs11PathAttributes> = {};
  readonly #query: Mutable<Pkcs11QueryAttributes> = {};
  readonly #vendorPath = new Map<string, Pkcs11VendorValue>();
  readonly #vendorQuery = new Map<string, Pkcs11VendorValue[]>();
  readonly #aliases = new Set<string>();

  constructor(text: string, lenient: boolean) {
    this.#text = text;
    this.#lenient = lenient;
    this.#quotable = !hidesSecret(text);
  }

  parse(): Pkcs11Uri {
    for (const attribute of rawAttributes(this.#text)) this.#read(attribute);
    return {
      path: this.#path,
      vendorPath: this.#vendorPath,
      query: this.#query,
      vendorQuery: this.#vendorQuery,
      aliases: [...this.#aliases],
    };
  }

  #read(attribute: RawAttribute): void {
    const value = this.#checkForm(attribute);
    const standard = this.#standardName(attribute);
    const label = standard?.name ?? this.#quote(attribute.name, `an attribute of the ${attribute.component}`);
    const secret = isSecretName(attribute.name);
    if (standard === undefined ? this.#repeatsVendor(attribute) : this.#has(standard.name)) {
      throw this.#fault(attribute.start, {
        rule: "duplicate-attribute",
        message: `${label} stands twice in the ${attribute.component}`,
        hint: `Leave one ${label}.`,
      });
    }
    const queryInPath =
      standard?.alias === true && attribute.component === "path" && isQueryName(standard.name);
    const fault = characterFault(value, attribute.component, label, { secret, queryInPath });
    if (fault !== undefined) throw this.#fault(attribute.valueStart + fault.offset, fault);
    if (standard === undefined) this.#addVendor(attribute, this.#decode(attribute, value, label));
    else if (isPathName(standard.name)) this.#addPath(standard.name, attribute, value);
    else this.#addQuery(standard.name, attribute, this.#decode(attribute, value, label));
    if (standard?.alias === true)
      this.#aliases.add(queryInPath ? `${attribute.name} in the path` : attribute.name);
  }

  /** Attribute = name "=" value, neither empty nor without a name. */
  #checkForm(attribute: RawAttribute): string {
    const { component, name, value, start } = attribute;
    const separator = component === "path" ? ";" : "&";
    if (name === "" && value === undefined) {
      throw this.#fault(start, {
        rule: "empty-attribute",
        message: `an attribute of the ${component} is empty`,
        hint: `Remove the "${separator}" that has nothing before or after it.`,
      });
    }
    if (value === undefined) {
      throw this.#fault(start, {
        rule: "bad-syntax",
        message: `${this.#quote(name, `an attribute of the ${component}`)} has no "="`,
        hint: `Write NAME=VALUE; a "${separator}" inside a value is written "${separator === ";" ? "%3B" : "%26"}".`,
      });
    }
    if (!ATTRIBUTE_NAME.test(name)) {
      throw this.#fault(start, {
        rule: "bad-attribute-name",
        message: `${this.#quote(name, `the text before "=" in the ${component}`)} is no attribute name`,
        hint: 'A name has letters, digits, "-" and "_" only; nothing stands between "pkcs11:" and the first name.',
      });
    }
    return value;
  }

  #standardName(attribute: RawAttribute): Standard | undefined {
    const name = attribute.name.toLowerCase();
    if (attribute.component === "path" ? isPathName(name) : isQueryName(name)) {
      return { name: name as Standard["name"], alias: false };
    }
    const table: Readonly<Record<string, Standard["name"]>> = aliases[attribute.component];
    const meant = this.#lenient && Object.hasOwn(table, name) ? table[name] : undefined;
    return meant === undefined ? undefined : { name: meant, alias: true };
  }

  #has(name: Standard["name"]): boolean {
    return name in this.#path || name in this.#query;
  }

  /** 2.3: none twice in the path, vendor's included; in the query, vendors' may repeat. */
  #repeatsVendor(attribute: RawAttribute): boolean {
    return attribute.component === "path" && this.#vendorPath.has(attribute.name);
  }

  #addVendor(attribute: RawAttribute, text: string): void {
    const value = isSecretName(attribute.name) ? new Secret(text) : text;
    if (attribute.component === "path") this.#vendorPath.set(attribute.name, value);
    else {
      const values = this.#vendorQuery.get(attribute.name);
      if (values === undefined) this.#vendorQuery.set(attribute.name, [value]);
      else values.push(value);
    }
  }

  #addPath(name: Pkcs11PathName, attribute: RawAttribute, value: string): void {
    switch (name) {
      case "id":
        this.#path.id = percentDecode(value);
        return;
      case "type":
        this.#path.type = this.#objectType(attribute, value);
        return;
      case "library-version": {
        const version = libraryVersionOf(value);
        if (version === undefined)
          throw this.#badValue(
            attribute,
            value,
            "bad-version",
            "is no version",
            "Write it as M or M.N in decimal, each from 0 to 255.",
          );
        this.#path["library-version"] = version;
        return;
      }
      case "slot-id": {
        const slotId = slotIdOf(value);
        if (slotId === undefined)
          throw this.#badValue(
            attribute,
            value,
            "bad-slot-id",
            "is no slot number",
            "Write it in decimal, at most 18446744073709551615.",
          );
        this.#path["slot-id"] = slotId;
        return;
      }
      default: {
        const text = this.#decode(attribute, value, name);
        const fault = textFault(name, text);
        if (fault !== undefined) throw this.#fault(attribute.start, fault);
        this.#path[name] = text;
      }
    }
  }

  #objectType(attribute: RawAttribute, value: string): Pkcs11PathAttributes["type"] & string {
    const type = objectTypeOf(value);
    if (type !== undefined) return type;
    if (this.#lenient && value.toLowerCase() === "secretkey") {
      this.#aliases.add("secretkey");
      return "secret-key";
    }
    throw this.#badValue(
      attribute,
      value,
      "bad-type",
      "is no type of object",
      `Write one of ${objectTypes.join(", ")}, not escaped.`,
    );
  }

  #addQuery(name: Pkcs11QueryName, attribute: RawAttribute, text: string): void {
    const fault = textFault(name, text);
    if (fault !== undefined) throw this.#fault(attribute.start, fault);
    if (name === "pin-value") this.#query[name] = new Secret(text);
    else this.#query[name] = text;
    if ("pin-value" in this.#query && "pin-source" in this.#query) {
      throw this.#fault(attribute.start, {
        rule: "pin-conflict",
        message: "pin-source and pin-value exclude each other",
        hint: "Leave pin-source.",
      });
    }
  }

  #decode(attribute: RawAttribute, value: string, label: string): string {
    const text = utf8Text(percentDecode(value));
    if (text !== undefined) return text;
    throw this.#fault(attribute.start, {
      rule: "bad-utf8",
      message: `${label} is not UTF-8 after decoding`,
      hint: 'Percent-encode the UTF-8 bytes of the text: "\u00e9" is "%C3%A9". Only id holds other bytes.',
    });
  }

  #badValue(attribute: RawAttribute, value: string, rule: Fault["rule"], what: string, hint: string) {
    const message = `${attribute.name.toLowerCase()} ${what}: ${this.#quote(value, "the value")}`;
    return this.#fault(attribute.start, { rule, message, hint });
  }

  #quote(text: string, otherwise: string): string {
    if (!this.#quotable || !/^[!-~]{0,64}$/.test(text)) return otherwise;
    return `"${text}"`;
  }

  #fault(position: number, fault: Fault) {
    return uriInvalid(fault, this.#text, position);
  }
}

/** Whether a URI of this component may carry the attribute; for building URIs. */
export function isStandardName(component: Pkcs11Component, name: string): boolean {
  return component === "path" ? isPathName(name.toLowerCase()) : isQueryName(name.toLowerCase());
}
