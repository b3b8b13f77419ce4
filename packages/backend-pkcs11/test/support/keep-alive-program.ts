import { pkcs11Backend } from "@ddscred/backend-pkcs11";
import { signatureSchemes } from "@ddscred/core";

/** Signs once, and leaves the backend open with its keep-alive: `keep-alive-program.js MODULE ISOLATION URI`. */
const [, , module = "", isolation, uri = ""] = process.argv;
const backend = pkcs11Backend({
  module,
  isolation: isolation === "inline" ? "inline" : "process",
  keepAlive: 5,
});
const signer = await backend.signer(uri);
await signer.sign(signatureSchemes.ecdsa_p256_sha256, Buffer.from("message"));
setTimeout(() => undefined, 100); // in which sessions are kept alive some times
