import type { Secret } from "../../secret.ts";

/** What `type` may say (RFC 7512 2.3). */
export type Pkcs11ObjectType = "public" | "private" | "cert" | "secret-key" | "data";

/** CK_VERSION: two bytes. */
export interface LibraryVersion {
  readonly major: number;
  readonly minor: number;
}

/** Path attributes whose value is text. */
export type Pkcs11TextAttribute =
  | "token"
  | "manufacturer"
  | "serial"
  | "model"
  | "library-manufacturer"
  | "library-description"
  | "object"
  | "slot-description"
  | "slot-manufacturer";

export type Pkcs11PathAttributes = { readonly [name in Pkcs11TextAttribute]?: string } & {
  readonly "library-version"?: LibraryVersion;
  readonly type?: Pkcs11ObjectType;
  readonly id?: Uint8Array;
  readonly "slot-id"?: bigint;
};

export interface Pkcs11QueryAttributes {
  readonly "pin-source"?: string;
  readonly "pin-value"?: Secret;
  readonly "module-name"?: string;
  readonly "module-path"?: string;
}

/** Value of a vendor attribute: a Secret where the name speaks of a PIN, such as pin-value in the path. */
export type Pkcs11VendorValue = string | Secret;

/** A PKCS#11 URI, decoded. */
export interface Pkcs11Uri {
  readonly path: Pkcs11PathAttributes;
  /** Names as written: only standard names are case-insensitive. One or more of them match nothing (2.5). */
  readonly vendorPath: ReadonlyMap<string, Pkcs11VendorValue>;
  readonly query: Pkcs11QueryAttributes;
  /** May repeat, in the order written; ignored when matching (2.5). */
  readonly vendorQuery: ReadonlyMap<string, readonly Pkcs11VendorValue[]>;
  /** Spellings from before the RFC that were accepted, as written; empty unless `lenient`. */
  readonly aliases: readonly string[];
}

export type Pkcs11PathName = keyof Pkcs11PathAttributes;
export type Pkcs11QueryName = keyof Pkcs11QueryAttributes;
export type Pkcs11Component = "path" | "query";

export interface AttributeRow {
  /** Whose property it is, as the standards name it. */
  readonly meaning: string;
  /** Longest value in bytes of UTF-8 that the field of PKCS#11 holds. */
  readonly limit?: number;
}

/** The standard attributes in the order of the grammar, which is the canonical order too. */
export const pathAttributes = {
  token: { meaning: "label of the token (CK_TOKEN_INFO.label)", limit: 32 },
  manufacturer: {
    meaning: "manufacturer of the token (CK_TOKEN_INFO.manufacturerID)",
    limit: 32,
  },
  serial: { meaning: "serial number of the token (CK_TOKEN_INFO.serialNumber)", limit: 16 },
  model: { meaning: "model of the token (CK_TOKEN_INFO.model)", limit: 16 },
  "library-manufacturer": {
    meaning: "manufacturer of the module (CK_INFO.manufacturerID)",
    limit: 32,
  },
  "library-version": { meaning: "version of the module (CK_INFO.libraryVersion)" },
  "library-description": {
    meaning: "description of the module (CK_INFO.libraryDescription)",
    limit: 32,
  },
  object: { meaning: "label of the object (CKA_LABEL)" },
  type: { meaning: "class of the object (CKA_CLASS)" },
  id: { meaning: "identifier of the object, bytes (CKA_ID)" },
  "slot-description": {
    meaning: "description of the slot (CK_SLOT_INFO.slotDescription)",
    limit: 64,
  },
  "slot-manufacturer": {
    meaning: "manufacturer of the slot (CK_SLOT_INFO.manufacturerID)",
    limit: 32,
  },
  "slot-id": { meaning: "number of the slot (CK_SLOT_ID), which may change at any restart" },
} as const satisfies Record<Pkcs11PathName, AttributeRow>;

export const queryAttributes = {
  "pin-source": { meaning: "where the PIN is to be had" },
  "pin-value": { meaning: "the PIN itself" },
  "module-name": { meaning: "name of the module, without lib and .so" },
  "module-path": { meaning: "absolute path of the module, or of the folder that holds it" },
} as const satisfies Record<Pkcs11QueryName, AttributeRow>;

export const objectTypes = ["public", "private", "cert", "secret-key", "data"] as const;

export const isPathName = (name: string): name is Pkcs11PathName => Object.hasOwn(pathAttributes, name);
export const isQueryName = (name: string): name is Pkcs11QueryName => Object.hasOwn(queryAttributes, name);

/** The standard attribute that a written name stands for. */
export interface StandardName {
  readonly name: Pkcs11PathName | Pkcs11QueryName;
  /** Whether the spelling is one from before the RFC. */
  readonly alias: boolean;
}

/** Standard names are literals of the grammar, so case-insensitive (RFC 5234 2.3). Undefined for a vendor's name. */
export function standardName(
  component: Pkcs11Component,
  written: string,
  options: { lenient: boolean },
): StandardName | undefined {
  const name = written.toLowerCase();
  if (component === "path" && isPathName(name)) return { name, alias: false };
  if (component === "query" && isQueryName(name)) return { name, alias: false };
  const meant = options.lenient ? ALIASES[component].get(name) : undefined;
  return meant === undefined ? undefined : { name: meant, alias: true };
}

/** Names from before the RFC, and PIN attributes in the path, as they are seen in the field. */
const ALIASES: Record<Pkcs11Component, ReadonlyMap<string, Pkcs11PathName | Pkcs11QueryName>> = {
  path: new Map<string, Pkcs11PathName | Pkcs11QueryName>([
    ["object-type", "type"],
    ["objecttype", "type"],
    ["manuf", "manufacturer"],
    ["pin-value", "pin-value"],
    ["pin-source", "pin-source"],
    ["pinfile", "pin-source"],
  ]),
  query: new Map([["pinfile", "pin-source"]]),
};
