import { utf8Bytes } from "../../host.ts";
import { Secret } from "../../secret.ts";
import { percentByte, percentEncode } from "../percent.ts";
import { isSecretName } from "../redact.ts";
import {
  isPathName,
  isQueryName,
  type LibraryVersion,
  objectTypes,
  type Pkcs11Component,
  type Pkcs11PathAttributes,
  type Pkcs11QueryAttributes,
  type Pkcs11Uri,
  type Pkcs11VendorValue,
  pathAttributes,
  queryAttributes,
} from "./attributes.ts";
import { ATTRIBUTE_NAME, KEPT } from "./characters.ts";
import { type Fault, uriInvalid } from "./fault.ts";
import { MAX_PKCS11_URI_LENGTH } from "./parse.ts";
import { isVersion, MAX_SLOT_ID, objectTypeOf, textFault } from "./values.ts";

/** All attributes in one record; each goes where it belongs, and names that RFC 7512 does not know go into the path. */
export type Pkcs11UriAttributes = {
  readonly [name in keyof Pkcs11PathAttributes]?: Pkcs11PathAttributes[name] | undefined;
} & {
  readonly [name in keyof Pkcs11QueryAttributes]?: Pkcs11QueryAttributes[name] | undefined;
} & Readonly<Record<string, string | LibraryVersion | Uint8Array | bigint | Secret | undefined>>;

export interface Pkcs11FormatOptions {
  /** Write pin-value too, and vendor attributes that hold a PIN. Default false: they are left out. */
  readonly secrets?: boolean;
}

/**
 * The canonical text of a PKCS#11 URI: attributes in the order of the grammar of RFC 7512 2.3, vendors' after them by
 * name, `id` wholly percent-encoded, other values as little as the grammar allows ("&" always), hexadecimal digits in
 * upper case, `library-version` as M.N.
 *
 * What parsePkcs11Uri would not take is not written: `URI_INVALID` with `rule`. A value of a wrong type is a TypeError.
 */
export function formatPkcs11Uri(
  attributes: Partial<Pkcs11Uri> | Pkcs11UriAttributes,
  options: Pkcs11FormatOptions = {},
): string {
  const { path, vendorPath, query, vendorQuery } = sorted(attributes);
  if (query.has("pin-source") && query.has("pin-value")) {
    throw refusal("pin-conflict", "pin-source and pin-value exclude each other");
  }
  const secrets = options.secrets === true;
  const inPath = [
    ...standardTexts("path", Object.keys(pathAttributes), path, secrets),
    ...[...vendorPath].sort(byName).flatMap(([name, value]) => vendorText("path", name, value, secrets)),
  ].join(";");
  const inQuery = [
    ...standardTexts("query", Object.keys(queryAttributes), query, secrets),
    ...[...vendorQuery]
      .sort(byName)
      .flatMap(([name, values]) => values.flatMap((value) => vendorText("query", name, value, secrets))),
  ].join("&");
  const uri = `pkcs11:${inPath}${inQuery === "" ? "" : `?${inQuery}`}`;
  if (uri.length <= MAX_PKCS11_URI_LENGTH) return uri;
  throw refusal(
    "too-long",
    `the URI would have ${uri.length} characters; at most ${MAX_PKCS11_URI_LENGTH} are read`,
  );
}

interface Sorted {
  readonly path: ReadonlyMap<string, unknown>;
  readonly vendorPath: ReadonlyMap<string, Pkcs11VendorValue>;
  readonly query: ReadonlyMap<string, unknown>;
  readonly vendorQuery: ReadonlyMap<string, readonly Pkcs11VendorValue[]>;
}

function sorted(attributes: Partial<Pkcs11Uri> | Pkcs11UriAttributes): Sorted {
  if (typeof attributes !== "object" || attributes === null) throw new TypeError("attributes are an object");
  if (isParsed(attributes)) {
    return {
      path: given(attributes.path ?? {}),
      vendorPath: attributes.vendorPath ?? new Map(),
      query: given(attributes.query ?? {}),
      vendorQuery: attributes.vendorQuery ?? new Map(),
    };
  }
  const all = [...given(attributes)];
  return {
    path: new Map(all.filter(([name]) => isPathName(name))),
    vendorPath: new Map(
      all.filter(([name]) => !isPathName(name) && !isQueryName(name)) as [string, Pkcs11VendorValue][],
    ),
    query: new Map(all.filter(([name]) => isQueryName(name))),
    vendorQuery: new Map(),
  };
}

/** No attribute holds an object of this kind, so the two forms cannot be confused. */
function isParsed(attributes: Partial<Pkcs11Uri> | Pkcs11UriAttributes): attributes is Partial<Pkcs11Uri> {
  return ["path", "query", "vendorPath", "vendorQuery"].some((part) => {
    const value: unknown = (attributes as Record<string, unknown>)[part];
    return typeof value === "object" && !(value instanceof Secret);
  });
}

function given(attributes: object): Map<string, unknown> {
  return new Map(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

function standardTexts(
  component: Pkcs11Component,
  order: readonly string[],
  values: ReadonlyMap<string, unknown>,
  secrets: boolean,
): string[] {
  for (const name of values.keys()) {
    if (!order.includes(name)) throw new TypeError(`"${name}" is no attribute of the ${component}`);
  }
  return order.flatMap((name) => {
    if (!values.has(name)) return [];
    const text = valueText(component, name, values.get(name));
    return name === "pin-value" && !secrets ? [] : [`${name}=${text}`];
  });
}

function vendorText(component: Pkcs11Component, name: string, value: unknown, secrets: boolean): string[] {
  const standard = component === "path" ? isPathName(name.toLowerCase()) : isQueryName(name.toLowerCase());
  if (standard || !ATTRIBUTE_NAME.test(name)) {
    const why = standard
      ? "is the name of a standard attribute"
      : 'may hold letters, digits, "-" and "_" only';
    throw refusal("bad-attribute-name", `the name of a vendor attribute of the ${component} ${why}`);
  }
  const text = encoded(component, name, value instanceof Secret ? value.reveal() : value);
  return isSecretName(name) && !secrets ? [] : [`${name}=${text}`];
}

function valueText(component: Pkcs11Component, name: string, value: unknown): string {
  if (name === "id") {
    if (!(value instanceof Uint8Array)) throw new TypeError("id is a Uint8Array");
    return Array.from(value, percentByte).join("");
  }
  if (name === "slot-id") {
    if (typeof value !== "bigint") throw new TypeError("slot-id is a bigint");
    if (value >= 0n && value <= MAX_SLOT_ID) return value.toString();
    throw refusal("bad-slot-id", "slot-id does not fit 64 bits");
  }
  if (name === "library-version") {
    if (isVersion(value)) return `${value.major}.${value.minor}`;
    throw refusal("bad-version", "library-version has two numbers from 0 to 255");
  }
  if (name === "type") {
    const type = typeof value === "string" ? objectTypeOf(value) : undefined;
    if (type !== undefined) return type;
    throw refusal("bad-type", `type is none of ${objectTypes.join(", ")}`);
  }
  if (name === "pin-value") {
    if (!(value instanceof Secret)) throw new TypeError("pin-value is a Secret");
    return encoded(component, name, value.reveal());
  }
  return encoded(component, name, value);
}

function encoded(component: Pkcs11Component, name: string, value: unknown): string {
  if (typeof value !== "string") throw new TypeError(`${name} is a string`);
  const fault = textFault(name, value);
  if (fault !== undefined) throw uriInvalid(fault);
  return percentEncode(utf8Bytes(value), KEPT[component]);
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : Number(a > b);
}

function refusal(rule: Fault["rule"], message: string) {
  return uriInvalid({ rule, message });
}
