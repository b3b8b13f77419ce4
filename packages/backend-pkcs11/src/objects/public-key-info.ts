import { type CurveName, der, type PublicKeyInfo, parsePublicKeyInfo } from "@ddscred/core";
import { CKK_EC, CKK_EC_EDWARDS, CKK_RSA } from "../cryptoki/constants.ts";
import { curveOf, curveParameters, isEd25519 } from "../cryptoki/curves.ts";
import type { Attributes } from "../cryptoki/template.ts";
import { ecPoint, ed25519Key } from "./ec-point.ts";

/** What a key object says of its public half. */
export type KeyAttributes = Attributes<
  | "CKA_PUBLIC_KEY_INFO"
  | "CKA_KEY_TYPE"
  | "CKA_MODULUS"
  | "CKA_PUBLIC_EXPONENT"
  | "CKA_EC_PARAMS"
  | "CKA_EC_POINT"
>;

/** A public key out of the attributes of a key object; undefined where they are not enough, or damaged. */
export function publicKeyFrom(said: KeyAttributes): PublicKeyInfo | undefined {
  const { CKA_PUBLIC_KEY_INFO: info, CKA_KEY_TYPE: type, CKA_EC_PARAMS: params } = said;
  const parsed = info === undefined || info.length === 0 ? undefined : parse(info);
  if (parsed !== undefined) return parsed;
  if (type === CKK_RSA) {
    const { CKA_MODULUS: modulus, CKA_PUBLIC_EXPONENT: exponent } = said;
    if (!modulus?.length || !exponent?.length) return undefined;
    return parse(rsaPublicKeyInfo(modulus, exponent));
  }
  if (params === undefined || params.length === 0) return undefined;
  const value = said.CKA_EC_POINT ?? new Uint8Array();
  if (type === CKK_EC_EDWARDS && isEd25519(params)) {
    const key = ed25519Key(value);
    return key && parse(ed25519PublicKeyInfo(key));
  }
  const curve = curveOf(params);
  if (type !== CKK_EC || curve === undefined) return undefined;
  const point = ecPoint(curve, value);
  return point && parse(ecPublicKeyInfo(curve, point));
}

function rsaPublicKeyInfo(modulus: Uint8Array, exponent: Uint8Array): Uint8Array {
  const key = der.sequence(der.integer(modulus), der.integer(exponent));
  return der.sequence(rsaEncryption, der.bitString(key));
}

function ecPublicKeyInfo(curve: CurveName, point: Uint8Array): Uint8Array {
  return der.sequence(der.sequence(ecPublicKey, curveParameters[curve]), der.bitString(point));
}

function ed25519PublicKeyInfo(key: Uint8Array): Uint8Array {
  return der.sequence(der.sequence(idEd25519), der.bitString(key));
}

function parse(spki: Uint8Array): PublicKeyInfo | undefined {
  try {
    return parsePublicKeyInfo(spki);
  } catch {
    return undefined;
  }
}

/** AlgorithmIdentifier { rsaEncryption, NULL } (RFC 3279 2.3.1), and the OID id-ecPublicKey (RFC 5480 2.1.1). */
const rsaEncryption = Buffer.from("300d06092a864886f70d0101010500", "hex");
const ecPublicKey = Buffer.from("06072a8648ce3d0201", "hex");
/** RFC 8410 3 */
const idEd25519 = Buffer.from("06032b6570", "hex");
