export const TOKEN = "DDSTestToken";
export const PIN = "1234";
export const MESSAGE = Buffer.alloc(256, 7);

/** By default the first signature of a handle and mechanism is verified, slow ones, and one every 10 ms. */
export async function ours(key, isolation, options = {}) {
  const { pkcs11Backend } = await import("../packages/backend-pkcs11/dist/index.js");
  const { signatureSchemes } = await import("../packages/core/dist/index.js");
  const backend = pkcs11Backend({ module: process.env.BENCH_MODULE, isolation, ...options });
  const signer = await backend.signer(`pkcs11:token=${TOKEN};object=alice_key?pin-value=${PIN}`);
  const scheme = signatureSchemes[key === "ec" ? "ecdsa_p256_sha256" : "rsa_pss_sha256"];
  return () => () => signer.sign(scheme, MESSAGE);
}
