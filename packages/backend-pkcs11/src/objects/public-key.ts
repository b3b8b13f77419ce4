import { CredentialError, derOid, type PublicKeyInfo, parsePublicKeyInfo, readDer } from "@ddscred/core";
import { CKK_EC, CKK_EC_EDWARDS, CKK_RSA } from "../cryptoki/constants.ts";
import { curveOf, isEd25519 } from "../cryptoki/curves.ts";
import type { Handle } from "../cryptoki/module.ts";
import type { Token } from "../token/token.ts";
import { readCertificate } from "./certificates.ts";
import { readKey, readKeys } from "./key-attributes.ts";
import { type ObjectPath, objectUri, search, type TokenObject } from "./search.ts";

/**
 * The public half of a private key: out of the key object itself, else out of a public key or certificate
 * object with the same CKA_ID (the same label where there is no id), else what the caller expects. That it is the
 * right one is shown by the first signature, not here.
 *
 * `OBJECT_NOT_FOUND` where there is none of these, `KEY_MISMATCH` where what is expected is of another type,
 * `KEY_UNSUPPORTED`.
 */
export async function publicKeyOf(
  token: Token,
  session: Handle,
  privateKey: TokenObject,
  expected?: Uint8Array,
): Promise<{ publicKey: PublicKeyInfo; given: boolean }> {
  const { said, publicKey: own } = await readKey(token, session, privateKey);
  const keyType = said.CKA_KEY_TYPE;
  if (keyType !== undefined && !typeNames.has(keyType)) {
    throw new CredentialError(
      "KEY_UNSUPPORTED",
      `a key of the type 0x${keyType.toString(16)} cannot be used`,
    );
  }
  const params = said.CKA_EC_PARAMS ?? new Uint8Array();
  if (params.length > 0 && curveOf(params) === undefined && !isEd25519(params)) {
    throw new CredentialError("KEY_UNSUPPORTED", `an EC key ${curveText(params)} cannot be used`);
  }
  const path = privateKey.id.length > 0 ? { id: privateKey.id } : { object: privateKey.label };
  // Keys of several kinds may share an id.
  const fits: Fits = ({ keyType: name }) => keyType === undefined || typeNames.get(keyType) === name;
  const found =
    own ??
    (await fromPublicKeys(token, session, path, fits)) ??
    (await fromCertificates(token, session, path, fits));
  if (found !== undefined) return { publicKey: found, given: false };
  const uri = objectUri(token, privateKey);
  const given = expected === undefined ? undefined : parsePublicKeyInfo(expected);
  if (given !== undefined) {
    if (fits(given)) return { publicKey: given, given: true };
    throw new CredentialError("KEY_MISMATCH", `the private key on the token is no ${given.label} key`, {
      uri,
    });
  }
  throw new CredentialError(
    "OBJECT_NOT_FOUND",
    "nothing on the token tells the public half of the private key",
    {
      uri,
      hint: "Store its certificate, or a public key object, under the same id (CKA_ID) as the private key.",
    },
  );
}

async function fromPublicKeys(token: Token, session: Handle, path: ObjectPath, fits: Fits) {
  const keys = await readKeys(token, session, await search(token.module, session, "public", path));
  return keys.find(({ publicKey }) => publicKey !== undefined && fits(publicKey))?.publicKey;
}

async function fromCertificates(token: Token, session: Handle, path: ObjectPath, fits: Fits) {
  for (const object of await search(token.module, session, "cert", path)) {
    const certificate = await readCertificate(token, session, object);
    if (certificate !== undefined && fits(certificate.publicKey)) return certificate.publicKey;
  }
  return undefined;
}

/** Whether a public key is of the kind that the private key is. */
type Fits = (publicKey: PublicKeyInfo) => boolean;

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
