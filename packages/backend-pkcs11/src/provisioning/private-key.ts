import { createPrivateKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { CredentialError, type CurveName, der } from "@ddscred/core";
import { CKK_EC, CKK_RSA, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY } from "../cryptoki/constants.ts";
import { curveParameters } from "../cryptoki/curves.ts";
import type { Template } from "../cryptoki/template.ts";
import { type MadeKeyPair, type NewKeyPair, storeKeyPair } from "./key-pair.ts";
import { privateTemplate, publicTemplate } from "./templates.ts";

/**
 * Stores a key that was made elsewhere. For its errors see {@link KeyImporter}.
 *
 * @param pkcs8 DER of PrivateKeyInfo
 */
export async function importPrivateKey(wanted: NewKeyPair, pkcs8: Uint8Array): Promise<MadeKeyPair> {
  const halves = templatesOf(open(pkcs8), wanted);
  const { module } = wanted.token;
  return await storeKeyPair(wanted, async (session) => {
    const privateKey = await module.createObject(session, halves.privateKey);
    try {
      return { privateKey, publicKey: await module.createObject(session, halves.publicKey) };
    } catch (error) {
      await module.destroyObject(session, privateKey).catch(() => undefined);
      throw error;
    }
  });
}

function open(pkcs8: Uint8Array): KeyObject {
  if (pkcs8.length > MAX_KEY) throw new CredentialError("KEY_INVALID", "the key is larger than any RSA key");
  try {
    return createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
  } catch {
    // Nothing of the error is kept: nobody knows what of the key it says.
    throw new CredentialError("KEY_INVALID", "the private key is no PKCS#8 PrivateKeyInfo that can be read");
  }
}

function templatesOf(key: KeyObject, { name }: NewKeyPair): { privateKey: Template; publicKey: Template } {
  const { asymmetricKeyType: type, asymmetricKeyDetails: { modulusLength = 0, namedCurve = "" } = {} } = key;
  const curve = curves[namedCurve];
  if (type === "ec" && curve !== undefined) {
    const { d, x, y } = key.export({ format: "jwk" });
    const point = Buffer.concat([Uint8Array.of(0x04), bytes(x), bytes(y)]);
    const parameters = { CKA_EC_PARAMS: curveParameters[curve] };
    return halves(
      CKK_EC,
      { ...parameters, CKA_VALUE: bytes(d) },
      // The DER of an OCTET STRING (PKCS#11 2.40 mechanisms 2.3.3).
      { ...parameters, CKA_EC_POINT: der.octetString(point) },
    );
  }
  if (type === "rsa" && modulusLength >= 2048 && modulusLength <= 4096) {
    const jwk = key.export({ format: "jwk" });
    const common = { CKA_MODULUS: bytes(jwk.n), CKA_PUBLIC_EXPONENT: bytes(jwk.e) };
    return halves(CKK_RSA, { ...common, ...rsaSecrets(jwk) }, common);
  }
  const what = type === "rsa" ? `RSA ${modulusLength}` : type === "ec" ? `EC ${namedCurve}` : String(type);
  throw new CredentialError("KEY_UNSUPPORTED", `a key of the kind ${what} is not imported`);

  function halves(keyType: number, privateHalf: Template, publicHalf: Template) {
    return {
      privateKey: { CKA_CLASS: CKO_PRIVATE_KEY, ...privateTemplate(keyType, name), ...privateHalf },
      publicKey: { CKA_CLASS: CKO_PUBLIC_KEY, ...publicTemplate(keyType, name), ...publicHalf },
    };
  }
}

function rsaSecrets({ d, p, q, dp, dq, qi }: JsonWebKey): Template {
  return {
    CKA_PRIVATE_EXPONENT: bytes(d),
    CKA_PRIME_1: bytes(p),
    CKA_PRIME_2: bytes(q),
    CKA_EXPONENT_1: bytes(dp),
    CKA_EXPONENT_2: bytes(dq),
    CKA_COEFFICIENT: bytes(qi),
  };
}

const bytes = (text: string | undefined): Buffer => Buffer.from(text ?? "", "base64url");

const curves: Readonly<Record<string, CurveName>> = {
  prime256v1: "P-256",
  secp384r1: "P-384",
};
const MAX_KEY = 16_384;
