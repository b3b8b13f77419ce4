// A stand-in for the service, so that the example runs anywhere: it answers as a vendor's SDK would.

import { constants, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { setImmediate } from "node:timers/promises";

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
const ALGORITHMS = {
  ECDSA_SHA_256: ["sha256", {}],
  ECDSA_SHA_384: ["sha384", {}],
  RSASSA_PSS_SHA_256: ["sha256", PSS],
  RSASSA_PKCS1_V1_5_SHA_256: ["sha256", {}],
};

/** @param {Record<string, { certificate?: string, privateKey?: string }>} keys PEM by key name */
export function memoryKms(keys) {
  const entry = async (name, part) => {
    await setImmediate();
    const value = Object.hasOwn(keys, name) ? keys[name][part] : undefined;
    if (value !== undefined) return value;
    throw Object.assign(new Error(`key ${name} does not exist`), { name: "NotFoundException" });
  };
  return {
    getCertificate: (name) => entry(name, "certificate"),
    async getPublicKey(name) {
      const publicKey = createPublicKey(await entry(name, "privateKey"));
      return new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
    },
    async sign(name, algorithm, message) {
      const [hash, options] = ALGORITHMS[algorithm];
      const key = createPrivateKey(await entry(name, "privateKey"));
      return new Uint8Array(sign(hash, message, { key, ...options }));
    },
  };
}
