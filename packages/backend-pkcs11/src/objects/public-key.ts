import { CredentialError, derOid, type PublicKeyInfo, readDer, sameBytes } from "@ddscred/core";
import { CKK_EC, CKK_EC_EDWARDS, CKK_RSA } from "../cryptoki/constants.ts";
import { curveOf, isEd25519 } from "../cryptoki/curves.ts";
import type { Handle } from "../cryptoki/module.ts";
import type { Token } from "../token/token.ts";
import { readCertificate } from "./certificates.ts";
import { readKey, readKeys } from "./key-attributes.ts";
import { type ObjectPath, search, type TokenObject } from "./search.ts";

/** What the objects of a token say about the public half of a private key. */
export interface PublicHalves {
  /** CKA_KEY_TYPE in the words of a PublicKeyInfo; undefined where the key does not say it. */
  readonly keyType: PublicKeyInfo["keyType"] | undefined;
  /** What it may be, the likeliest first; several where several keys share an id. */
  readonly candidates: readonly PublicKeyInfo[];
}

/**
 * What the public half of a private key may be: out of the key object itself, else out of the public key objects, else
 * out of the certificates with the same CKA_ID (the same label where there is no id). Which it is is shown by a
 * signature, not here.
 *
 * `KEY_UNSUPPORTED`, and `DER_INVALID` or `CERTIFICATE_INVALID` where there is nothing but certificates that cannot be read.
 */
export async function publicHalvesOf(
  token: Token,
  session: Handle,
  privateKey: TokenObject,
): Promise<PublicHalves> {
  const { said, publicKey: own } = await readKey(token, session, privateKey);
  const type = said.CKA_KEY_TYPE;
  const keyType = type === undefined ? undefined : typeNames.get(type);
  if (type !== undefined && keyType === undefined) {
    throw new CredentialError("KEY_UNSUPPORTED", `a key of the type 0x${type.toString(16)} cannot be used`);
  }
  const params = said.CKA_EC_PARAMS ?? new Uint8Array();
  const curve = curveOf(params);
  if (params.length > 0 && curve === undefined && !isEd25519(params)) {
    throw new CredentialError("KEY_UNSUPPORTED", `an EC key ${curveText(params)} cannot be used`);
  }
  // Keys of several kinds may share an id.
  const fits = (key: PublicKeyInfo): boolean =>
    (keyType === undefined || keyType === key.keyType) && (curve === undefined || curve === key.curve);
  if (own !== undefined && fits(own)) return { keyType, candidates: [own] };
  const path = privateKey.id.length > 0 ? { id: privateKey.id } : { object: privateKey.label };
  const known = (await fromPublicKeys(token, session, path)).filter(({ key }) => fits(key));
  const found =
    known.length > 0 ? known : (await fromCertificates(token, session, path)).filter(({ key }) => fits(key));
  const hasItsLabel = ({ label }: Found): boolean => label === privateKey.label;
  return { keyType, candidates: distinct([...found.filter(hasItsLabel), ...found]) };
}

/** A public key, and what the object that holds it is called. */
interface Found {
  readonly key: PublicKeyInfo;
  readonly label: string;
}

async function fromPublicKeys(token: Token, session: Handle, path: ObjectPath): Promise<Found[]> {
  const keys = await readKeys(token, session, await search(token.module, session, "public", path));
  return keys.flatMap(({ publicKey, object: { label } }) => (publicKey ? [{ key: publicKey, label }] : []));
}

/** One that cannot be read is told only where there is no other. */
async function fromCertificates(token: Token, session: Handle, path: ObjectPath): Promise<Found[]> {
  const found: Found[] = [];
  let damage: unknown;
  for (const object of await search(token.module, session, "cert", path)) {
    try {
      const certificate = await readCertificate(token, session, object);
      if (certificate !== undefined) found.push({ key: certificate.publicKey, label: object.label });
    } catch (error) {
      if (!(error instanceof CredentialError) || error.rv !== undefined) throw error;
      damage ??= error;
    }
  }
  if (found.length === 0 && damage !== undefined) throw damage;
  return found;
}

function distinct(found: readonly Found[]): readonly PublicKeyInfo[] {
  const keys: PublicKeyInfo[] = [];
  for (const { key } of found) if (!keys.some(({ spki }) => sameBytes(spki, key.spki))) keys.push(key);
  return keys.slice(0, MAX_CANDIDATES);
}

function curveText(params: Uint8Array): string {
  try {
    return `on curve ${derOid(params, readDer(params))}`;
  } catch {
    return "with explicit curve parameters";
  }
}

const typeNames: ReadonlyMap<number, PublicKeyInfo["keyType"]> = new Map([
  [CKK_RSA, "rsa"],
  [CKK_EC, "ec"],
  [CKK_EC_EDWARDS, "ed25519"],
]);
/** Each costs a signature to find out. */
const MAX_CANDIDATES = 8;
