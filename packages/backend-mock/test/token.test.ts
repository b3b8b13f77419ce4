import { inspect } from "node:util";
import {
  generateMockKey,
  issueMockCertificate,
  type MockBackendOptions,
  mockBackend,
  mockToken,
} from "@ddscred/backend-mock";
import { CredentialError, Secret, signatureSchemes, webCrypto } from "@ddscred/core";
import t from "tap";

const CANARY = "7391-canary-pin";
const key = await generateMockKey("ec-p256");
const certificate = await issueMockCertificate({ subject: "CN=alice", key });
const objects = [
  { label: "alice_key", key },
  { label: "alice_cert", certificate },
];
const KEY = "pkcs11:token=T;object=alice_key";
const withPin = (pin: string, uri = KEY) => `${uri}?pin-value=${pin}`;
const message = new TextEncoder().encode("message");
const scheme = signatureSchemes.ecdsa_p256_sha256;

function backendWith(options: MockBackendOptions & { pinTries?: number; pinTriesLeft?: number } = {}) {
  const { pinTries, pinTriesLeft, ...rest } = options;
  const tries = { ...(pinTries && { pinTries }), ...(pinTriesLeft !== undefined && { pinTriesLeft }) };
  const token = mockToken({ label: "T", pin: CANARY, objects, ...tries });
  return { token, backend: mockBackend({ tokens: [token], ...rest }) };
}

t.test("one login serves all calls; a certificate needs none", async (t) => {
  const { backend } = backendWith();
  await backend.certificates(withPin(CANARY, "pkcs11:token=T;object=alice_cert"));
  t.equal(backend.count("C_Login"), 0);
  const signers = await Promise.all([1, 2, 3].map(() => backend.signer(withPin(CANARY))));
  for (const signer of signers) await signer.sign(scheme, message);
  t.equal(backend.count("C_Login"), 1);
  t.equal(backend.count("C_Initialize"), 1);
  t.equal(backend.count("C_Sign"), 3);
});

t.test("the log names calls, tokens and return values, and no PIN", async (t) => {
  const { backend } = backendWith();
  await t.rejects(backend.signer(withPin("1111")), { code: "PIN_INCORRECT" });
  await backend.signer(withPin(CANARY));
  t.match(backend.calls.slice(0, 3), [
    { call: "C_Initialize", rv: "CKR_OK" },
    { call: "C_GetSlotList", rv: "CKR_OK" },
    { call: "C_OpenSession", rv: "CKR_OK", token: "T" },
  ]);
  t.match(
    backend.calls.filter(({ call }) => call === "C_Login"),
    [{ rv: "CKR_PIN_INCORRECT" }, { rv: "CKR_OK" }],
  );
  t.notMatch(inspect(backend, { depth: 20, showHidden: true }), CANARY);
  t.notMatch(JSON.stringify(backend.calls), CANARY);
});

t.test("PIN guard", async (t) => {
  t.test("a refused PIN is not sent twice, and costs one try", async (t) => {
    const { token, backend } = backendWith();
    for (let n = 0; n < 5; n++) await t.rejects(backend.signer(withPin("1111")), { code: "PIN_INCORRECT" });
    t.equal(backend.count("C_Login"), 1);
    t.equal(token.pinTriesLeft, 2);
  });

  t.test("the final try is refused before it is made, with the right PIN too", async (t) => {
    const { token, backend } = backendWith();
    for (const pin of ["1111", "2222"])
      await t.rejects(backend.signer(withPin(pin)), { code: "PIN_INCORRECT" });
    await t.rejects(backend.signer(withPin("3333")), { code: "PIN_REFUSED" });
    await t.rejects(backend.signer(withPin(CANARY)), { code: "PIN_REFUSED" });
    t.equal(backend.count("C_Login"), 2);
    t.equal(token.pinTriesLeft, 1);
  });

  t.test("allowFinalTry makes it; then the PIN is locked, and no more is tried", async (t) => {
    const { token, backend } = backendWith({ allowFinalTry: true, pinTriesLeft: 1 });
    await t.rejects(backend.signer(withPin("1111")), {
      code: "PIN_LOCKED",
      rv: "CKR_PIN_LOCKED",
      call: "C_Login",
    });
    await t.rejects(backend.signer(withPin(CANARY)), { code: "PIN_LOCKED" });
    t.equal(backend.count("C_Login"), 1);
    t.equal(token.pinTriesLeft, 0);
  });

  t.test("the right PIN gives all tries back", async (t) => {
    const { token, backend } = backendWith();
    await t.rejects(backend.signer(withPin("1111")), { code: "PIN_INCORRECT" });
    await backend.signer(withPin(CANARY));
    t.equal(token.pinTriesLeft, 3);
  });

  t.test("many callers with one wrong PIN at once cost one try", async (t) => {
    const { token, backend } = backendWith();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, () => backend.signer(withPin("1111"))),
    );
    t.ok(outcomes.every(({ status }) => status === "rejected"));
    t.equal(token.pinTriesLeft, 2);
  });

  t.test("an empty PIN is not tried", async (t) => {
    const { backend } = backendWith({ pin: async () => new Secret("") });
    await t.rejects(backend.signer(KEY), { code: "PIN_REFUSED" });
    t.equal(backend.count("C_Login"), 0);
  });

  t.test("one PIN is never given to several tokens", async (t) => {
    const tokens = ["A", "B"].map((label) => mockToken({ label, pin: CANARY, objects }));
    const backend = mockBackend({ tokens });
    await t.rejects(backend.signer(withPin(CANARY, "pkcs11:object=alice_key")), { code: "TOKEN_AMBIGUOUS" });
    t.equal(backend.count("C_Login"), 0);
  });
});

t.test("where a PIN comes from", async (t) => {
  t.test("pin-source=file:, without the line end", async () => {
    const { backend } = backendWith({ files: { "/run/pin": `${CANARY}\n` } });
    await backend.signer(`${KEY}?pin-source=file:/run/pin`);
  });

  t.test("pin-source that is not there, or of another kind", async (t) => {
    const { backend } = backendWith();
    await t.rejects(backend.signer(`${KEY}?pin-source=file:/run/pin`), { code: "PIN_SOURCE_UNREADABLE" });
    await t.rejects(backend.signer(`${KEY}?pin-source=env:PIN`), { code: "PIN_SOURCE_REFUSED" });
  });

  t.test("the caller's provider is asked with URI and token, and only when it is needed", async (t) => {
    const asked: string[] = [];
    const { backend } = backendWith({
      pin: async ({ uri, token }) => {
        asked.push(`${token.label} ${uri}`);
        return new Secret(CANARY);
      },
    });
    await backend.certificates("pkcs11:token=T;object=alice_cert");
    await backend.signer(KEY);
    await backend.signer(KEY);
    t.same(asked, [`T ${KEY}`]);
  });

  t.test("a token without a PIN wants none", async (t) => {
    const backend = mockBackend({ tokens: [mockToken({ label: "T", objects })] });
    await backend.signer(KEY);
    t.equal(backend.count("C_Login"), 0);
  });
});

t.test("faults", async (t) => {
  t.test("any call can return any CKR, as the error of a real token", async (t) => {
    const cases = [
      ["C_Initialize", "CKR_GENERAL_ERROR", "DEVICE_ERROR"],
      ["C_GetSlotList", "CKR_FUNCTION_FAILED", "DEVICE_ERROR"],
      ["C_OpenSession", "CKR_SESSION_COUNT", "SESSION_LOST"],
      ["C_Login", "CKR_PIN_EXPIRED", "PIN_REFUSED"],
      ["C_FindObjects", "CKR_DEVICE_REMOVED", "TOKEN_REMOVED"],
      ["C_GetAttributeValue", "CKR_ATTRIBUTE_SENSITIVE", "TOKEN_ERROR"],
    ] as const;
    for (const [call, rv, code] of cases) {
      const { backend } = backendWith({ faults: [{ call, rv, times: 1 }] });
      await t.rejects(backend.signer(withPin(CANARY)), { code, rv, call });
      await t.resolves(backend.signer(withPin(CANARY)), `${call} once`);
    }
  });

  t.test("after, times: the third and fourth signature fail, the fifth does not", async (t) => {
    const { backend } = backendWith({
      faults: [{ call: "C_Sign", rv: "CKR_DEVICE_ERROR", after: 2, times: 2 }],
    });
    const signer = await backend.signer(withPin(CANARY));
    const outcomes: string[] = [];
    for (let n = 0; n < 5; n++) {
      outcomes.push(
        await signer.sign(scheme, message).then(
          () => "ok",
          (error: CredentialError) => error.code,
        ),
      );
    }
    t.same(outcomes, ["ok", "ok", "DEVICE_ERROR", "DEVICE_ERROR", "ok"]);
  });

  t.test("inject strikes from now on, and one token only where it names one", async (t) => {
    const tokens = ["A", "B"].map((label) => mockToken({ label, objects }));
    const backend = mockBackend({ tokens });
    const a = await backend.signer("pkcs11:token=A;object=alice_key");
    const b = await backend.signer("pkcs11:token=B;object=alice_key");
    backend.inject({ call: "C_SignInit", rv: "CKR_MECHANISM_INVALID", token: "A" });
    await t.rejects(a.sign(scheme, message), { code: "MECHANISM_UNSUPPORTED" });
    t.ok(await b.sign(scheme, message));
  });

  t.test("a name that is no CKR is the caller's mistake", async (t) => {
    t.throws(() => backendWith({ faults: [{ call: "C_Sign", rv: "CKR_NO_SUCH" }] }), TypeError);
  });

  t.test("a late call can be aborted while it waits", async (t) => {
    const { backend } = backendWith({ faults: [{ call: "C_Sign", delay: 60_000 }] });
    const signer = await backend.signer(withPin(CANARY));
    const controller = new AbortController();
    const signing = signer.sign(scheme, message, { signal: controller.signal });
    setTimeout(() => controller.abort(), 5);
    await t.rejects(signing, { code: "ABORTED" });
  });
});

t.test("a token pulled out and put back", async (t) => {
  const { token, backend } = backendWith();
  const signer = await backend.signer(withPin(CANARY));
  token.remove();
  await t.rejects(signer.sign(scheme, message), {
    code: "TOKEN_REMOVED",
    rv: "CKR_TOKEN_NOT_PRESENT",
    retryable: true,
  });
  await t.rejects(backend.signer(withPin(CANARY)), { code: "TOKEN_NOT_FOUND" });
  token.insert();
  const signature = await signer.sign(scheme, message);
  t.ok(await webCrypto().verify(signer.publicKey, scheme, message, signature), "the key signs again");
  t.equal(backend.count("C_Login"), 2, "after a new login");
});

t.test("errors name what is there", async (t) => {
  const { backend } = backendWith();
  await t.rejects(backend.certificates("pkcs11:token=T;object=alice_crt"), {
    code: "OBJECT_NOT_FOUND",
    message: /alice_cert/,
  });
  await t.rejects(backend.certificates("pkcs11:token=U;object=alice_cert"), {
    code: "TOKEN_NOT_FOUND",
    message: /"T"/,
  });
  await t.rejects(backend.certificates("file:a.pem"), { code: "FILE_NOT_FOUND" });
  await t.rejects(backend.document("pkcs11:token=T;object=governance"), { code: "URI_SCHEME_REFUSED" });
});

t.test("a damaged certificate on the token is DER_INVALID, with the URI", async (t) => {
  const damaged = mockToken({
    label: "T",
    objects: [{ label: "x", certificate: certificate.der.subarray(0, 100) }],
  });
  const uri = "pkcs11:object=x";
  await t.rejects(mockBackend({ tokens: [damaged] }).certificates(uri), { code: "DER_INVALID", uri });
});

t.test("keys of every kind sign in every scheme they offer, and what is no scheme offers none", async (t) => {
  const kinds = {
    "ec-p256": 3,
    "ec-p384": 3,
    "ec-p521": 3,
    "rsa-2048": 6,
    ed25519: 1,
    "ec-secp256k1": 0,
    "ec-brainpoolP256r1": 0,
  } as const;
  const made = Object.keys(kinds).map(async (kind) => ({
    label: kind,
    key: await generateMockKey(kind as keyof typeof kinds),
  }));
  const backend = mockBackend({ tokens: [mockToken({ label: "T", objects: await Promise.all(made) })] });
  for (const [kind, count] of Object.entries(kinds)) {
    const signer = await backend.signer(`pkcs11:object=${kind}`);
    t.equal(signer.schemes.length, count, kind);
    for (const one of signer.schemes) {
      const verified = await webCrypto().verify(
        signer.publicKey,
        one,
        message,
        await signer.sign(one, message),
      );
      t.ok(verified, one.name);
    }
  }
});

t.test("a key offers only the schemes that the token is given", async (t) => {
  const token = mockToken({ label: "T", objects: [{ label: "k", key, schemes: ["ecdsa_p256_sha384"] }] });
  const signer = await mockBackend({ tokens: [token] }).signer("pkcs11:object=k");
  t.same(
    signer.schemes.map(({ name }) => name),
    ["ecdsa_p256_sha384"],
  );
  await t.rejects(signer.sign(scheme, message), { code: "MECHANISM_UNSUPPORTED" });
});

t.test("keys and certificates are made, stored and removed by the rules of real tokens", async (t) => {
  const { backend } = backendWith();
  const made = await backend.generateKeyPair(withPin(CANARY, "pkcs11:token=T;object=new"), {
    keyType: "ec-p384",
  });
  t.match(made.uri, /token=T;.*object=new;type=private;id=/);
  t.same(made.protection, { sensitive: true, neverExtractable: true, local: true });
  const known = await issueMockCertificate({ subject: "CN=known", key });
  const imported = await backend.importCertificate(withPin(CANARY, "pkcs11:token=T;object=known"), known.der);
  t.match(imported.privateKeyUri, /object=alice_key/);
  await t.rejects(backend.remove(withPin(CANARY, "pkcs11:token=T;object=new")), { code: "REMOVAL_REFUSED" });
  await backend.remove(withPin(CANARY, made.uri));
  await t.rejects(backend.signer(withPin(CANARY, made.uri)), { code: "OBJECT_NOT_FOUND" });

  const stored = await backend.importPrivateKey(
    withPin(CANARY, "pkcs11:token=T;object=soft"),
    (await generateMockKey()).pkcs8,
  );
  t.same(stored.protection, { sensitive: true, neverExtractable: false, local: false });
  const elsewhere = backend.generateKeyPair("file:new.key", { keyType: "ec-p256" });
  await t.rejects(elsewhere, { code: "UNSUPPORTED" });
});

t.test("what goes wrong while writing leaves nothing behind", async (t) => {
  const generate = async (options: MockBackendOptions & { writeProtected?: boolean }) => {
    const { writeProtected = false, ...rest } = options;
    const token = mockToken({ label: "T", pin: CANARY, writeProtected });
    const backend = mockBackend({ tokens: [token], ...rest });
    const uri = withPin(CANARY, "pkcs11:token=T;object=new");
    const error: unknown = await backend.generateKeyPair(uri, { keyType: "ec-p256" }).catch((error) => error);
    t.ok(error instanceof CredentialError);
    t.notMatch(inspect(error), CANARY);
    const later = mockBackend({ tokens: [token] });
    await t.rejects(later.signer(uri), { code: "OBJECT_NOT_FOUND" });
    return (error as CredentialError).code;
  };
  t.equal(await generate({ writeProtected: true }), "TOKEN_READ_ONLY");
  const fault = (call: "C_GenerateKeyPair" | "C_Sign", rv: string) => ({ faults: [{ call, rv }] });
  t.equal(await generate(fault("C_GenerateKeyPair", "CKR_DEVICE_MEMORY")), "DEVICE_ERROR");
  t.equal(await generate(fault("C_Sign", "CKR_DEVICE_ERROR")), "DEVICE_ERROR");
});

t.test("wrong use is a TypeError", async (t) => {
  const twin = () => mockToken({ label: "T" });
  t.throws(
    () => mockBackend({ tokens: [twin(), twin()] }),
    TypeError,
    "two tokens of one label and serial number",
  );
  t.throws(() => mockBackend({ tokens: [{ ...twin() }] }), TypeError, "a token made by hand");
  t.throws(() => mockToken({ label: "T", objects: [{ certificate: "no PEM" }] }), TypeError);
});
