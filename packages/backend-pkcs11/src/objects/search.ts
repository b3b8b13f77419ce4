import {
  type CandidateNames,
  matchesObject,
  type Pkcs11ObjectType,
  type Pkcs11Uri,
  parsePkcs11Uri,
} from "@ddscred/core";
import {
  CKO_CERTIFICATE,
  CKO_DATA,
  CKO_PRIVATE_KEY,
  CKO_PUBLIC_KEY,
  CKO_SECRET_KEY,
} from "../cryptoki/constants.ts";
import type { Handle, Module } from "../cryptoki/module.ts";
import type { Attributes, Template } from "../cryptoki/template.ts";
import { uriOf } from "../token/names.ts";
import type { Token } from "../token/token.ts";
import { inTurns, sortedInTurns } from "./in-turns.ts";

/** An object of a token. The handle is good for the epoch in which it was found. */
export interface TokenObject {
  readonly handle: Handle;
  readonly type: Pkcs11ObjectType;
  /** CKA_LABEL; empty where there is none. */
  readonly label: string;
  /** CKA_ID; empty where there is none. */
  readonly id: Uint8Array;
}

/** CKA_CLASS of a type= attribute (RFC 7512 2.3). */
export const objectClasses: Readonly<Record<Pkcs11ObjectType, number>> = {
  cert: CKO_CERTIFICATE,
  private: CKO_PRIVATE_KEY,
  public: CKO_PUBLIC_KEY,
  "secret-key": CKO_SECRET_KEY,
  data: CKO_DATA,
};

/** What to look for: the object attributes of a URI, or some of them. */
export type ObjectPath = Pick<Pkcs11Uri["path"], "object" | "id">;

/** All objects of a type that have the label and id given, in an order that does not depend on the token's. */
export async function search(
  module: Module,
  session: Handle,
  type: Pkcs11ObjectType,
  path: ObjectPath,
): Promise<readonly TokenObject[]> {
  const handles = await module.find(session, template(type, path));
  const names = await namesOf(module, session, handles);
  const found: TokenObject[] = [];
  await inTurns(handles, (handle, n) => {
    const object = { handle, type, ...(names[n] ?? UNNAMED) };
    if (names[n] !== undefined && matchesObject(asUri(path), object)) found.push(object);
  });
  return await sortedInTurns(found, byLabelAndId);
}

/** The names of many objects; undefined for one that is not there any more. */
export async function namesOf(
  module: Module,
  session: Handle,
  handles: readonly Handle[],
): Promise<readonly (Pick<TokenObject, "label" | "id"> | undefined)[]> {
  const said = await module.attributesOf(session, handles, ["CKA_LABEL", "CKA_ID"]);
  return await inTurns(said, (one) => one && names(one));
}

/** An object by its handle, under the names that the token gave it. */
export async function objectAt(
  module: Module,
  session: Handle,
  type: Pkcs11ObjectType,
  handle: Handle,
): Promise<TokenObject> {
  return { handle, type, ...names(await module.attributes(session, handle, ["CKA_LABEL", "CKA_ID"])) };
}

function names(said: Attributes<"CKA_LABEL" | "CKA_ID">): Pick<TokenObject, "label" | "id"> {
  return { label: displayText(said.CKA_LABEL ?? new Uint8Array()), id: said.CKA_ID ?? new Uint8Array() };
}

/** The canonical URI of an object, and of no other where labels and ids are used as they should be. */
export function objectUri(token: Token, { type, label, id }: TokenObject): string {
  const { label: tokenLabel, serialNumber } = token.slot.token;
  return uriOf({ token: tokenLabel, serial: serialNumber, object: label, id, type });
}

/**
 * How many objects the URI of one of them names, by that URI. More than one where a label or an id is missing, cannot be
 * written in a URI, or was used twice.
 *
 * @param objects all of one type that may match
 */
export async function countNamed(objects: readonly TokenObject[]): Promise<(uri: string) => number> {
  const counts = new Map<string, number>();
  await inTurns(objects, ({ label, id }) => {
    for (const key of [keyOf({}), keyOf({ label }), keyOf({ id }), keyOf({ label, id })]) {
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  });
  return (uri) => {
    const { object: label, id } = parsePkcs11Uri(uri).path;
    return counts.get(keyOf({ label, id })) ?? 1;
  };
}

function keyOf({ label, id }: { label?: string | undefined; id?: Uint8Array | undefined }): string {
  return JSON.stringify([label?.normalize("NFC"), id && Buffer.from(id).toString("hex")]);
}

/** How the objects of a token are called in errors. */
export function objectNames(token: Token): CandidateNames<TokenObject> {
  return { uri: (object) => objectUri(token, object), label: ({ label }) => label };
}

/**
 * What the token searches by. It compares bytes, so a label that Unicode writes in several ways is left to
 * the comparison here; so is what is empty, for an object may lack the attribute altogether.
 */
function template(type: Pkcs11ObjectType, { object, id }: ObjectPath): Template {
  const label = object !== undefined && object !== "" && ASCII.test(object) ? Buffer.from(object) : undefined;
  return {
    CKA_CLASS: objectClasses[type],
    ...(label === undefined ? {} : { CKA_LABEL: label }),
    ...(id === undefined || id.length === 0 ? {} : { CKA_ID: id }),
  };
}

function byLabelAndId(a: TokenObject, b: TokenObject): number {
  if (a.label !== b.label) return a.label < b.label ? -1 : 1;
  return Buffer.compare(a.id, b.id);
}

const asUri = (path: ObjectPath): Pkcs11Uri => ({
  path,
  vendorPath: new Map(),
  query: {},
  vendorQuery: new Map(),
  aliases: [],
});

const displayText = (bytes: Uint8Array): string => decoder.decode(bytes);
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const UNNAMED = { label: "", id: new Uint8Array() };

/** Labels that have one spelling in Unicode. */
const ASCII = /^\p{ASCII}*$/u;
