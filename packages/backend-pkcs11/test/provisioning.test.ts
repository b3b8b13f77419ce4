// Keys made on tokens, certificates stored beside them, objects removed: what stays there when it goes wrong.

import { execFileSync, spawnSync } from "node:child_process";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { type Pkcs11Source, pkcs11Backend } from "@ddscred/backend-pkcs11";
import {
  type CredentialDescription,
  CredentialError,
  createResolver,
  type ErrorCode,
  issueCertificate,
  type NewKeyType,
  nameFromText,
  type Signer,
  tokenError,
  webCrypto,
} from "@ddscred/core";
import t, { type Test } from "tap";
import { Pkcs11Backend } from "../dist/backend.js";
import { failure } from "./support/failure.ts";
import { module, PIN, skip, TokenFolder } from "./support/softhsm.ts";
import { type CallLog, type Overrides, spiedModules } from "./support/spy.ts";

t.setTimeout(600_000);

const login = `?pin-value=${PIN}`;
const at = (path: string): string => `pkcs11:token=Provisioning;${path}${login}`;
const withPin = (uri: string): string => `${uri}${login}`;
const folder = skip === false ? new TokenFolder() : undefined;
t.teardown(() => folder?.remove());
folder?.add("Provisioning");

for (const isolation of ["inline", "process"] as const) {
  t.test(`keys of all kinds, ${isolation}`, { skip }, async (t) => {
    await using backend = pkcs11Backend({ module, isolation });
    const kinds: readonly (readonly [NewKeyType, string])[] = [
      ["ec-p256", "EC P-256"],
      ["ec-p384", "EC P-384"],
      ["rsa-2048", "RSA 2048"],
      ["rsa-3072", "RSA 3072"],
      ["rsa-4096", "RSA 4096"],
    ];
    // RSA of 4096 bits takes its time; that it is made alike in both isolations is shown by the others.
    for (const [keyType, label] of kinds.slice(0, isolation === "inline" ? 5 : 3)) {
      const made = await backend.generateKeyPair(at(`object=kind-${keyType}`), { keyType });
      t.match(
        made.uri,
        new RegExp(`^pkcs11:token=Provisioning;serial=\\w+;object=kind-${keyType};type=private;id=`),
      );
      t.same(made.protection, { sensitive: true, neverExtractable: true, local: true });
      t.equal(made.extractable, false);
      await signs(t, made);
      const [described] = await listed(backend, withPin(made.uri));
      t.match(described?.details, { key: label, sensitive: "yes", extractable: "no" });
      if (keyType.startsWith("rsa")) {
        const key = createPublicKey({ key: Buffer.from(made.publicKey), format: "der", type: "spki" });
        t.equal(key.asymmetricKeyDetails?.publicExponent, 65537n);
      }
      await removePair(backend, made);
      t.same(await listed(backend, at(`object=kind-${keyType}`)), []);
    }
  });

  t.test(`a half-made pair is removed, ${isolation}`, { skip }, async (t) => {
    const signal = new AbortController();
    await using backend = pkcs11Backend({ module, isolation });
    const making = backend.generateKeyPair(at("object=half"), { keyType: "rsa-2048", signal: signal.signal });
    setTimeout(() => signal.abort(), 5);
    t.equal((await failure(making)).code, "ABORTED");
    // Who writes next waits until it is gone.
    const made = await backend.generateKeyPair(at("object=half"), { keyType: "ec-p256" });
    t.equal((await listed(backend, at("object=half"))).length, 2);
    await removePair(backend, made);
  });
}

t.test("another program finds the key as it is said to be", { skip: skip || noPkcs11Tool() }, async (t) => {
  await using backend = pkcs11Backend({ module, isolation: "inline" });
  const made = await backend.generateKeyPair(at("object=outside;id=%0A%0B"), { keyType: "ec-p256" });
  const tool = [
    "--module",
    module,
    "--token-label",
    "Provisioning",
    "--login",
    "--pin",
    PIN,
    "--list-objects",
  ];
  const text = execFileSync("pkcs11-tool", tool, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const [privateKey = "", publicKey = ""] = ["Private Key Object", "Public Key Object"].map(
    (kind) => text.split(/\n(?=\w)/).find((part) => part.startsWith(kind) && part.includes("outside")) ?? "",
  );
  t.match(privateKey, /ID: +0a0b\n/);
  t.match(privateKey, /Usage: +sign\n/);
  t.match(privateKey, /Access: +sensitive, always sensitive, never extract(?:able|ible), local/);
  t.match(publicKey, /ID: +0a0b\n/);
  t.match(publicKey, /Usage: .*verify/);
  await removePair(backend, made);
});

t.test(
  "a certificate is stored beside the key with its public half, whatever that is called",
  { skip },
  async (t) => {
    await using backend = pkcs11Backend({ module, isolation: "inline" });
    for (const keyType of ["ec-p256", "rsa-2048"] as const) {
      const first = await backend.generateKeyPair(at("object=first;id=%01"), { keyType });
      const second = await backend.generateKeyPair(at("object=other;id=%02"), { keyType });
      const der = await certificate(second, "CN=second");

      const wrongId = await failure(backend.importCertificate(at("object=twin;id=%01"), der));
      t.equal(wrongId.code, "KEY_MISMATCH");
      t.same(wrongId.candidates, [second.uri]);
      const ofFirst = await failure(backend.importCertificate(at("object=first"), der));
      t.match(ofFirst, { code: "KEY_MISMATCH", hint: /object=other/ }, "under the label of another key");
      t.same(ofFirst.candidates, [second.uri]);

      const imported = await backend.importCertificate(at("object=twin"), der);
      t.equal(imported.privateKeyUri, second.uri, "by the public half, not by the label");
      t.match(imported.uri, /object=twin;type=cert;id=%02$/);
      const names = { certificate: imported.uri, privateKey: withPin(second.uri) };
      await createResolver([backend]).credential(names, { proofOfPossession: true });

      const again = await failure(backend.importCertificate(at("object=again"), der));
      t.equal(again.code, "OBJECT_EXISTS");
      t.same(again.candidates, [imported.uri]);
      const renewed = await certificate(second, "CN=second");
      t.equal((await failure(backend.importCertificate(at("object=twin"), renewed))).code, "OBJECT_EXISTS");
      const beside = await backend.importCertificate(at("object=twin-2027"), renewed);
      t.match(beside.uri, /object=twin-2027;type=cert;id=%02$/, "a renewed one stands beside the old one");

      const labelOfKey = await backend.importCertificate(
        at("type=cert"),
        await certificate(first, "CN=first"),
      );
      t.match(labelOfKey.uri, /object=first;type=cert;id=%01$/);
      for (const uri of [imported.uri, beside.uri, labelOfKey.uri]) await backend.remove(withPin(uri));
      await removePair(backend, first);
      await removePair(backend, second);
    }
  },
);

t.test("the key of a certificate is found without its public key object too", { skip }, async (t) => {
  await using backend = pkcs11Backend({ module, isolation: "inline" });
  const made = await backend.generateKeyPair(at("object=lonely"), { keyType: "rsa-2048" });
  await backend.remove(withPin(made.publicKeyUri ?? ""));
  const imported = await backend.importCertificate(at("object=lonely"), await certificate(made, "CN=lonely"));
  t.equal(imported.privateKeyUri, made.uri);
  await backend.remove(withPin(imported.uri));
  await backend.remove(withPin(made.uri));
});

t.test("remove() takes exactly one object, and a private key only by its type", { skip }, async (t) => {
  await using backend = pkcs11Backend({ module, isolation: "inline" });
  const made = await backend.generateKeyPair(at("object=one"), { keyType: "rsa-2048" });
  const several = await failure(backend.remove(at("object=one")));
  t.equal(several.code, "OBJECT_AMBIGUOUS");
  t.same(several.candidates, [made.uri, made.publicKeyUri]);
  await backend.remove(at("object=one;type=public"));
  t.equal((await failure(backend.remove(at("object=one")))).code, "REMOVAL_REFUSED");
  t.equal((await failure(backend.remove(at("type=private")))).code, "OBJECT_UNNAMED");
  t.equal((await failure(backend.remove(`pkcs11:token=Provisioning${login}`))).code, "OBJECT_UNNAMED");
  t.equal((await failure(backend.remove(at("object=on;type=private")))).code, "OBJECT_NOT_FOUND");
  await signs(t, await backend.signer(withPin(made.uri)));
  await backend.remove(at("object=one;type=private"));
  t.equal((await failure(backend.signer(at("object=one")))).code, "OBJECT_NOT_FOUND");
  t.equal(
    (await failure(made.sign(scheme(made), Uint8Array.of(1)))).code,
    "OBJECT_NOT_FOUND",
    "its signer too",
  );
});

t.test("names: a label or an id is needed, and neither may be in use", { skip }, async (t) => {
  await using backend = pkcs11Backend({ module, isolation: "inline" });
  const generate = (path: string) => backend.generateKeyPair(at(path), { keyType: "ec-p256" });
  const made = await generate("object=n%C3%A4me;id=%AA");
  t.match(made.uri, /object=n%C3%A4me;type=private;id=%AA$/);
  const taken = ["object=n%C3%A4me", "object=na%CC%88me", "object=free;id=%AA", "id=%AA"];
  for (const path of taken) t.equal((await failure(generate(path))).code, "OBJECT_EXISTS", path);
  for (const path of ["type=private", "object="])
    t.equal((await failure(generate(path))).code, "OBJECT_UNNAMED");
  t.equal((await failure(generate("object=x;type=cert"))).code, "OBJECT_NOT_FOUND");
  const imported = await backend.importCertificate(at("type=cert"), await certificate(made, "CN=name"));
  await backend.remove(withPin(made.uri));
  t.equal((await failure(generate("object=n%C3%A4me"))).code, "OBJECT_EXISTS", "the label of a public key");
  await backend.remove(withPin(made.publicKeyUri ?? ""));
  t.equal((await failure(generate("object=free;id=%AA"))).code, "OBJECT_EXISTS", "the id of a certificate");
  await backend.remove(withPin(imported.uri));
  const twins = await Promise.allSettled([generate("object=twin"), generate("object=twin")]);
  t.same(twins.map(({ status }) => status).sort(), ["fulfilled", "rejected"], "nor by two at once");
  for (const twin of twins) if (twin.status === "fulfilled") await removePair(backend, twin.value);
  const byId = await generate("id=%AB");
  t.match(byId.uri, /serial=\w+;type=private;id=%AB$/);
  await removePair(backend, byId);
});

t.test("keys that were made elsewhere, as PKCS#8", { skip }, async (t) => {
  await using backend = pkcs11Backend({ module, isolation: "inline" });
  const pkcs8 = (key: { export(options: { format: "der"; type: "pkcs8" }): Buffer }) =>
    new Uint8Array(key.export({ format: "der", type: "pkcs8" }));
  const good = [
    generateKeyPairSync("ec", { namedCurve: "P-256" }),
    generateKeyPairSync("ec", { namedCurve: "P-384" }),
    generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ];
  for (const { privateKey, publicKey } of good) {
    const stored = await backend.importPrivateKey(at("object=imported"), pkcs8(privateKey));
    t.same(stored.protection, { sensitive: true, neverExtractable: false, local: false });
    t.same(Buffer.from(stored.publicKey), publicKey.export({ format: "der", type: "spki" }));
    await signs(t, stored);
    await removePair(backend, stored);
  }
  const refused: readonly (readonly [Uint8Array, ErrorCode])[] = [
    [pkcs8(generateKeyPairSync("ed25519").privateKey), "KEY_UNSUPPORTED"],
    [pkcs8(generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey), "KEY_UNSUPPORTED"],
    [pkcs8(generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey), "KEY_UNSUPPORTED"],
    [new Uint8Array(64), "KEY_INVALID"],
    [new Uint8Array(100_000), "KEY_INVALID"],
  ];
  for (const [key, code] of refused) {
    t.equal((await failure(backend.importPrivateKey(at("object=refused"), key))).code, code);
  }
  t.same(await listed(backend, at("object=refused")), []);
});

t.test("what tokens answer, and what is left behind then: nothing", { skip }, async (t) => {
  const answers: readonly (readonly [rv: string, code: ErrorCode, says: RegExp])[] = [
    ["CKR_MECHANISM_INVALID", "KEY_UNSUPPORTED", /makes no EC P-256 keys/],
    ["CKR_DOMAIN_PARAMS_INVALID", "KEY_UNSUPPORTED", /makes no EC P-256 keys/],
    ["CKR_CURVE_NOT_SUPPORTED", "KEY_UNSUPPORTED", /makes no EC P-256 keys/],
    ["CKR_FUNCTION_NOT_SUPPORTED", "KEY_UNSUPPORTED", /makes no EC P-256 keys/],
    ["CKR_KEY_SIZE_RANGE", "KEY_UNSUPPORTED", /makes no EC P-256 keys/],
    ["CKR_TEMPLATE_INCONSISTENT", "TOKEN_ERROR", /combination.*id=/s],
    ["CKR_TEMPLATE_INCOMPLETE", "TOKEN_ERROR", /further attributes/],
    ["CKR_ATTRIBUTE_VALUE_INVALID", "TOKEN_ERROR", /value.*PIV/s],
    ["CKR_ATTRIBUTE_READ_ONLY", "TOKEN_ERROR", /by itself/],
    ["CKR_TOKEN_WRITE_PROTECTED", "TOKEN_READ_ONLY", /write-protected/],
    ["CKR_SESSION_READ_ONLY", "TOKEN_READ_ONLY", /reading only/],
    ["CKR_DEVICE_MEMORY", "DEVICE_ERROR", /memory.*ddscred remove/s],
    ["CKR_USER_NOT_LOGGED_IN", "PIN_REQUIRED", /login/],
    ["CKR_DEVICE_ERROR", "DEVICE_ERROR", /device/],
  ];
  for (const [rv, code, says] of answers) {
    const error = await generateOn(t, () => ({
      generateKeyPair: async () => {
        throw tokenError(rv, "C_GenerateKeyPair");
      },
    }));
    t.match(error, { code, rv, call: "C_GenerateKeyPair" }, rv);
    t.match(`${error.message} ${error.hint}`, says);
  }

  const half = await generateOn(t, (real) => ({
    async generateKeyPair(session, request) {
      await real.generateKeyPair(session, request);
      throw tokenError("CKR_DEVICE_ERROR", "C_GenerateKeyPair");
    },
  }));
  t.equal(half.code, "DEVICE_ERROR", "made by the token, which then says that it failed");

  const lost = await generateOn(t, (real) => ({
    async generateKeyPair(session, request) {
      await real.generateKeyPair(session, request);
      await real.restart(real.epoch);
      throw new CredentialError("DEVICE_ERROR", "the process of the module crashed", { retryable: true });
    },
  }));
  t.equal(lost.code, "DEVICE_ERROR", "made, but the module was lost with all handles before it said so");

  const mute = await generateOn(t, () => ({
    sign: async () => {
      throw tokenError("CKR_KEY_FUNCTION_NOT_PERMITTED", "C_SignInit");
    },
  }));
  t.equal(mute.code, "MECHANISM_UNSUPPORTED");
  const wrong = await generateOn(t, () => ({
    sign: async () => ({ raw: new Uint8Array(64).fill(1), isWatched: true }),
  }));
  t.equal(wrong.code, "KEY_MISMATCH");

  const open = await generateOn(t, (real) => ({
    async attributes(session, object, names) {
      const said = await real.attributes(session, object, names);
      return "CKA_EXTRACTABLE" in said ? { ...said, CKA_EXTRACTABLE: true } : said;
    },
  }));
  t.equal(open.code, "TOKEN_ERROR");
  t.match(open.message, /let the new private key out/);
});

t.test("a new private key is neither seen nor used without a login", { skip }, async (t) => {
  const backend = pkcs11Backend({ module, isolation: "inline" });
  const made = await backend.generateKeyPair(at("object=hidden"), { keyType: "ec-p256" });
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pkcs8 = new Uint8Array(privateKey.export({ format: "der", type: "pkcs8" }));
  const stored = await backend.importPrivateKey(at("object=hidden-too"), pkcs8);
  await backend.close();
  await using open = pkcs11Backend({ module, isolation: "inline" });
  t.same(
    (await listed(open, "pkcs11:token=Provisioning")).map(({ kind }) => kind),
    ["token", "public-key", "public-key"],
  );
  for (const pair of [made, stored]) await removePair(open, pair);
});

t.test(
  "what a token makes of a key or a certificate against what it was told does not stay",
  { skip },
  async (t) => {
    const open = await generateOn(t, (real) => ({
      async attributes(session, object, names) {
        const said = await real.attributes(session, object, names);
        return "CKA_SENSITIVE" in said ? { ...said, CKA_SENSITIVE: false } : said;
      },
    }));
    t.match(open, { code: "TOKEN_ERROR", message: /let the new private key out/ });

    await using real = pkcs11Backend({ module, isolation: "inline" });
    const made = await real.generateKeyPair(at("object=other"), { keyType: "ec-p256" });
    const [der, another] = [await certificate(made, "CN=one"), await certificate(made, "CN=another")];
    const changing = new Pkcs11Backend(
      { module },
      spiedModules([], (inner) => ({
        async attributes(session, object, names) {
          const said = await inner.attributes(session, object, names);
          return "CKA_VALUE" in said ? { ...said, CKA_VALUE: another } : said;
        },
      })),
    );
    const error = await failure(changing.importCertificate(at("object=other"), der));
    t.match(error, { code: "TOKEN_ERROR", message: /gives back another certificate/ });
    await changing.close();
    t.same(await listed(real, at("object=other;type=cert")), []);

    const half = new Pkcs11Backend(
      { module },
      spiedModules([], (inner) => ({
        async createObject(session, template) {
          if ("CKA_VERIFY" in template) throw tokenError("CKR_TEMPLATE_INCOMPLETE", "C_CreateObject");
          return await inner.createObject(session, template);
        },
      })),
    );
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const pkcs8 = new Uint8Array(privateKey.export({ format: "der", type: "pkcs8" }));
    const refused = await failure(half.importPrivateKey(at("object=half;id=%CC"), pkcs8));
    t.match(refused, { code: "TOKEN_ERROR", call: "C_CreateObject" });
    await half.close();
    t.same(await listed(real, at("object=half")), []);

    const controller = new AbortController();
    const aborted = new Pkcs11Backend(
      { module },
      spiedModules([], (inner) => ({
        async sign(session, request) {
          controller.abort();
          return await inner.sign(session, request);
        },
      })),
    );
    const { signal } = controller;
    const making = aborted.generateKeyPair(at("object=half"), { keyType: "ec-p256", signal });
    t.equal((await failure(making)).code, "ABORTED");
    await aborted.close();
    t.same(await listed(real, at("object=half")), [], "also where it was proved already");

    const keeping = new Pkcs11Backend(
      { module },
      spiedModules([], () => ({ destroyObject: async () => undefined })),
    );
    const kept = await failure(keeping.remove(withPin(made.uri)));
    t.match(kept, { code: "TOKEN_ERROR", call: "C_DestroyObject", message: /still lists it/ });
    await keeping.close();
    await removePair(real, made);
  },
);

t.test("a write-protected token is not written to", { skip }, async (t) => {
  const calls: CallLog = [];
  const error = await generateOn(
    t,
    (real) => ({
      async token(slot) {
        const state = await real.token(slot);
        return { ...state, flags: state.flags | CKF_WRITE_PROTECTED };
      },
    }),
    calls,
  );
  t.equal(error.code, "TOKEN_READ_ONLY");
  t.notOk(calls.includes("generateKeyPair"));
});

t.test("nothing is written twice, and no secret is told", { skip }, async (t) => {
  const calls: CallLog = [];
  const error = await generateOn(
    t,
    () => ({
      generateKeyPair: async () => {
        throw tokenError("CKR_SESSION_HANDLE_INVALID", "C_GenerateKeyPair");
      },
    }),
    calls,
  );
  t.equal(error.code, "SESSION_LOST");
  t.equal(calls.filter((call) => call === "generateKeyPair").length, 1);
  t.notMatch(JSON.stringify(error) + String(error.stack), PIN);
});

t.test("arguments of a wrong type are TypeErrors", async (t) => {
  await using backend = pkcs11Backend({ module: "/nowhere.so", isolation: "inline" });
  const no = null as never;
  await t.rejects(backend.generateKeyPair(no, { keyType: "ec-p256" }), TypeError);
  await t.rejects(backend.generateKeyPair("pkcs11:object=x", no), TypeError);
  await t.rejects(
    backend.generateKeyPair("pkcs11:object=x", { keyType: "ec-p521" as NewKeyType }),
    TypeError,
  );
  await t.rejects(backend.importPrivateKey("pkcs11:object=x", no), TypeError);
  await t.rejects(backend.importCertificate("pkcs11:object=x", no), TypeError);
  await t.rejects(backend.remove(no), TypeError);
});

const CKF_WRITE_PROTECTED = 0x2;

/** Lets a module that answers otherwise make a key, which fails, and shows that nothing is left of it. */
async function generateOn(t: Test, overrides: Overrides, calls: CallLog = []): Promise<CredentialError> {
  const backend = new Pkcs11Backend({ module }, spiedModules(calls, overrides));
  const error = await failure(backend.generateKeyPair(at("object=fails"), { keyType: "ec-p256" }));
  await backend.close();
  await using real = pkcs11Backend({ module, isolation: "inline" });
  t.same(await listed(real, at("object=fails")), [], "nothing is left");
  return error;
}

async function listed(backend: Pkcs11Source, uri: string): Promise<CredentialDescription[]> {
  const found: CredentialDescription[] = [];
  for await (const description of backend.list(uri)) found.push(description);
  return found;
}

async function removePair(
  backend: Pkcs11Source,
  { uri, publicKeyUri = "" }: { uri: string; publicKeyUri?: string },
): Promise<void> {
  await backend.remove(withPin(uri));
  await backend.remove(withPin(publicKeyUri));
}

async function signs(t: Test, signer: Signer): Promise<void> {
  const message = Buffer.from("signed by a new key");
  const signature = await signer.sign(scheme(signer), message);
  t.ok(await webCrypto().verify(signer.publicKey, scheme(signer), message, signature));
}

function scheme({ schemes }: Signer): Signer["schemes"][number] {
  const [first] = schemes;
  if (first === undefined) throw new Error("no scheme");
  return first;
}

async function certificate(key: Signer, name: string): Promise<Uint8Array> {
  const validity = { notBefore: new Date("2026-01-01"), notAfter: new Date("2030-01-01") };
  const wanted = { subject: nameFromText(name), publicKey: key.publicKey, ...validity };
  return await issueCertificate(wanted, key, webCrypto());
}

function noPkcs11Tool(): string | false {
  const { error } = spawnSync("pkcs11-tool", ["--help"], { stdio: "ignore" });
  return error === undefined ? false : "pkcs11-tool is not installed";
}
