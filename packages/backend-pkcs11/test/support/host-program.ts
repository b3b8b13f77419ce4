import { pkcs11Backend } from "@ddscred/backend-pkcs11";
import { signatureSchemes } from "@ddscred/core";

/**
 * A program for tests to start: it signs once, in a module that has a process of its own. Then it ends by
 * itself, without closing anything (`leave`), waits (`stay`), or signs again (`again`).
 */
const [module = "", uri = "", then = "leave"] = process.argv.slice(2);
const signer = await pkcs11Backend({ module, isolation: "process" }).signer(uri);
const sign = () => signer.sign(signatureSchemes.ecdsa_p256_sha256, Buffer.from("message"));
for (let n = 0; n < 20; n++) await sign();
process.stdout.write("signed\n");
if (then === "stay") setInterval(() => undefined, 1000);
if (then === "again") await new Promise((resolve) => process.stdin.once("data", resolve)).then(sign);
