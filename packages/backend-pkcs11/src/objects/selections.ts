import { type Pkcs11ObjectType, sameBytes } from "@ddscred/core";
import type { Handle } from "../cryptoki/module.ts";
import type { Token } from "../token/token.ts";
import { namesOf, type ObjectPath, search, type TokenObject } from "./search.ts";

/**
 * What was found on a token, by what was looked for. A token with thousands of objects searches for a tenth of
 * a second: that is done once for a selector and an epoch. Before they are given out again, the objects are
 * asked for their names: one that was destroyed or renamed is looked for anew. An object that was added under
 * the same name by somebody else is seen in the next epoch.
 */
export class Selections {
  #epoch = -1;
  readonly #known = new Map<string, Promise<readonly TokenObject[]>>();

  /** As {@link search}. */
  async find(
    token: Token,
    session: Handle,
    type: Pkcs11ObjectType,
    path: ObjectPath,
  ): Promise<readonly TokenObject[]> {
    if (this.#epoch !== token.epoch) this.clear();
    this.#epoch = token.epoch;
    const key = keyOf(token, type, path);
    const known = this.#known.get(key);
    const objects = await known?.catch(() => undefined);
    if (objects !== undefined && (await areStillThere(token, session, objects))) return objects;
    if (this.#known.get(key) === known) this.#known.delete(key);
    return await (this.#known.get(key) ?? this.#search(key, search(token.module, session, type, path)));
  }

  /** After objects were made or removed. */
  clear(): void {
    this.#known.clear();
  }

  async #search(key: string, searching: Promise<readonly TokenObject[]>): Promise<readonly TokenObject[]> {
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= MAX_SELECTORS) this.#known.delete(oldest);
    this.#known.set(key, searching);
    let found: readonly TokenObject[] = [];
    try {
      found = await searching;
      return found;
    } finally {
      // What is missing may be there the next time.
      const isKept = found.length > 0 && found.length <= MAX_OBJECTS;
      if (!isKept && this.#known.get(key) === searching) this.#known.delete(key);
    }
  }
}

/** The same for URIs that compare equal (RFC 7512 2.6), and another one where a login shows more. */
function keyOf({ isOpen }: Token, type: Pkcs11ObjectType, { object, id }: ObjectPath): string {
  return JSON.stringify([type, isOpen, object?.normalize("NFC"), id && Buffer.from(id).toString("hex")]);
}

async function areStillThere(
  { module }: Token,
  session: Handle,
  objects: readonly TokenObject[],
): Promise<boolean> {
  const named = await namesOf(
    module,
    session,
    objects.map(({ handle }) => handle),
  );
  return objects.every(({ label, id }, n) => {
    const now = named[n];
    return now !== undefined && now.label === label && sameBytes(now.id, id);
  });
}

const MAX_SELECTORS = 1000;
/** Of one selector: a chain of certificates, not a listing. */
const MAX_OBJECTS = 16;
