import { utf8Text } from "../../host.ts";
import { percentDecode } from "../percent.ts";
import { redactUri } from "../redact.ts";
import {
  isPathName,
  type Pkcs11Component,
  type Pkcs11Uri,
  pathAttributes,
  queryAttributes,
  standardName,
} from "./attributes.ts";
import { formatPkcs11Uri } from "./format.ts";
import { type Pkcs11ParseOptions, parsePkcs11Uri } from "./parse.ts";
import { type RawAttribute, rawAttributes } from "./scan.ts";

/** A PKCS#11 URI taken apart for a reader. It holds no PIN. */
export interface Explanation {
  /** The URI as written, redacted. */
  readonly uri: string;
  /** Its canonical form, without pin-value, and redacted too. */
  readonly canonical: string;
  /** In the order written. */
  readonly attributes: readonly ExplainedAttribute[];
  /** What the reader should know of the whole, a sentence each. */
  readonly remarks: readonly string[];
}

export interface ExplainedAttribute {
  /** The standard name, or the vendor's as written. */
  readonly name: string;
  readonly component: Pkcs11Component;
  readonly vendor: boolean;
  /** Offset in the URI. */
  readonly position: number;
  /** The value as written; `[redacted]` where it may hold a PIN. */
  readonly raw: string;
  /** The value decoded: text, `id` as hexadecimal digits, numbers in decimal, `library-version` as M.N. */
  readonly decoded: string;
  readonly meaning: string;
  /** Section of the standard, such as `RFC 7512 2.3`. */
  readonly section: string;
}

/** Takes a URI apart. `URI_INVALID` as {@link parsePkcs11Uri} raises it. */
export function explainPkcs11Uri(text: string, options: Pkcs11ParseOptions = {}): Explanation {
  const uri = parsePkcs11Uri(text, options);
  const attributes: ExplainedAttribute[] = [];
  let afterSecret = false;
  for (const raw of rawAttributes(text)) {
    const attribute = explained(raw, uri, options.lenient === true, afterSecret);
    afterSecret ||= attribute.raw === REDACTED;
    attributes.push(attribute);
  }
  return {
    uri: redactUri(text),
    canonical: redactUri(formatPkcs11Uri(withoutHidden(uri, attributes))),
    attributes,
    remarks: remarksOn(uri, attributes),
  };
}

/** Without vendor attributes whose very name may be the rest of a PIN. */
function withoutHidden(uri: Pkcs11Uri, attributes: readonly ExplainedAttribute[]): Pkcs11Uri {
  const names = new Set(attributes.map(({ name }) => name));
  const shown = <T>(vendors: ReadonlyMap<string, T>) =>
    new Map([...vendors].filter(([name]) => names.has(name)));
  return { ...uri, vendorPath: shown(uri.vendorPath), vendorQuery: shown(uri.vendorQuery) };
}

function explained(
  raw: RawAttribute,
  uri: Pkcs11Uri,
  lenient: boolean,
  afterSecret: boolean,
): ExplainedAttribute {
  const { component, start: position, value = "" } = raw;
  const name = standardName(component, raw.name, { lenient })?.name;
  const section = component === "path" ? "RFC 7512 2.3" : "RFC 7512 2.4";
  // A PIN may hold a raw separator; what follows it and bears no standard name may be the rest of it.
  const rest = name === undefined && afterSecret;
  const hidden = rest || hidesValue(component, name ?? raw.name, value);
  const shown = {
    raw: hidden ? REDACTED : value,
    decoded: hidden ? REDACTED : decodedText(name, value, uri),
  };
  if (name === undefined) {
    const meaning = `attribute of a vendor: ${component === "path" ? "unknown here, so the URI matches nothing" : "ignored"}`;
    const written = rest ? REDACTED : raw.name;
    return { name: written, component, vendor: true, position, ...shown, meaning, section: "RFC 7512 2.5" };
  }
  const { meaning } = isPathName(name) ? pathAttributes[name] : queryAttributes[name];
  return { name, component, vendor: false, position, ...shown, meaning, section };
}

function hidesValue(component: Pkcs11Component, name: string, value: string): boolean {
  const shown = `pkcs11:${component === "path" ? "" : "?"}${name}=${value}`;
  return redactUri(shown) !== shown;
}

function decodedText(name: string | undefined, value: string, uri: Pkcs11Uri): string {
  const { id = new Uint8Array(), type = "", "library-version": version, "slot-id": slotId } = uri.path;
  if (name === "id") return Array.from(id, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (name === "type") return type;
  if (name === "library-version" && version !== undefined) return `${version.major}.${version.minor}`;
  if (name === "slot-id" && slotId !== undefined) return slotId.toString();
  return utf8Text(percentDecode(value)) ?? "";
}

function remarksOn(uri: Pkcs11Uri, attributes: readonly ExplainedAttribute[]): string[] {
  const { path, query, vendorPath, vendorQuery } = uri;
  const empty = Object.entries(path).flatMap(([name, value]) => (value === "" ? [name] : []));
  const vendors = (component: Pkcs11Component) =>
    attributes.flatMap((attribute) =>
      attribute.vendor && attribute.component === component ? [attribute.name] : [],
    );
  const remarks: [boolean, string][] = [
    [
      uri.aliases.length > 0,
      `Spelt as before RFC 7512: ${uri.aliases.join(", ")}. Strict readers do not accept this.`,
    ],
    [
      Object.keys(path).length === 0 && vendorPath.size === 0,
      "The path is empty, so every object of every token matches (RFC 7512 2.5).",
    ],
    [
      vendorPath.size > 0,
      `The path holds an attribute that RFC 7512 does not know, so nothing matches (2.5): ${vendors("path").join(", ")}.`,
    ],
    [
      vendorPath.has("pin-value") || vendorPath.has("pin-source"),
      'The PIN stands in the path; by RFC 7512 it belongs behind the "?".',
    ],
    [vendorQuery.size > 0, `Ignored in the query (2.5): ${[...new Set(vendors("query"))].join(", ")}.`],
    [empty.length > 0, `Empty, so only an empty field matches (2.3): ${empty.join(", ")}.`],
    [
      "slot-id" in path,
      "slot-id may change whenever a token is connected or the module starts; token and serial do not (2.3).",
    ],
    [
      "pin-value" in query,
      "The PIN stands in the URI; pin-source keeps it in a file of its own (section 6).",
    ],
    [
      "module-name" in query && "module-path" in query,
      "module-name and module-path together mean different things to different readers (2.4).",
    ],
    [notNormal(path), "Not in Unicode form NFC: readers that compare bytes may find no match (section 5)."],
  ];
  return remarks.flatMap(([applies, remark]) => (applies ? [remark] : []));
}

function notNormal(path: Pkcs11Uri["path"]): boolean {
  return Object.values(path).some((value) => typeof value === "string" && value !== value.normalize("NFC"));
}

const REDACTED = "[redacted]";
