import { sameBytes } from "../../der/values.ts";
import type { LibraryVersion, Pkcs11ObjectType, Pkcs11TextAttribute, Pkcs11Uri } from "./attributes.ts";
import { normalPath } from "./normal-path.ts";

/** What a token says of itself, with or without the blanks that pad its fields. */
export interface TokenInfo {
  readonly label: string;
  readonly manufacturerID: string;
  readonly model: string;
  readonly serialNumber: string;
  /** Number of its slot; where it is not given, slot-id is not judged. */
  readonly slotId?: SlotNumber;
}

export interface SlotInfo {
  readonly slotDescription: string;
  readonly manufacturerID: string;
  /** Where it is not given, a URI with slot-id does not match. */
  readonly slotId?: SlotNumber;
}

export interface LibraryInfo {
  readonly manufacturerID: string;
  readonly libraryDescription: string;
  readonly libraryVersion: LibraryVersion;
}

export interface ObjectInfo {
  /** CKA_LABEL; none counts as empty. */
  readonly label?: string | undefined;
  /** CKA_ID; none counts as empty. */
  readonly id?: Uint8Array | undefined;
  readonly type: Pkcs11ObjectType;
}

/** CK_SLOT_ID; text is decimal. */
export type SlotNumber = bigint | number | string;

/*
 * Matching by RFC 7512 2.5. An attribute that is absent matches everything, an empty one only an empty field; a
 * vendor attribute in the path matches nothing, one in the query is ignored. Text is compared exactly, after
 * normalisation to NFC on both sides (section 5). Each function judges the attributes of its own kind only.
 */

/** Whether the token attributes of the URI name this token. */
export function matchesToken(uri: Pkcs11Uri, token: TokenInfo): boolean {
  return (
    uri.vendorPath.size === 0 &&
    fieldMatches(uri, "token", token.label) &&
    fieldMatches(uri, "manufacturer", token.manufacturerID) &&
    fieldMatches(uri, "model", token.model) &&
    fieldMatches(uri, "serial", token.serialNumber) &&
    (token.slotId === undefined || slotIdMatches(uri, token.slotId))
  );
}

/** Whether the slot attributes of the URI name this slot. */
export function matchesSlot(uri: Pkcs11Uri, slot: SlotInfo): boolean {
  return (
    uri.vendorPath.size === 0 &&
    fieldMatches(uri, "slot-description", slot.slotDescription) &&
    fieldMatches(uri, "slot-manufacturer", slot.manufacturerID) &&
    slotIdMatches(uri, slot.slotId)
  );
}

/** Whether the library attributes of the URI name this module, by what it says of itself. */
export function matchesLibrary(uri: Pkcs11Uri, library: LibraryInfo): boolean {
  const version = uri.path["library-version"];
  const { major, minor } = library.libraryVersion;
  return (
    uri.vendorPath.size === 0 &&
    fieldMatches(uri, "library-manufacturer", library.manufacturerID) &&
    fieldMatches(uri, "library-description", library.libraryDescription) &&
    (version === undefined || (version.major === major && version.minor === minor))
  );
}

/** Whether the object attributes of the URI name this object. Labels of objects are not padded, so blanks count. */
export function matchesObject(uri: Pkcs11Uri, object: ObjectInfo): boolean {
  const { object: label, id, type } = uri.path;
  return (
    uri.vendorPath.size === 0 &&
    (label === undefined || sameText(label, object.label ?? "")) &&
    (id === undefined || sameBytes(id, object.id ?? new Uint8Array())) &&
    (type === undefined || type === object.type)
  );
}

/**
 * Whether module-name and module-path name the module at this path. A name is compared without regard to case,
 * folder, "lib" and suffix; a path may name the folder that holds the module (2.4).
 */
export function matchesModule(uri: Pkcs11Uri, modulePath: string): boolean {
  const { "module-name": name, "module-path": path } = uri.query;
  return (
    (name === undefined || nameMatches(name, modulePath)) &&
    (path === undefined || pathMatches(path, modulePath))
  );
}

function fieldMatches(uri: Pkcs11Uri, name: Pkcs11TextAttribute, field: string): boolean {
  const wanted = uri.path[name];
  return wanted === undefined || sameText(trimPadding(wanted), trimPadding(field));
}

function slotIdMatches(uri: Pkcs11Uri, slotId: SlotNumber | undefined): boolean {
  const wanted = uri.path["slot-id"];
  return wanted === undefined || (slotId !== undefined && wanted.toString() === slotId.toString());
}

/** Fields of PKCS#11 are padded with blanks; some tokens use NUL. */
function trimPadding(field: string): string {
  let end = field.length;
  while (end > 0 && (field[end - 1] === " " || field[end - 1] === "\0")) end--;
  return field.slice(0, end);
}

function sameText(a: string, b: string): boolean {
  return a === b || a.normalize("NFC") === b.normalize("NFC");
}

function nameMatches(name: string, modulePath: string): boolean {
  const file = modulePath.slice(Math.max(modulePath.lastIndexOf("/"), modulePath.lastIndexOf("\\")) + 1);
  const stem = file.toLowerCase().replace(/(?:\.so(?:\.\d+)*|\.dll|\.dylib)$/, "");
  const wanted = name.toLowerCase();
  return wanted === stem || (stem.startsWith("lib") && wanted === stem.slice(3));
}

function pathMatches(path: string, modulePath: string): boolean {
  const wanted = normalPath(path).replace(/(?<=.)[\\/]$/, "");
  const actual = normalPath(modulePath);
  if (wanted === actual) return true;
  const folder = actual.slice(0, Math.max(actual.lastIndexOf("/"), actual.lastIndexOf("\\")));
  return wanted === folder || (wanted === "/" && folder === "");
}
