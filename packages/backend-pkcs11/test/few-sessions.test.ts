// Tokens that allow few sessions: what one has to be enough for, and what several backends of a program share.

import {
  type Pkcs11BackendOptions,
  type Pkcs11Source,
  pkcs11Backend,
  type TracedCall,
} from "@ddscred/backend-pkcs11";
import {
  issueCertificate,
  nameFromText,
  Secret,
  type Signer,
  type StoredKeyPair,
  signatureSchemes,
  webCrypto,
} from "@ddscred/core";
import t, { type Test } from "tap";
import { newPair } from "./support/ec-keys.ts";
import { failure } from "./support/failure.ts";
import { noCompiler } from "./support/faulty.ts";
import { skip as noToken, PIN, TokenFolder } from "./support/softhsm.ts";
import { TableModule } from "./support/table.ts";

t.setTimeout(600_000);
const scheme = signatureSchemes.ecdsa_p256_sha256;
const login = `?pin-value=${PIN}`;
const at = (path: string): string => `pkcs11:token=few;${path}${login}`;
const reason = noToken === false ? noCompiler() : noToken;
const isolations = ["inline", "process"] as const;
const CKR_DEVICE_REMOVED = 0x32;
const CKR_FUNCTION_FAILED = 6;
const CKR_MECHANISM_INVALID = 0x70;
const CKR_SESSION_HANDLE_INVALID = 0xb3;
const CKR_TOKEN_WRITE_PROTECTED = 0xe2;
const table = reason === false ? setUp() : undefined;

for (const isolation of isolations) {
  for (const limit of [1, 2, 3]) {
    for (const isTold of [true, false]) {
      const name = `a token of ${limit} sessions, ${isTold ? "which it says" : "of which it says nothing"}, ${isolation}`;

      test(`${name}: it signs, lists, and is written to, after one login`, async (t, module) => {
        module.change({ limit, isTold });
        const backend = backendOf(t, { isolation });
        const signer = await backend.signer(at("object=key"));
        await signMany(t, signer);
        t.equal((await listed(backend, at("type=private"))).length, 2);
        const made = await backend.generateKeyPair(at("object=made"), { keyType: "ec-p256" });
        await signMany(t, made, 8);
        const { uri } = await backend.importCertificate(at("object=made"), await certificate(made));
        t.equal((await backend.certificates(uri)).length, 1);
        await Promise.all([signMany(t, signer), removeAll(backend, made, uri)]);
        t.same(await listed(backend, at("object=made")), []);
        t.equal(module.count("C_Login"), 1);
        t.ok(module.sessions <= limit);
        await backend.close();
        t.equal(module.sessions, 0, "all are closed");
      });

      test(`${name}: two backends share them, and neither uses the login of the other`, async (t, module) => {
        module.change({ limit, isTold });
        const [first, second] = [backendOf(t, { isolation }), backendOf(t, { isolation })];
        const signers = await Promise.all([first, second].map((one) => one.signer(at("object=key"))));
        await Promise.all(signers.map((signer) => signMany(t, signer)));
        const third = backendOf(t, { isolation });
        t.equal((await failure(third.signer("pkcs11:token=few;object=key"))).code, "PIN_REQUIRED");
        await third.close();
        const made = await Promise.all([
          first.generateKeyPair(at("object=one"), { keyType: "ec-p256" }),
          second.generateKeyPair(at("object=two"), { keyType: "ec-p256" }),
          ...signers.map((signer) => signMany(t, signer, 8)),
        ]);
        t.equal(module.count("C_Login"), 1);
        await removeAll(first, made[0]);
        await first.close();
        await signMany(t, signers[1] as Signer, 8);
        await removeAll(second, made[1]);
        await second.close();
        t.equal(module.sessions, 0, "all are closed");
      });

      test(`${name}: a session that is lost in the middle is made anew, for both backends`, async (t, module) => {
        module.change({ limit, isTold });
        const signers = await Promise.all(
          [1, 2].map(() => backendOf(t, { isolation }).signer(at("object=key"))),
        );
        module.fault("C_SignInit", { does: "fail", rv: CKR_SESSION_HANDLE_INVALID, after: 20 });
        await Promise.all(signers.map((signer) => signMany(t, signer)));
        module.fault("C_FindObjectsInit", { does: "fail", rv: CKR_SESSION_HANDLE_INVALID });
        t.ok(await backendOf(t, { isolation }).signer(at("object=key")));
      });
    }
  }

  test(`keys that want their PIN for each signature, logins and writing wait for one session and never for each other, ${isolation}`, async (t, module) => {
    for (const isTold of [true, false]) {
      module.change({ limit: 1, isTold });
      const backends = [backendOf(t, { isolation }), backendOf(t, { isolation })];
      await Promise.all(
        backends.flatMap((backend, n) => [
          backend.signer(at("object=always")).then((signer) => signMany(t, signer, 8)),
          backend.signer(at("object=key")).then((signer) => signMany(t, signer, 8)),
          backend
            .generateKeyPair(at(`object=made-${n}`), { keyType: "ec-p256" })
            .then((made) => removeAll(backend, made)),
          ...[1, 2, 3].map(() => listed(backend, at("type=private"))),
        ]),
      );
      for (const backend of backends) await backend.close();
    }
  });

  test(`whoever is asked for a PIN does not hold the only session meanwhile, ${isolation}`, async (t, module) => {
    module.change({ limit: 1 });
    const signer = await backendOf(t, { isolation }).signer(at("object=key"));
    const answers: ((pin: Secret) => void)[] = [];
    const pin = () => new Promise<Secret>((resolve) => void answers.push(resolve));
    const asking = backendOf(t, { isolation, pin }).signer("pkcs11:token=few;object=key");
    await signMany(t, signer);
    for (const answer of answers) answer(new Secret(PIN));
    await signMany(t, await asking);
  });

  test(`a mechanism that is refused does not cost the only session and its login, ${isolation}`, async (t, module) => {
    module.change({ limit: 1 });
    const signer = await backendOf(t, { isolation }).signer(at("object=key"));
    module.fault("C_SignInit", { does: "fail", rv: CKR_MECHANISM_INVALID });
    t.equal((await failure(signer.sign(scheme, Buffer.from("message")))).code, "MECHANISM_UNSUPPORTED");
    await signMany(t, signer, 8);
    t.equal(module.count("C_Login"), 1);
  });

  test(`a token that has room for one session only later, when others took the rest, ${isolation}`, async (t, module) => {
    const backend = backendOf(t, { isolation, sessions: 1 });
    const signer = await backend.signer(at("object=key"));
    await signMany(t, signer, 8);
    t.equal(module.sessions, 2);
    module.change({ limit: 1 });
    module.fault("C_SignInit", { does: "fail", rv: CKR_FUNCTION_FAILED });
    await signMany(t, signer);
    t.equal(module.count("C_Login"), 1, "the session that kept the login is lent");
    const made = await backend.generateKeyPair(at("object=made"), { keyType: "ec-p256" });
    t.equal(module.count("C_Login"), 2, "it was for reading, and another one took its place");
    await Promise.all([signMany(t, signer), signMany(t, made)]);
    await removeAll(backend, made);
    t.equal(module.sessions, 1);
    t.equal(module.count("C_Login"), 2);
  });

  test(`a PIN that was refused is not sent again when the only session is made anew, ${isolation}`, async (t, module) => {
    module.change({ limit: 1 });
    const uri = `pkcs11:token=${isolation};object=key`;
    const backend = backendOf(t, { isolation });
    t.equal((await failure(backend.signer(`${uri}?pin-value=canary-wrong`))).code, "PIN_INCORRECT");
    module.fault("C_FindObjectsInit", { does: "fail", rv: CKR_SESSION_HANDLE_INVALID });
    await listed(backend, uri);
    t.equal((await failure(backend.signer(`${uri}?pin-value=canary-wrong`))).code, "PIN_INCORRECT");
    t.equal(module.count("C_Login"), 1);
    await signMany(t, await backend.signer(`${uri}${login}`), 8);
  });

  test(`the only session of a token that is for reading only is enough to sign, ${isolation}`, async (t, module) => {
    module.change({ limit: 1, isTold: true });
    module.fault("C_OpenSession", { does: "fail", rv: CKR_TOKEN_WRITE_PROTECTED });
    const backend = backendOf(t, { isolation });
    await signMany(t, await backend.signer(at("object=key")), 8);
    const making = backend.generateKeyPair(at("object=made"), { keyType: "ec-p256" });
    t.match(await failure(making), { code: "TOKEN_READ_ONLY", rv: "CKR_TOKEN_WRITE_PROTECTED" });
  });
}

test("a backend may let fewer sessions be used than another one; the least holds for both", async (t) => {
  const calls: TracedCall[] = [];
  const trace = (call: TracedCall): number => calls.push(call);
  const wide = backendOf(t, { isolation: "inline", trace });
  const signer = await wide.signer(at("object=key"));
  const narrow = backendOf(t, { isolation: "inline", sessions: 1, trace });
  const other = await narrow.signer(at("object=key"));
  await Promise.all([signMany(t, signer), signMany(t, other)]);
  const used = new Set(calls.filter(({ call }) => call === "C_Sign").map(({ session }) => session));
  t.equal(used.size, 1);
});

test("a watch that takes too long, or finds the device gone, fails as what it is", async (t, module) => {
  module.fault("C_DigestInit", { does: "hang" });
  const slow = backendOf(t, { isolation: "process", deadline: 500 });
  t.match(await failure(slow.signer(at("object=key"))), { code: "TIMEOUT", call: "C_DigestInit" });
  await signMany(t, await slow.signer(at("object=key")), 8);
  await slow.close();
  for (const isolation of isolations) {
    module.fault("C_DigestInit", { does: "fail", rv: CKR_DEVICE_REMOVED, times: -1 });
    const backend = backendOf(t, { isolation });
    t.match(await failure(backend.certificates(at("object=key"))), {
      code: "TOKEN_REMOVED",
      call: "C_DigestInit",
    });
    module.reset();
    await signMany(t, await backend.signer(at("object=key")), 8);
  }
});

/** Eight at a time, each verified. */
async function signMany(t: Test, signer: Signer, count = 50): Promise<void> {
  let left = count;
  let good = 0;
  const signInTurn = async (): Promise<void> => {
    while (left-- > 0) {
      const message = Buffer.from(String(Math.random()));
      const signature = await signer.sign(scheme, message);
      if (await webCrypto().verify(signer.publicKey, scheme, message, signature)) good++;
    }
  };
  await Promise.all(Array.from({ length: 8 }, signInTurn));
  t.equal(good, count, "all are good");
}

async function listed(backend: Pkcs11Source, uri: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { uri: one } of backend.list(uri)) found.push(one);
  return found;
}

async function removeAll(backend: Pkcs11Source, made: StoredKeyPair, ...others: string[]): Promise<void> {
  const { uri, publicKeyUri = "" } = made;
  await Promise.all([uri, publicKeyUri, ...others].map((one) => backend.remove(`${one}${login}`)));
}

async function certificate(key: Signer): Promise<Uint8Array> {
  const validity = { notBefore: new Date("2026-01-01"), notAfter: new Date("2030-01-01") };
  const wanted = { subject: nameFromText("CN=few"), publicKey: key.publicKey, ...validity };
  return await issueCertificate(wanted, key, webCrypto());
}

function setUp(): TableModule {
  const folder = new TokenFolder();
  t.teardown(() => folder.remove());
  folder.add("few", [
    ...newPair({ label: "key", id: "01" }),
    ...newPair({ label: "always", id: "02", alwaysAuthenticate: true }),
  ]);
  for (const isolation of isolations) folder.add(isolation, newPair({ label: "key", id: "01" }));
  return new TableModule(folder);
}

/** A test on the module; all that it opened is closed when it ends. */
function test(name: string, body: (t: Test, module: TableModule) => Promise<unknown>): void {
  t.test(name, reason === false ? {} : { skip: reason }, async (t) => {
    if (table === undefined) return;
    table.reset();
    await body(t, table);
    table.reset();
  });
}

function backendOf(t: Test, options: Pkcs11BackendOptions): Pkcs11Source {
  const backend = pkcs11Backend({ module: table?.path ?? "", ...options });
  t.teardown(() => backend.close());
  return backend;
}
