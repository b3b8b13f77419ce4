import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { ecPublicKeyObject, type ObjectOptions, privateKeyObject, type TokenObjectSpec } from "./objects.ts";

/**
 * A new private key, read from its bytes: Node.js 20 can stand still for ever where one that was just made is exported
 * as a JWK while memory is collected.
 */
export function newEcKey(namedCurve = "P-256"): KeyObject {
  const { privateKey } = generateKeyPairSync("ec", {
    namedCurve,
    publicKeyEncoding: { format: "der", type: "spki" },
    privateKeyEncoding: { format: "der", type: "pkcs8" },
  });
  return createPrivateKey({ key: privateKey, format: "der", type: "pkcs8" });
}

/** X and Y of a key, as long as its curve wants them. */
export function coordinates(key: KeyObject): readonly [x: Buffer, y: Buffer] {
  const { x = "", y = "" } = key.export({ format: "jwk" });
  return [Buffer.from(x, "base64url"), Buffer.from(y, "base64url")];
}

/** Both halves of a new key as objects of a token; the options are those of the private one. */
export function newPair(
  options: ObjectOptions & { readonly label: string; readonly id: string },
  curve: "P-256" | "P-384" = "P-256",
): readonly [TokenObjectSpec, TokenObjectSpec] {
  const key = newEcKey(curve);
  const [x, y] = coordinates(key);
  const point = Buffer.concat([Buffer.of(4, 1 + x.length + y.length, 4), x, y]);
  const { label, id } = options;
  return [
    privateKeyObject(key.export({ format: "der", type: "pkcs8" }), options),
    ecPublicKeyObject(curve, point, { label, id }),
  ];
}
