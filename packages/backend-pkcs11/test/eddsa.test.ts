import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { pkcs11Backend } from "@ddscred/backend-pkcs11";
import { signatureSchemes, webCrypto } from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import t from "tap";
import { publicKeyFrom } from "../dist/objects/public-key-info.js";
import { failure } from "./support/failure.ts";
import { skip as noToken, PIN, module as softHsm, TokenFolder } from "./support/softhsm.ts";

const scheme = signatureSchemes.ed25519;
const message = Buffer.from("message");
const CKK_EC_EDWARDS = 0x40;

t.test("an Ed25519 key signs, and both providers verify it", { skip: noEddsa() }, async (t) => {
  const folder = new TokenFolder();
  t.teardown(() => folder.remove());
  folder.add("eddsa");
  const tool = ["--module", softHsm, "--token-label", "eddsa", "--login", "--pin", PIN];
  const pair = ["--keypairgen", "--key-type", "EC:edwards25519", "--label", "key", "--id", "01"];
  execFileSync("pkcs11-tool", [...tool, ...pair], { stdio: "pipe" });
  for (const isolation of ["inline", "process"] as const) {
    const backend = pkcs11Backend({ module: softHsm, isolation });
    try {
      const signer = await backend.signer(`pkcs11:token=eddsa;object=key?pin-value=${PIN}`);
      t.same(
        signer.schemes.map(({ name }) => name),
        ["ed25519"],
      );
      const signature = await signer.sign(scheme, message);
      t.equal(signature.length, 64);
      for (const provider of [nodeCrypto(), webCrypto()]) {
        t.ok(await provider.verify(signer.publicKey, scheme, message, signature), provider.name);
        const other = Buffer.from("another message");
        t.notOk(await provider.verify(signer.publicKey, scheme, other, signature), provider.name);
      }
      const wrong = signatureSchemes.ecdsa_p256_sha256;
      t.equal((await failure(signer.sign(wrong, message))).code, "MECHANISM_UNSUPPORTED");
    } finally {
      await backend.close();
    }
  }
});

t.test("an Ed25519 public key is read in each form that modules give it", async (t) => {
  const { publicKey } = generateKeyPairSync("ed25519");
  const spki = publicKey.export({ format: "der", type: "spki" });
  const key = spki.subarray(-32);
  const names = ["06032b6570", "06092b06010401da470f01", "130c656477617264733235353139"];
  const forms = [key, Buffer.concat([Buffer.of(4, 32), key]), Buffer.concat([Buffer.of(3, 33, 0), key])];
  const read = (params: string, point: Uint8Array) =>
    publicKeyFrom({
      CKA_KEY_TYPE: CKK_EC_EDWARDS,
      CKA_EC_PARAMS: Buffer.from(params, "hex"),
      CKA_EC_POINT: point,
    });
  for (const name of names) {
    for (const form of forms) t.same(read(name, form)?.spki, new Uint8Array(spki), `${name} ${form.length}`);
  }
  t.equal(read("06032b6571", key), undefined, "another curve");
  for (const point of [key.subarray(1), Buffer.concat([Buffer.of(4, 31), key]), Buffer.alloc(0)]) {
    t.equal(read("06032b6570", point), undefined, "a point of another form");
  }
});

/** Why a token cannot sign in it here; false where it can. */
function noEddsa(): string | false {
  if (noToken !== false) return noToken;
  try {
    const mechanisms = execFileSync("pkcs11-tool", ["--module", softHsm, "-M"], { stdio: "pipe" });
    return mechanisms.includes("EDDSA") ? false : "this SoftHSM has no EdDSA";
  } catch {
    return "pkcs11-tool is not installed, or SoftHSM not configured";
  }
}
