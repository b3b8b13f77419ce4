import { Secret } from "../../secret.ts";
import { percentDecode } from "../percent.ts";
import { isSecretName } from "../redact.ts";
import {
  isPathName,
  isQueryName,
  type Pkcs11PathAttributes,
  type Pkcs11PathName,
  type Pkcs11QueryAttributes,
  type Pkcs11QueryName,
  type Pkcs11Uri,
  type Pkcs11VendorValue,
  type StandardName,
  standardName,
} from "./attributes.ts";
import { type Fault, uriInvalid } from "./fault.ts";
import { type RawAttribute, rawAttributes, schemeLength } from "./scan.ts";
import { UriText } from "./text.ts";
import { textFault } from "./values.ts";

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
  const reader = new Reader(text, options.lenient === true);
  for (const attribute of rawAttributes(text)) reader.read(attribute);
  return reader.result();
}

function checkScheme(text: string): void {
  if (schemeLength(text) === undefined) {
    const blanks = /^\s+pkcs11:/i.test(text.slice(0, 100));
    const hint = blanks
      ? "Remove the blanks before pkcs11:."
      : "Write pkcs11: and then the attributes, such as pkcs11:token=T;object=O.";
    throw uriInvalid(
      { rule: "bad-scheme", message: 'the text does not begin with "pkcs11:"', hint },
      text,
      0,
    );
  }
  if (text.length > MAX_PKCS11_URI_LENGTH) {
    const message = `the URI has ${text.length} characters; at most ${MAX_PKCS11_URI_LENGTH} are read`;
    throw uriInvalid({ rule: "too-long", message }, text, MAX_PKCS11_URI_LENGTH);
  }
}

function aliasUsed(attribute: RawAttribute, standard: StandardName): string {
  const inPath = attribute.component === "path" && isQueryName(standard.name);
  return inPath ? `${attribute.name} in the path` : attribute.name;
}

type Mutable<T> = { -readonly [key in keyof T]: T[key] };

/** Collects the attributes of one URI. */
class Reader {
  readonly #text: UriText;
  readonly #lenient: boolean;
  readonly #path: Mutable<Pkcs11PathAttributes> = {};
  readonly #query: Mutable<Pkcs11QueryAttributes> = {};
  readonly #vendorPath = new Map<string, Pkcs11VendorValue>();
  readonly #vendorQuery = new Map<string, Pkcs11VendorValue[]>();
  readonly #aliases = new Set<string>();

  constructor(text: string, lenient: boolean) {
    this.#text = new UriText(text);
    this.#lenient = lenient;
  }

  result(): Pkcs11Uri {
    return {
      path: this.#path,
      vendorPath: this.#vendorPath,
      query: this.#query,
      vendorQuery: this.#vendorQuery,
      aliases: [...this.#aliases],
    };
  }

  read(attribute: RawAttribute): void {
    const value = this.#text.value(attribute);
    const standard = standardName(attribute.component, attribute.name, { lenient: this.#lenient });
    const label = this.#text.label(attribute, standard);
    if (this.#repeats(attribute, standard)) {
      const message = `${label} stands twice in the ${attribute.component}`;
      throw this.#text.fault(attribute.start, {
        rule: "duplicate-attribute",
        message,
        hint: `Leave one ${label}.`,
      });
    }
    this.#text.checkCharacters(attribute, value, standard);
    if (standard?.alias === true) this.#aliases.add(aliasUsed(attribute, standard));
    if (standard === undefined) this.#addVendor(attribute, this.#text.decoded(attribute, value, label));
    else if (isPathName(standard.name)) this.#addPath(standard.name, attribute, value);
    else this.#addQuery(standard.name, attribute, this.#text.decoded(attribute, value, label));
  }

  /** 2.3: no attribute twice, a vendor's included; only in the query a vendor's may repeat. */
  #repeats(attribute: RawAttribute, standard: StandardName | undefined): boolean {
    if (standard === undefined) return attribute.component === "path" && this.#vendorPath.has(attribute.name);
    return Object.hasOwn(this.#path, standard.name) || Object.hasOwn(this.#query, standard.name);
  }

  #addVendor(attribute: RawAttribute, text: string): void {
    const value = isSecretName(attribute.name) ? new Secret(text) : text;
    const before = this.#vendorQuery.get(attribute.name);
    if (attribute.component === "path") this.#vendorPath.set(attribute.name, value);
    else if (before === undefined) this.#vendorQuery.set(attribute.name, [value]);
    else before.push(value);
  }

  #addPath(name: Pkcs11PathName, attribute: RawAttribute, value: string): void {
    if (name === "id") this.#path.id = percentDecode(value);
    else if (name === "type") this.#path.type = this.#text.objectType(attribute, this.#typeAlias(value));
    else if (name === "library-version") this.#path[name] = this.#text.libraryVersion(attribute, value);
    else if (name === "slot-id") this.#path[name] = this.#text.slotId(attribute, value);
    else {
      const text = this.#text.decoded(attribute, value, name);
      this.#check(attribute, textFault(name, text));
      this.#path[name] = text;
    }
  }

  #addQuery(name: Pkcs11QueryName, attribute: RawAttribute, text: string): void {
    this.#check(attribute, textFault(name, text));
    if (name === "pin-value") this.#query[name] = new Secret(text);
    else this.#query[name] = text;
    if (this.#query["pin-value"] === undefined || this.#query["pin-source"] === undefined) return;
    const message = "pin-source and pin-value exclude each other";
    this.#check(attribute, { rule: "pin-conflict", message, hint: "Leave pin-source." });
  }

  #typeAlias(value: string): string {
    if (!this.#lenient || value.toLowerCase() !== "secretkey") return value;
    this.#aliases.add(value);
    return "secret-key";
  }

  #check(attribute: RawAttribute, fault: Fault | undefined): void {
    if (fault !== undefined) throw this.#text.fault(attribute.start, fault);
  }
}
