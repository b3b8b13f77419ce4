import { execFileSync } from "node:child_process";
import {
  createDiffieHellman,
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  CredentialError,
  type CryptoProvider,
  ecdsaDerToRaw,
  ecdsaRawToDer,
  parsePublicKeyInfo,
  type SignatureScheme,
  type SignatureSchemeName,
  signatureSchemes,
  webCrypto,
} from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import t from "tap";

const providers: readonly CryptoProvider[] = [nodeCrypto(), webCrypto()];
const archive = fileURLToPath(new URL("../../../../shared/vectors/wycheproof.tar.gz", import.meta.url));
const skip = existsSync(archive) ? false : "../shared/vectors/wycheproof.tar.gz is missing";
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

type Tap = Pick<typeof t, "fail">;
const rsaPair = generateKeyPairSync("rsa", { modulusLength: 2048 });

interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly msg: string;
  readonly sig: string;
  readonly public: string;
  readonly private: string;
  readonly result: "valid" | "invalid" | "acceptable";
}
interface Group {
  readonly publicKeyDer: string;
  readonly tests: readonly Vector[];
}

let folder = "";
if (!skip) {
  folder = mkdtempSync(join(tmpdir(), "ddscred-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  execFileSync("tar", ["xzf", archive, "-C", folder]);
}
const groups = (file: string): readonly Group[] =>
  (JSON.parse(readFileSync(join(folder, "wycheproof", file), "utf8")) as { testGroups: Group[] }).testGroups;

const suites: readonly { file: string; scheme: SignatureSchemeName; salt?: number }[] = [
  { file: "ecdsa_secp256r1_sha256_test.json", scheme: "ecdsa_p256_sha256" },
  { file: "rsa_signature_2048_sha256_test.json", scheme: "rsa_pkcs1_sha256" },
  { file: "rsa_pss_2048_sha256_mgf1_32_test.json", scheme: "rsa_pss_sha256", salt: 32 },
  { file: "rsa_pss_2048_sha256_mgf1_0_test.json", scheme: "rsa_pss_sha256", salt: 0 },
];

// "acceptable" is refused throughout: of these files, two RSA signatures whose DigestInfo lacks its NULL.
for (const { file, scheme, salt } of suites) {
  await t.test(`wycheproof ${file}: valid signatures are true, all others false`, { skip }, async (t) => {
    for (const provider of providers) {
      const count = { valid: 0, invalid: 0, acceptable: 0 };
      const wrong: string[] = [];
      for (const { publicKeyDer, tests } of groups(file)) {
        for (const { tcId, comment, msg, sig, result } of tests) {
          const verdict = await provider.verify(
            bytes(publicKeyDer),
            signatureSchemes[scheme],
            bytes(msg),
            bytes(sig),
          );
          // The suite pins the salt length, DDS does not: what counts is whether the provider can read it.
          const changed = /^s_len changed to (\d+)$/.exec(comment)?.[1];
          const actual = changed === undefined ? salt : Number(changed);
          const readable = actual === undefined || provider.anyPssSalt || actual === 32 || actual === 222;
          const wanted = readable && (result === "valid" || changed !== undefined);
          if (verdict !== wanted) wrong.push(`${tcId} ${comment} (${result}): ${verdict}`);
          count[result]++;
        }
      }
      t.same(wrong, [], `${provider.name}: ${JSON.stringify(count)}`);
      t.ok(count.valid > 0 && count.invalid > 0);
    }
  });
}

await t.test("wycheproof ECDH: valid points agree, all others are KEY_INVALID", { skip }, async (t) => {
  for (const provider of providers) {
    const count = { valid: 0, invalid: 0, acceptable: 0 };
    for (const { tests } of groups("ecdh_secp256r1_ecpoint_test.json")) {
      for (const vector of tests) {
        const ours = await provider.generateEphemeralKey("P-256");
        count[vector.result]++;
        // "acceptable" is one compressed point; DDS-Security sends uncompressed ones only (9.3.2.3.2).
        if (vector.result !== "valid") {
          await rejects(t, ours.agree(bytes(vector.public)), `${vector.tcId} ${vector.comment}`);
          continue;
        }
        const peer = createECDH("prime256v1");
        peer.setPrivateKey(vector.private.padStart(64, "0").slice(-64), "hex");
        await ours.agree(bytes(vector.public));
        const shared = await ours.agree(peer.getPublicKey());
        if (hex(shared) !== peer.computeSecret(ours.publicKey).toString("hex"))
          t.fail(`${vector.tcId} differs`);
      }
    }
    t.ok(count.valid > 0 && count.invalid > 0, `${provider.name}: ${JSON.stringify(count)}`);
  }
});

await t.test(
  "wycheproof P1363: what tokens and browsers write as r || s is judged as its DER",
  { skip },
  async (t) => {
    for (const provider of providers) {
      const count = { valid: 0, invalid: 0, acceptable: 0 };
      const wrong: string[] = [];
      for (const { publicKeyDer, tests } of groups("ecdsa_secp256r1_sha256_p1363_test.json")) {
        for (const { tcId, comment, msg, sig, result } of tests) {
          // Its length is known to whoever reads r || s: that of the curve.
          const verdict =
            sig.length === 128 &&
            (await provider.verify(
              bytes(publicKeyDer),
              signatureSchemes.ecdsa_p256_sha256,
              bytes(msg),
              ecdsaRawToDer(bytes(sig)),
            ));
          if (verdict !== (result === "valid")) wrong.push(`${tcId} ${comment} (${result}): ${verdict}`);
          count[result]++;
        }
      }
      t.same(wrong, [], `${provider.name}: ${JSON.stringify(count)}`);
      t.ok(count.valid > 100 && count.invalid > 50);
    }
  },
);

await t.test(
  "wycheproof ECDH keys: valid ones are P-256 and agree, all others are refused",
  { skip },
  async (t) => {
    // "acceptable" is refused throughout: DER that is not strict, explicit parameters, one compressed point.
    const { publicKey, ...ours } = await nodeCrypto().generateEphemeralKey("P-256");
    t.equal(publicKey.length, 65);
    const count = { valid: 0, invalid: 0, acceptable: 0 };
    const wrong: string[] = [];
    for (const { tests } of groups("ecdh_secp256r1_test.json")) {
      for (const vector of tests) {
        const accepted = await agrees(bytes(vector.public), async (point) => await ours.agree(point));
        if (accepted !== (vector.result === "valid"))
          wrong.push(`${vector.tcId} ${vector.comment}: ${accepted}`);
        count[vector.result]++;
      }
    }
    t.same(wrong, [], JSON.stringify(count));
    t.equal(count.valid + count.invalid + count.acceptable, 612);
  },
);

/** Whether a SubjectPublicKeyInfo is a key on P-256 and its point one of the group. */
async function agrees(spki: Uint8Array, agree: (point: Uint8Array) => Promise<unknown>): Promise<boolean> {
  try {
    if (parsePublicKeyInfo(spki).curve !== "P-256") return false;
    await agree(spki.subarray(-65));
    return true;
  } catch (error) {
    if (error instanceof CredentialError) return false;
    throw error;
  }
}

await t.test("every scheme of the table verifies, and one flipped bit of anything is false", async (t) => {
  const message = Buffer.from("governance");
  for (const scheme of Object.values(signatureSchemes)) {
    const pair = keyPair(scheme);
    const publicKey = new Uint8Array(pair.publicKey.export({ format: "der", type: "spki" }));
    const signature = new Uint8Array(signed(scheme, pair.privateKey, message));
    for (const provider of providers) {
      const verify = (key: Uint8Array, m: Uint8Array, s: Uint8Array) => provider.verify(key, scheme, m, s);
      t.equal(await verify(publicKey, message, signature), true, `${provider.name} ${scheme.name}`);
      t.equal(await verify(publicKey, message, flipped(signature, signature.length - 1)), false);
      t.equal(await verify(publicKey, flipped(message, 3), signature), false);
      t.equal(await verify(flipped(publicKey, publicKey.length - 8), message, signature), false);
      t.equal(await verify(publicKey, message, signature.subarray(1)), false, "shorter");
      t.equal(await verify(publicKey, message, new Uint8Array([...signature, 0])), false, "longer");
      t.equal(await verify(publicKey, message, new Uint8Array()), false, "empty");
    }
  }
});

await t.test(
  "both providers recover the salt lengths that DDS implementations use: 32 and the longest, 222",
  async (t) => {
    const scheme = signatureSchemes.rsa_pss_sha256;
    const { publicKey, privateKey } = keyPair(scheme);
    const spki = publicKey.export({ format: "der", type: "spki" });
    for (const saltLength of [0, 20, 32, 222]) {
      const signature = sign("sha256", Buffer.from("m"), { key: privateKey, padding: 6, saltLength });
      for (const provider of providers) {
        const readable = provider.anyPssSalt || saltLength === 32 || saltLength === 222;
        const verdict = await provider.verify(spki, scheme, Buffer.from("m"), signature);
        t.equal(verdict, readable, `${provider.name} ${saltLength}`);
      }
    }
  },
);

await t.test("a public key of another form or kind is false, never a throw", async (t) => {
  const spki = (pair: { publicKey: KeyObject }) => pair.publicKey.export({ format: "der", type: "spki" });
  const rsa = keyPair(signatureSchemes.rsa_pss_sha256);
  const p256 = keyPair(signatureSchemes.ecdsa_p256_sha256);
  const message = Buffer.from("m");
  const evenModulus = new Uint8Array(spki(rsa));
  const last = evenModulus.length - 6; // before INTEGER 65537
  evenModulus[last] = (evenModulus[last] ?? 0) & 0xfe;
  const keys: readonly Uint8Array[] = [
    new Uint8Array(),
    Buffer.from("not a key"),
    spki(rsa),
    spki(p256),
    spki(rsa).subarray(0, 100),
    new Uint8Array([...spki(rsa), 0]),
    evenModulus,
    spki(generateKeyPairSync("rsa-pss", { modulusLength: 2048 })),
    spki(generateKeyPairSync("ec", { namedCurve: "secp256k1" })),
    spki(generateKeyPairSync("ec", { namedCurve: "prime256v1", paramEncoding: "explicit" })),
    bytes(hex(spki(p256)).replace(/04(.{128})$/, "04".padEnd(130, "00"))), // not on the curve
    spki(generateKeyPairSync("ed448")),
    spki(generateKeyPairSync("x25519")),
  ];
  const foreign = {
    ec: sign("sha256", message, p256.privateKey),
    rsa: sign("sha256", message, rsa.privateKey),
  };
  for (const provider of providers) {
    for (const scheme of Object.values(signatureSchemes)) {
      const verdicts = keys.map((key) =>
        provider.verify(key, scheme, message, foreign[scheme.keyType === "rsa" ? "rsa" : "ec"]),
      );
      const good = (await Promise.all(verdicts))
        .map((verdict, i) => (verdict ? i : -1))
        .filter((i) => i >= 0);
      const own = { rsa_pkcs1_sha256: [2], ecdsa_p256_sha256: [3] }[scheme.name as string] ?? [];
      t.same(good, own, `${provider.name} ${scheme.name}`);
    }
  }
});

await t.test("ECDSA signatures: raw to DER and back, and nothing but strict DER is read", (t) => {
  for (const length of [32, 48, 66]) {
    const curve = ({ 32: "P-256", 48: "P-384", 66: "P-521" } as const)[length] ?? "P-256";
    for (const fill of [1, 0x7f, 0x80, 0xff]) {
      for (const zeros of [0, 1, length - 1]) {
        const half = new Uint8Array(length).fill(fill, zeros);
        const raw = new Uint8Array([...half, ...half.toReversed()]);
        t.same(ecdsaDerToRaw(ecdsaRawToDer(raw), curve), raw);
      }
    }
  }
  const good = "3006020101020101";
  t.same(ecdsaDerToRaw(bytes(good), "P-256")?.length, 64);
  const bad = {
    "trailing byte": "300602010102010100",
    "byte inside the sequence": "300702010102010100",
    "long form of a short length": "308106020101020101",
    "indefinite length": "30800201010201010000",
    "padded r": "300702020001020101",
    "negative r": "3006020181020101",
    "zero r": "3006020100020101",
    "zero s": "3006020101020100",
    "empty r": "30050200020101",
    "s missing": "3003020101",
    "s cut off": "3006020101020201",
    "a set": "3106020101020101",
    nothing: "",
  };
  for (const [what, der] of Object.entries(bad)) t.equal(ecdsaDerToRaw(bytes(der), "P-256"), undefined, what);
  t.equal(
    ecdsaDerToRaw(ecdsaRawToDer(new Uint8Array(96).fill(9)), "P-256"),
    undefined,
    "too long for the curve",
  );
  for (const length of [0, 63, 134]) {
    t.throws(() => ecdsaRawToDer(new Uint8Array(length)), { code: "SIGNATURE_INVALID" }, `raw of ${length}`);
  }
  t.end();
});

await t.test("ephemeral keys agree across providers, and are fresh", async (t) => {
  for (const a of providers) {
    for (const b of providers) {
      const [one, two] = [await a.generateEphemeralKey("P-256"), await b.generateEphemeralKey("P-256")];
      t.equal(
        hex(await one.agree(two.publicKey)),
        hex(await two.agree(one.publicKey)),
        `${a.name} ${b.name}`,
      );
      t.not(hex(one.publicKey), hex(two.publicKey));
      t.match(one, { group: "P-256", publicKey: { length: 65 } });
    }
  }
});

await t.test(
  "MODP-2048-256 is the group of RFC 5114 2.3, and values outside of it are KEY_INVALID",
  async (t) => {
    const node = nodeCrypto();
    const [one, two] = [
      await node.generateEphemeralKey("MODP-2048-256"),
      await node.generateEphemeralKey("MODP-2048-256"),
    ];
    t.equal(hex(await one.agree(two.publicKey)), hex(await two.agree(one.publicKey)));
    t.match([one.publicKey.length, (await one.agree(two.publicKey)).length], [256, 256]);

    // OpenSSL's own copy of the group, written by its number.
    const pem = execFileSync("openssl", ["genpkey", "-algorithm", "DH", "-pkeyopt", "dh_rfc5114:3"]);
    const theirs = createPrivateKey(pem);
    const der = createPublicKey(theirs).export({ format: "der", type: "spki" });
    const group = execFileSync("openssl", ["asn1parse", "-inform", "DER"], { input: der }).toString();
    const [prime = "", generator = ""] = [...group.matchAll(/INTEGER +:([0-9A-F]{400,})/g)].map((m) => m[1]);
    const peer = createDiffieHellman(prime, "hex", generator, "hex");
    peer.generateKeys();
    t.equal(
      hex(await one.agree(peer.getPublicKey())),
      peer.computeSecret(one.publicKey).toString("hex").padStart(512, "0"),
    );

    const p = BigInt(`0x${prime}`);
    const number = (n: bigint) => bytes(n.toString(16).padStart(512, "0"));
    const outside: Record<string, Uint8Array> = {
      0: number(0n),
      1: number(1n),
      "2, of another order": number(2n),
      "p - 1": number(p - 1n),
      p: number(p),
      "p + 1": number(p + 1n),
      empty: new Uint8Array(),
      "257 bytes": new Uint8Array(257).fill(1),
    };
    for (const [what, value] of Object.entries(outside)) await rejects(t, one.agree(value), what);
    await t.rejects(webCrypto().generateEphemeralKey("MODP-2048-256"), { code: "UNSUPPORTED" });
  },
);

await t.test("digests and random bytes", async (t) => {
  for (const provider of providers) {
    for (const hash of ["SHA-256", "SHA-384", "SHA-512"] as const) {
      const wanted = createHash(hash.replace("-", "")).update("abc").digest("hex");
      t.equal(hex(await provider.digest(hash, Buffer.from("abc"))), wanted, `${provider.name} ${hash}`);
    }
    t.equal(provider.randomBytes(65_536).length, 65_536);
    t.not(hex(provider.randomBytes(16)), hex(provider.randomBytes(16)));
    t.equal(provider.randomBytes(0).length, 0);
  }
});

async function rejects(t: Tap, promise: Promise<unknown>, what: string): Promise<void> {
  const error: unknown = await promise.then(
    () => "no error",
    (error: unknown) => error,
  );
  if ((error as { code?: string }).code !== "KEY_INVALID") t.fail(what, { error });
}

function keyPair(scheme: SignatureScheme): { publicKey: KeyObject; privateKey: KeyObject } {
  if (scheme.keyType === "rsa") return rsaPair;
  if (scheme.keyType === "ed25519") return generateKeyPairSync("ed25519");
  return generateKeyPairSync("ec", { namedCurve: scheme.curve ?? "" });
}

function signed(scheme: SignatureScheme, privateKey: KeyObject, message: Uint8Array): Uint8Array {
  const key = { key: privateKey, saltLength: scheme.saltLength ?? 0 };
  const padding = scheme.padding && (scheme.padding === "pss" ? { padding: 6 } : { padding: 1 });
  return sign(scheme.keyType === "ed25519" ? null : scheme.hash.replace("-", ""), message, {
    ...key,
    ...padding,
  });
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((octet, i) => (i === at ? octet ^ 1 : octet));
}
