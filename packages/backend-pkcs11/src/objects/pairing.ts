import { type Certificate, type PublicKeyInfo, sameBytes } from "@ddscred/core";
import type { Handle } from "../cryptoki/module.ts";
import type { Token } from "../token/token.ts";
import { certificateAttributes, certificateFrom } from "./certificates.ts";
import { inTurns } from "./in-turns.ts";
import { readKeys } from "./key-attributes.ts";
import { search, type TokenObject } from "./search.ts";

/** What goes with a private key on its token. */
export interface Pair {
  readonly publicKey: PublicKeyInfo | undefined;
  /** The certificate object with its id and its public key. */
  readonly certificate: TokenObject | undefined;
}

/**
 * What goes with each of many private keys: one search for the public keys and one for the certificates, whose
 * attributes are read in bulk. They are paired by CKA_ID (by label where there is none), and a certificate only
 * with a key whose public half it holds.
 */
export async function pairsOf(
  token: Token,
  session: Handle,
  keys: readonly TokenObject[],
): Promise<readonly Pair[]> {
  const own = (await readKeys(token, session, keys)).map(({ publicKey }) => publicKey);
  const publicKeys = own.includes(undefined)
    ? await publicKeysByName(token, session)
    : new Map<string, PublicKeyInfo>();
  const certificates = await certificatesByName(token, session);
  return await inTurns(keys, (key, n) => {
    const candidates = certificates.get(nameOf(key)) ?? [];
    const publicKey = own[n] ?? publicKeys.get(nameOf(key)) ?? candidates[0]?.certificate.publicKey;
    const fitting = candidates.find(
      ({ certificate }) => publicKey !== undefined && sameBytes(certificate.publicKey.spki, publicKey.spki),
    );
    return { publicKey, certificate: fitting?.object };
  });
}

async function publicKeysByName(token: Token, session: Handle): Promise<Map<string, PublicKeyInfo>> {
  const byName = new Map<string, PublicKeyInfo>();
  const objects = await search(token.module, session, "public", {});
  await inTurns(await readKeys(token, session, objects), ({ object, publicKey }) => {
    if (publicKey !== undefined && !byName.has(nameOf(object))) byName.set(nameOf(object), publicKey);
  });
  return byName;
}

interface Stored {
  readonly object: TokenObject;
  readonly certificate: Certificate;
}

async function certificatesByName(token: Token, session: Handle): Promise<Map<string, Stored[]>> {
  const byName = new Map<string, Stored[]>();
  const objects = await search(token.module, session, "cert", {});
  const handles = objects.map(({ handle }) => handle);
  const said = await token.module.attributesOf(session, handles, certificateAttributes);
  await inTurns(objects, (object, n) => {
    const certificate = unlessDamaged(() => certificateFrom(token, object, said[n] ?? {}));
    if (certificate === undefined) return;
    const others = byName.get(nameOf(object));
    if (others === undefined) byName.set(nameOf(object), [{ object, certificate }]);
    else if (others.length < MAX_CANDIDATES) others.push({ object, certificate });
  });
  return byName;
}

function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // it is told where the certificate itself is listed
  }
}

function nameOf({ id, label }: TokenObject): string {
  return id.length > 0 ? `id ${Buffer.from(id).toString("hex")}` : `label ${label}`;
}

/** Of one name. */
const MAX_CANDIDATES = 16;
