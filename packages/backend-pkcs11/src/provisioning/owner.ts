import { der, type PublicKeyInfo, readDer, sameBytes } from "@ddscred/core";
import { CKO_PUBLIC_KEY } from "../cryptoki/constants.ts";
import type { Handle } from "../cryptoki/module.ts";
import type { Template } from "../cryptoki/template.ts";
import { publicHalvesOf } from "../objects/public-key.ts";
import { objectAt, search, type TokenObject } from "../objects/search.ts";
import type { Token } from "../token/token.ts";

/**
 * The private keys on the token with this public half, whatever they are called. The token searches for the
 * public half where it has one; only where that finds nothing are all keys looked at, one by one.
 */
export async function privateKeysOf(
  token: Token,
  session: Handle,
  publicKey: PublicKeyInfo,
): Promise<readonly TokenObject[]> {
  const { module } = token;
  const near: TokenObject[] = [];
  for (const template of publicTemplates(publicKey)) {
    for (const handle of await module.find(session, template)) {
      const { label, id } = await objectAt(module, session, "public", handle);
      const path = id.length > 0 ? { id } : { object: label };
      near.push(...(await search(module, session, "private", path)));
    }
  }
  const found = await owners(token, session, near, publicKey);
  if (found.length > 0) return found;
  const all = await search(module, session, "private", {});
  return await owners(token, session, all.slice(0, MAX_KEYS), publicKey);
}

async function owners(
  token: Token,
  session: Handle,
  keys: readonly TokenObject[],
  { spki }: PublicKeyInfo,
): Promise<readonly TokenObject[]> {
  const found: TokenObject[] = [];
  for (const key of keys) {
    const { candidates } = await publicHalvesOf(token, session, key).catch(() => NOTHING_KNOWN);
    const isNew = !found.some(({ handle }) => sameBytes(handle, key.handle));
    if (isNew && candidates.some((known) => sameBytes(known.spki, spki))) found.push(key);
  }
  return found;
}

const NOTHING_KNOWN = { candidates: [] };

/** What a public key object of it holds: the modulus, or the point, which modules store in two ways. */
function publicTemplates({ spki, keyType }: PublicKeyInfo): readonly Template[] {
  const bitString = readDer(spki).children[1];
  if (bitString === undefined) return [];
  const key = spki.subarray(bitString.contentStart + 1, bitString.end);
  if (keyType === "ec") {
    const points = [key, der.octetString(key)];
    return points.map((point) => ({ CKA_CLASS: CKO_PUBLIC_KEY, CKA_EC_POINT: point }));
  }
  if (keyType !== "rsa") return [];
  const modulus = readDer(key).children[0];
  if (modulus === undefined) return [];
  const content = key.subarray(modulus.contentStart, modulus.end);
  return [{ CKA_CLASS: CKO_PUBLIC_KEY, CKA_MODULUS: content[0] === 0 ? content.subarray(1) : content }];
}

/** Looked at one by one, where each may cost a search. */
const MAX_KEYS = 200;
