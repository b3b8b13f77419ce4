import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { type Pkcs11BackendOptions, pkcs11Backend } from "@ddscred/backend-pkcs11";
import {
  createResolver,
  type SignatureScheme,
  type Signer,
  signatureSchemes,
  webCrypto,
} from "@ddscred/core";
import t, { type Test } from "tap";
import { coordinates, newEcKey } from "./support/ec-keys.ts";
import { failure } from "./support/failure.ts";
import { issueMaterial } from "./support/issue.ts";
import {
  certificateObject,
  ecPublicKeyObject,
  privateKeyObject,
  type TokenObjectSpec,
} from "./support/objects.ts";
import { PIN, skip, module as softHsm, TokenFolder } from "./support/softhsm.ts";

/*
 * Where the public half of a private key is found when the key itself does not tell it, as EC keys on SoftHSM do not.
 */

const message = Buffer.from("message");
const folder = skip === false ? new TokenFolder() : undefined;
t.teardown(() => folder?.remove());
const login = `?pin-value=${PIN}`;

const pkcs8 = (key: KeyObject) => key.export({ format: "der", type: "pkcs8" });
const spki = (key: KeyObject) => createPublicKey(key).export({ format: "der", type: "spki" });

function certificateOf(key: KeyObject): Uint8Array {
  const { ec } = issueMaterial({ ec: spki(key), rsa: spki(key), twins: [] });
  return ec?.certificate.der ?? new Uint8Array();
}

const octetString = (content: Uint8Array) => {
  const { length } = content;
  return Buffer.concat([length < 0x80 ? Buffer.of(4, length) : Buffer.of(4, 0x81, length), content]);
};

/** CKA_EC_POINT in the ways of modules. */
const forms: Record<string, (key: KeyObject) => Buffer> = {
  bare: (key) => Buffer.concat([Buffer.of(4), ...coordinates(key)]),
  "in an OCTET STRING": (key) => octetString(Buffer.concat([Buffer.of(4), ...coordinates(key)])),
  "in an OCTET STRING of a length that BER allows": (key) => {
    const point = Buffer.concat([Buffer.of(4), ...coordinates(key)]);
    return Buffer.concat([Buffer.of(4, 0x82, 0, point.length), point]);
  },
  "in a BIT STRING": (key) => {
    const point = Buffer.concat([Buffer.of(4), ...coordinates(key)]);
    const { length } = point;
    const header = length + 1 < 0x80 ? Buffer.of(3, length + 1, 0) : Buffer.of(3, 0x81, length + 1, 0);
    return Buffer.concat([header, point]);
  },
  compressed: (key) => {
    const [x, y] = coordinates(key);
    return Buffer.concat([Buffer.of(2 + ((y.at(-1) ?? 0) & 1)), x]);
  },
  "compressed in an OCTET STRING": (key) => octetString(forms["compressed"]?.(key) ?? Buffer.of()),
  "as mere coordinates": (key) => Buffer.concat(coordinates(key)),
};

async function withToken(
  t: Test,
  label: string,
  objects: readonly TokenObjectSpec[],
  options: Pkcs11BackendOptions = {},
) {
  folder?.add(label, objects);
  const backend = pkcs11Backend({ module: softHsm, isolation: "process", ...options });
  t.teardown(() => backend.close());
  return { backend, open: (name: string) => backend.signer(`pkcs11:token=${label};object=${name}${login}`) };
}

async function isGood(signer: Signer, key: KeyObject, scheme: SignatureScheme): Promise<boolean> {
  const isItsKey = Buffer.compare(signer.publicKey, spki(key)) === 0;
  return isItsKey && webCrypto().verify(spki(key), scheme, message, await signer.sign(scheme, message));
}

t.test("EC points are read in every encoding that modules give them", { skip }, async (t) => {
  const keys = Object.entries(forms).flatMap(([form, encode]) =>
    (["P-256", "P-384", "P-521"] as const).map((curve, n) => ({
      form,
      encode,
      curve,
      key: newEcKey(curve),
      n,
    })),
  );
  const { open } = await withToken(
    t,
    "points",
    keys.flatMap(({ key, curve, encode }, n) => {
      const id = Buffer.of(1, n).toString("hex");
      return [
        privateKeyObject(pkcs8(key), { label: `key-${n}`, id }),
        ecPublicKeyObject(curve, encode(key), { label: `key-${n}`, id }),
      ];
    }),
  );
  for (const [n, { form, curve, key }] of keys.entries()) {
    const scheme =
      signatureSchemes[
        (
          {
            "P-256": "ecdsa_p256_sha256",
            "P-384": "ecdsa_p384_sha384",
            "P-521": "ecdsa_p521_sha512",
          } as const
        )[curve]
      ];
    t.ok(await isGood(await open(`key-${n}`), key, scheme), `${curve}, ${form}`);
  }
});

t.test("what is no point of the curve is none, however it is wrapped", { skip }, async (t) => {
  const points = {
    "a coordinate of no point": Buffer.concat([Buffer.of(2), Buffer.alloc(32, 0xff)]),
    "a length that is too long": Buffer.concat([Buffer.of(4, 0x42), Buffer.alloc(65, 4)]),
    nothing: Buffer.of(4, 0),
    "a BIT STRING of odd bits": Buffer.concat([Buffer.of(3, 66, 1, 4), Buffer.alloc(64, 1)]),
  };
  const { open } = await withToken(
    t,
    "no-points",
    Object.values(points).flatMap((point, n) => [
      privateKeyObject(pkcs8(newEcKey()), { label: `key-${n}`, id: `0${n}` }),
      ecPublicKeyObject("P-256", point, { label: `key-${n}`, id: `0${n}` }),
    ]),
  );
  for (const [n, what] of Object.keys(points).entries()) {
    t.equal((await failure(open(`key-${n}`))).code, "OBJECT_NOT_FOUND", what);
  }
});

t.test("of several public halves under one id, the signature says which it is", { skip }, async (t) => {
  const [first, second, third, stranger] = [newEcKey(), newEcKey(), newEcKey(), newEcKey()];
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const point = (key: KeyObject) => forms["in an OCTET STRING"]?.(key) ?? Buffer.of();
  const { open, backend } = await withToken(t, "halves", [
    // Two pairs under one id, each half with the label of the other's.
    privateKeyObject(pkcs8(first), { label: "first", id: "0a" }),
    privateKeyObject(pkcs8(second), { label: "second", id: "0a" }),
    ecPublicKeyObject("P-256", point(first), { label: "second", id: "0a" }),
    ecPublicKeyObject("P-256", point(second), { label: "first", id: "0a" }),
    // An RSA key beside an EC key.
    privateKeyObject(pkcs8(rsa), { label: "rsa", id: "0b" }),
    privateKeyObject(pkcs8(third), { label: "third", id: "0b" }),
    certificateObject(certificateOf(rsa), { label: "rsa", id: "0b" }),
    certificateObject(certificateOf(third), { label: "third", id: "0b" }),
    // Certificates: a damaged one, one of another key, its own.
    privateKeyObject(pkcs8(stranger), { label: "renewed", id: "0c" }),
    certificateObject(Buffer.from("damaged"), { label: "a", id: "0c" }),
    certificateObject(certificateOf(first), { label: "b", id: "0c" }),
    certificateObject(certificateOf(stranger), { label: "c", id: "0c" }),
  ]);
  const p256 = signatureSchemes.ecdsa_p256_sha256;
  for (const [name, key, scheme] of [
    ["first", first, p256],
    ["second", second, p256],
    ["third", third, p256],
    ["rsa", rsa, signatureSchemes.rsa_pss_sha256],
    ["renewed", stranger, p256],
  ] as const) {
    t.ok(await isGood(await open(name), key, scheme), name);
    t.ok(await isGood(await open(name), key, scheme), `${name}, opened again`);
  }
  t.equal((await failure(backend.signer(`pkcs11:token=halves;id=%0A${login}`))).code, "OBJECT_AMBIGUOUS");
});

t.test(
  "a public key object of another key does not hide the certificate that is asked for",
  { skip },
  async (t) => {
    const [key, stranger] = [newEcKey(), newEcKey()];
    const { backend, open } = await withToken(t, "stranger", [
      privateKeyObject(pkcs8(key), { label: "key", id: "01" }),
      ecPublicKeyObject("P-256", forms["bare"]?.(stranger) ?? Buffer.of(), { label: "key", id: "01" }),
      certificateObject(certificateOf(key), { label: "key", id: "01" }),
    ]);
    const scheme = signatureSchemes.ecdsa_p256_sha256;
    const error = await failure((await open("key")).sign(scheme, message));
    t.match(error, { code: "KEY_MISMATCH", hint: /CKA_ID/ });
    const { signer } = await createResolver([backend]).credential({
      certificate: "pkcs11:token=stranger;object=key",
      privateKey: `pkcs11:token=stranger;object=key;type=private${login}`,
    });
    t.ok(await isGood(signer, key, scheme));
  },
);
