import type { PublicKeyInfo } from "@ddscred/core";
import { CKK_RSA } from "../cryptoki/constants.ts";
import type { Handle } from "../cryptoki/module.ts";
import type { Token } from "../token/token.ts";
import { inTurns } from "./in-turns.ts";
import { type KeyAttributes, publicKeyFrom } from "./public-key-info.ts";
import type { TokenObject } from "./search.ts";

/** A key object, and what it says of its public half. */
export interface ReadKey {
  readonly object: TokenObject;
  readonly said: KeyAttributes;
  /** Undefined where that is not enough. */
  readonly publicKey: PublicKeyInfo | undefined;
}

/** What many key objects say of their public halves, in few exchanges. */
export async function readKeys(
  { module }: Token,
  session: Handle,
  objects: readonly TokenObject[],
): Promise<readonly ReadKey[]> {
  return await readByKind(objects, (some, names) => {
    const handles = some.map(({ handle }) => handle);
    return module.attributesOf(session, handles, names);
  });
}

/** What one says that may withhold some of it, as private keys do. */
export async function readKey({ module }: Token, session: Handle, object: TokenObject): Promise<ReadKey> {
  const [only] = await readByKind([object], async (some, names) => {
    return await Promise.all(some.map(({ handle }) => module.attributes(session, handle, names)));
  });
  return only ?? { object, said: {}, publicKey: undefined };
}

type Read = (
  objects: readonly TokenObject[],
  names: readonly (keyof KeyAttributes)[],
) => Promise<readonly (KeyAttributes | undefined)[]>;

/** Attributes that a kind of key does not have cost an exchange each, so each kind is asked for its own. */
async function readByKind(objects: readonly TokenObject[], read: Read): Promise<readonly ReadKey[]> {
  const types = await read(objects, ["CKA_KEY_TYPE"]);
  let keys: readonly ReadKey[] = objects.map((object, n) => {
    return { object, said: types[n] ?? {}, publicKey: undefined };
  });
  for (const { wanted, names } of parts) {
    const asked = keys.filter(({ said, publicKey }) => publicKey === undefined && wanted(said.CKA_KEY_TYPE));
    if (asked.length === 0) continue;
    const objects = asked.map(({ object }) => object);
    const found = await read(objects, names);
    const more = new Map(objects.map((object, n) => [object, found[n]]));
    keys = await inTurns(keys, (key) => (more.has(key.object) ? withMore(key, more.get(key.object)) : key));
  }
  return keys;
}

function withMore({ object, said: before }: ReadKey, more: KeyAttributes | undefined): ReadKey {
  const said = { ...before, ...more };
  return { object, said, publicKey: publicKeyFrom(said) };
}

/** Where the public half may stand, by CKA_KEY_TYPE. */
const parts: readonly { wanted: (type?: number) => boolean; names: readonly (keyof KeyAttributes)[] }[] = [
  { wanted: (type) => type === CKK_RSA, names: ["CKA_MODULUS", "CKA_PUBLIC_EXPONENT"] },
  { wanted: (type) => type !== CKK_RSA, names: ["CKA_EC_PARAMS", "CKA_EC_POINT"] },
  { wanted: () => true, names: ["CKA_PUBLIC_KEY_INFO"] },
];
