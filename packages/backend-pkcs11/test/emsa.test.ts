import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  generatePrimeSync,
  type KeyObject,
  privateEncrypt,
  verify,
} from "node:crypto";
import { signatureSchemes } from "@ddscred/core";
import t from "tap";
import { emsaPkcs1, emsaPss } from "../dist/signing/emsa.js";
import { signingPlans } from "../dist/signing/mechanisms.js";

/** Moduli of which the encoding leaves out the first octet, or fills it but for one bit, or but for many. */
for (const bits of [2049, 2048, 2050, 2054, 3072]) {
  const privateKey = rsaKey(bits);
  const publicKey = createPublicKey(privateKey);
  const raised = (encoded: Uint8Array): Buffer =>
    privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, encoded);

  t.test(`what is padded here for a key of ${bits} bits verifies once it is raised`, async (t) => {
    const message = Buffer.from(`a message for ${bits} bits`);
    for (const scheme of Object.values(signatureSchemes).filter(({ keyType }) => keyType === "rsa")) {
      const plan = signingPlans(scheme).find(({ mechanism }) => mechanism.type === 0x3);
      const encoded = plan?.input(message, bits) ?? new Uint8Array();
      t.equal(encoded.length, Math.ceil(bits / 8), "as long as the modulus");
      const padding =
        scheme.padding === "pss" ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
      const options = { key: publicKey, padding, saltLength: scheme.saltLength };
      const name = scheme.hash.replace("-", "");
      t.ok(verify(name, message, options, raised(encoded)), scheme.name);
      t.notOk(verify(name, Buffer.from("another message"), options, raised(encoded)), scheme.name);
    }
  });
}

t.test("EMSA-PSS takes salts of any length, and a new one each time", async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const digest = createHash("sha256").update("message").digest();
  for (const saltLength of [0, 1, 20, 32, 222]) {
    const encoded = emsaPss(digest, "SHA-256", saltLength, 2048);
    const signature = privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, encoded);
    const options = { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
    t.ok(verify("SHA256", Buffer.from("message"), options, signature), String(saltLength));
    const again = emsaPss(digest, "SHA-256", saltLength, 2048);
    t.equal(Buffer.compare(encoded, again) === 0, saltLength === 0);
  }
});

t.test("EMSA-PKCS1 is 00 01, FF, 00 and the DigestInfo (RFC 8017 9.2)", async (t) => {
  const encoded = emsaPkcs1(Uint8Array.of(1, 2, 3), 512);
  t.equal(Buffer.from(encoded).toString("hex"), `0001${"ff".repeat(58)}00010203`);
});

/** OpenSSL makes none whose modulus has an odd number of bits. */
function rsaKey(bits: number): KeyObject {
  if (bits % 2 === 0) return generateKeyPairSync("rsa", { modulusLength: bits }).privateKey;
  const e = 65_537n;
  for (;;) {
    const p = generatePrimeSync((bits + 1) / 2, { bigint: true });
    const q = generatePrimeSync((bits - 1) / 2, { bigint: true });
    const n = p * q;
    if (n.toString(2).length !== bits || (p - 1n) % e === 0n || (q - 1n) % e === 0n) continue;
    const d = inverse(e, (p - 1n) * (q - 1n));
    const parts = { n, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
    const texts = Object.entries(parts).map(([name, value]) => [name, base64url(value)]);
    return createPrivateKey({ key: { kty: "RSA", ...Object.fromEntries(texts) }, format: "jwk" });
  }
}

function inverse(number: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [number % modulus, modulus, 1n, 0n];
  while (a > 1n) [a, b, x, y] = [b % a, a, y - (b / a) * x, x];
  return ((x % modulus) + modulus) % modulus;
}

function base64url(number: bigint): string {
  const hex = number.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex").toString("base64url");
}
