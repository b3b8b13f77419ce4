import { randomBytes } from "node:crypto";
import { CredentialError, type Pkcs11ObjectType, type Pkcs11Uri } from "@ddscred/core";
import type { Handle } from "../cryptoki/module.ts";
import type { Template } from "../cryptoki/template.ts";
import { type ObjectPath, objectUri, search, type TokenObject } from "../objects/search.ts";
import { quoted } from "../token/names.ts";
import type { Token } from "../token/token.ts";

/** Under what a new object is stored. */
export interface NewName {
  /** CKA_LABEL; may be empty. */
  readonly label: string;
  /** CKA_ID; may be empty. */
  readonly id: Uint8Array;
  /** Whether the id was made up here, so that nobody else can have used it. */
  readonly isFresh: boolean;
}

/**
 * The name that a URI gives to a new key: its label, its id, or both. An id that it does not give is made of
 * random bytes, because it has to be known before the key is: not all tokens change it afterwards.
 */
export function nameOfKey({ path }: Pkcs11Uri, text: string): NewName {
  const { object: label = "", id } = path;
  if (label === "" && !id?.length) throw unnamed(text);
  return id?.length ? { label, id, isFresh: false } : { label, id: freshId(), isFresh: true };
}

/** CKA_ID for an object that belongs to none that is there. */
export function freshId(): Uint8Array {
  return new Uint8Array(randomBytes(ID_LENGTH));
}

export function unnamed(text: string): CredentialError {
  return new CredentialError("OBJECT_UNNAMED", "the URI gives the new object no label", {
    uri: text,
    hint: "Add object=LABEL. In a shell a URI stands in quotes: without them it ends at the first semicolon.",
  });
}

/** The attributes of a name. */
export function naming({ label, id }: NewName): Template {
  return {
    ...(label === "" ? {} : { CKA_LABEL: Buffer.from(label) }),
    ...(id.length === 0 ? {} : { CKA_ID: id }),
  };
}

/** `OBJECT_EXISTS` where an object of one of the types is found so. */
export async function checkFree(
  token: Token,
  session: Handle,
  types: readonly Pkcs11ObjectType[],
  path: ObjectPath,
): Promise<void> {
  for (const type of types) {
    const found = await search(token.module, session, type, path);
    if (found.length > 0) throw exists(token, found);
  }
}

export function exists(token: Token, found: readonly TokenObject[], hint?: string): CredentialError {
  const [first] = found;
  const what = first === undefined ? "an object" : `${kinds[first.type]} ${quoted(first.label)}`;
  const id = first?.id.length ? ` (id ${Buffer.from(first.id).toString("hex")})` : "";
  return new CredentialError("OBJECT_EXISTS", `${what}${id} is on the token already`, {
    candidates: found.map((object) => objectUri(token, object)),
    ...(hint === undefined ? {} : { hint }),
  });
}

const kinds: Readonly<Record<Pkcs11ObjectType, string>> = {
  cert: "the certificate",
  private: "the private key",
  public: "the public key",
  "secret-key": "the secret key",
  data: "the data object",
};

/** Bytes: enough to be unique on a token, few enough to be read aloud. */
const ID_LENGTH = 8;
