import { setTimeout as sleep } from "node:timers/promises";
import { conformanceMaterial as material } from "@ddscred/backend-conformance";
import { type Pkcs11BackendOptions, pkcs11Backend } from "@ddscred/backend-pkcs11";
import { CredentialError, ckrName, ckrNumber, type Signer, signatureSchemes, webCrypto } from "@ddscred/core";
import t, { type Test } from "tap";
import { newPair } from "./support/ec-keys.ts";
import { failure } from "./support/failure.ts";
import { noCompiler } from "./support/faulty.ts";
import { certificateObject, privateKeyObject } from "./support/objects.ts";
import { skip as noToken, PIN, TokenFolder } from "./support/softhsm.ts";
import { type FunctionName, TableModule } from "./support/table.ts";

t.setTimeout(600_000);
const scheme = signatureSchemes.ecdsa_p256_sha256;
const login = `?pin-value=${PIN}`;
const keyA = `pkcs11:token=faults;object=key-0${login}`;
const reason = noToken === false ? noCompiler() : noToken;
const isolations = ["inline", "process"] as const;
const refusedPins = ["CKR_PIN_INCORRECT", "CKR_PIN_INVALID", "CKR_PIN_LEN_RANGE"];
const table = reason === false ? setUp() : undefined;

/** Every return value of the table in core, and one of a vendor. */
const returnValues = Array.from({ length: 0x206 }, (_, rv) => rv)
  .filter((rv) => rv > 0 && !ckrName(rv).startsWith("CKR_0x"))
  .concat(0x8000_0001);

/** The calls by which a signature is made, and by which everything is made anew that it needs. */
const sites: Readonly<Record<string, { trigger?: string; calls: readonly FunctionName[] }>> = {
  "of a signature": { calls: ["C_SignInit", "C_Sign"] },
  "after the loss of a session": {
    trigger: "CKR_SESSION_HANDLE_INVALID",
    calls: [
      "C_CloseSession",
      "C_OpenSession",
      "C_GetSessionInfo",
      "C_GetTokenInfo",
      "C_Login",
      "C_FindObjectsInit",
      "C_FindObjects",
      "C_FindObjectsFinal",
      "C_GetAttributeValue",
      "C_SignInit",
      "C_Sign",
    ],
  },
  "after the loss of the module": {
    trigger: "CKR_CRYPTOKI_NOT_INITIALIZED",
    calls: [
      "C_Finalize",
      "C_Initialize",
      "C_GetSlotList",
      "C_GetSlotInfo",
      "C_GetTokenInfo",
      "C_OpenSession",
    ],
  },
};

for (const isolation of isolations) {
  test(`a module that gives the handle of a key to another one signs by the right one or fails: ${isolation}`, async (t, module) => {
    const counts = { good: 0, failed: 0 };
    for (const verifyEach of [true, false]) {
      const signer = await openAmongOthers(t, module, { isolation, verifyEach });
      // Sessions go with what a module forgets; one that says nothing at all is found by verifying each signature.
      const exchangeHandles = (exchange: number): void => {
        module.change({ exchange });
        if (verifyEach) return;
        module.fault("C_SignInit", { does: "fail", rv: ckrNumber("CKR_SESSION_HANDLE_INVALID") ?? 0 });
      };
      for (let exchange = 1; exchange < 16; exchange++) {
        t.ok(await isGood(signer));
        exchangeHandles(exchange);
        for (let n = 0; n < 3; n++) {
          const outcome = await attempt(signer);
          if (outcome !== "good" && outcome !== "failed") t.fail(`${exchange}: ${outcome}`);
          else counts[outcome]++;
        }
        exchangeHandles(0);
      }
    }
    t.ok(counts.good > 60, "it is found again under its new handle");
    t.comment(counts);
  });
}

test("without verifying each, an exchange of handles without a word is not seen: so the trap is one", async (t, module) => {
  const signer = await openAmongOthers(t, module, { isolation: "inline", verifyEach: false });
  let wrong = 0;
  for (let exchange = 1; exchange < 16; exchange++) {
    t.ok(await isGood(signer));
    module.change({ exchange });
    if ((await attempt(signer)).startsWith("wrong")) wrong++;
    module.reset();
    module.fault("C_SignInit", { does: "fail", rv: ckrNumber("CKR_KEY_HANDLE_INVALID") ?? 0 });
    t.ok(await isGood(signer));
  }
  t.ok(wrong > 0);
});

for (const isolation of isolations) {
  test(`of one who signs seldom each signature is verified, so an exchange without a word lets none out: ${isolation}`, async (t, module) => {
    const signer = await openAmongOthers(t, module, { isolation, verifyEach: false });
    for (let n = 0; n < 200; n++) await isGood(signer); // where signing takes the shortest way
    for (let exchange = 1; exchange < 16; exchange++) {
      t.ok(await isGood(signer));
      await sleep(20);
      module.change({ exchange });
      t.notMatch(await attempt(signer), /^wrong/, `exchange ${exchange}`);
      module.change({});
      await sleep(20);
    }
    t.ok(await isGood(signer), "and it is found again");
  });

  test(`a wrong PIN costs one C_Login, whatever is tried again above: ${isolation}`, async (t, module) => {
    const uri = `pkcs11:token=wrong-${isolation};object=key-0?pin-value=canary-wrong-8812`;
    const backends = [1, 2].map(() => backendOf(t, module, { isolation }));
    for (let round = 0; round < 3; round++) {
      for (const backend of backends) {
        t.equal((await failure(backend.signer(uri))).code, "PIN_INCORRECT");
        const calls = [backend.signer(uri), backend.certificates(uri), backend.signer(uri)];
        for (const call of calls) t.equal((await failure(call)).code, "PIN_INCORRECT");
      }
    }
    t.equal(module.count("C_Login"), 1);
  });

  test(`a PIN that is locked, in its last try, or to be changed is refused before C_Login: ${isolation}`, async (t, module) => {
    for (const [flags, code] of [
      [0x4_0000, "PIN_LOCKED"],
      [0x2_0000, "PIN_REFUSED"],
      [0x8_0000, "PIN_REFUSED"],
      [0x100, "PIN_REFUSED"],
    ] as const) {
      module.change({ flags });
      const backend = backendOf(t, module, { isolation });
      for (let n = 0; n < 3; n++) t.equal((await failure(backend.signer(keyA))).code, code);
      await backend.close();
    }
    t.equal(module.count("C_Login"), 0);
  });
}

test("a PIN that a token refuses for its form is not sent again either", async (t, module) => {
  for (const [n, name] of refusedPins.entries()) {
    const uri = `pkcs11:token=form-${n};object=key-0${login}`;
    const backend = backendOf(t, module, { isolation: "inline" });
    module.reset();
    module.fault("C_Login", { does: "fail", rv: ckrNumber(name) ?? 0 });
    t.match(await failure(backend.signer(uri)), { code: "PIN_INCORRECT", rv: name, call: "C_Login" });
    t.equal((await failure(backend.signer(uri))).code, "PIN_INCORRECT");
    t.equal(module.count("C_Login"), 1, name);
    await backend.close();
  }
});

for (const isTold of [true, false]) {
  for (const limit of [1, 2, 4]) {
    const name = `a token of ${limit} sessions, ${isTold ? "which it says" : "of which it says nothing"}, makes 64 signatures at once`;
    test(name, async (t, module) => {
      module.change({ limit, isTold });
      const backend = backendOf(t, module, { isolation: "inline" });
      const signing = backend
        .signer(keyA)
        .then((signer) => Promise.all(Array.from({ length: 64 }, () => isGood(signer))));
      t.same(new Set(await signing), new Set([true]));
      await backend.close();
      t.equal(module.sessions, 0, "all are closed");
    });
  }
}

test("a token whose sessions are all ours is written to: one that is idle makes room", async (t, module) => {
  module.change({ limit: 3, isTold: false });
  const backend = backendOf(t, module, { isolation: "inline" });
  const signer = await backend.signer(keyA);
  await Promise.all(Array.from({ length: 8 }, () => isGood(signer)));
  t.equal(module.sessions, 3);
  const uri = `pkcs11:token=faults;object=made-with-few-sessions${login}`;
  t.ok(await isGood(await backend.generateKeyPair(uri, { keyType: "ec-p256" })));
});

test("where somebody else has the last session, a call waits for one of ours", async (t, module) => {
  const backend = backendOf(t, module, { isolation: "inline" });
  const signer = await backend.signer(keyA);
  t.ok(await isGood(signer));
  module.change({ limit: module.sessions });
  module.latency("C_Sign", 20);
  t.same(new Set(await Promise.all(Array.from({ length: 8 }, () => isGood(signer)))), new Set([true]));
});

for (const [where, { trigger, calls }] of Object.entries(sites)) {
  test(`each return value at each call ${where} ends in a signature or in an error that names both, and the next signature is good`, async (t, module) => {
    const signer = await open(t, module, { isolation: "inline" });
    const made = { good: 0, failed: 0 };
    for (const call of calls) {
      for (const rv of returnValues) {
        if (call === "C_Login" && refusedPins.includes(ckrName(rv))) continue; // below
        for (const times of [1, -1]) {
          const outcome = await signDespite(module, signer, { trigger, call, rv, times });
          made[outcome === "good" ? "good" : "failed"]++;
          if (outcome !== "good" && outcome !== "failed")
            t.fail(`${call} ${ckrName(rv)} ${times}: ${outcome}`);
        }
      }
    }
    t.ok(made.failed > 0);
    t.comment(`${made.good} signatures and ${made.failed} errors for ${calls.length} calls`);
  });
}

test("in a process of its own, a module that fails at any call is survived alike", async (t, module) => {
  const signer = await open(t, module, { isolation: "process", deadline: 2000 });
  for (const { trigger, calls } of Object.values(sites)) {
    for (const call of calls) {
      for (const name of ["CKR_DEVICE_ERROR", "CKR_FUNCTION_REJECTED"]) {
        const rv = ckrNumber(name) ?? 0;
        const outcome = await signDespite(module, signer, { trigger, call, rv, times: 1 });
        t.match(outcome, /^(?:good|failed)$/, `${call} ${name}`);
      }
    }
  }
});

interface Injection {
  readonly trigger: string | undefined;
  readonly call: FunctionName;
  readonly rv: number;
  readonly times: number;
}

/** One signature under a fault, and one after it. */
async function signDespite(
  module: TableModule,
  signer: Signer,
  { trigger, call, rv, times }: Injection,
): Promise<string> {
  const name = ckrName(rv);
  module.fault(call, {
    does: "fail",
    rv,
    times,
    after: trigger !== undefined && call === "C_SignInit" ? 1 : 0,
  });
  if (trigger !== undefined && call !== "C_SignInit") {
    module.fault("C_SignInit", { does: "fail", rv: ckrNumber(trigger) ?? 0 });
  }
  const began = performance.now();
  const outcome = await attempt(signer, (error) => {
    const place = error.call === undefined || error.rv === undefined ? error.code : "";
    // What a failure means for the whole may be said instead, without a return value.
    const isTold = [
      "TOKEN_REMOVED",
      "TOKEN_NOT_FOUND",
      "OBJECT_NOT_FOUND",
      "PIN_REQUIRED",
      "SESSION_LOST",
    ].includes(place);
    return isTold || (error.rv === name && error.call === call) || error.rv === trigger;
  });
  const took = performance.now() - began;
  module.reset();
  if (outcome !== "good" && outcome !== "failed") return outcome;
  if (took > 20_000) return `took ${took} ms`;
  return (await attempt(signer)) === "good" ? outcome : `the next: ${await attempt(signer)}`;
}

/** `good`, `failed`, or what is wrong. */
async function attempt(
  signer: Signer,
  isExpected: (error: CredentialError) => boolean = () => true,
): Promise<string> {
  const message = Buffer.from(String(Math.random()));
  try {
    const signature = await signer.sign(scheme, message);
    const isRight = await webCrypto().verify(signer.publicKey, scheme, message, signature);
    return isRight ? "good" : "wrong signature";
  } catch (error) {
    if (!(error instanceof CredentialError) || error.code === "INTERNAL")
      return `no error of ours: ${String(error)}`;
    return isExpected(error) ? "failed" : `another error: ${error.code} ${error.message}`;
  }
}

async function isGood(signer: Signer): Promise<boolean> {
  const outcome = await attempt(signer);
  if (outcome !== "good") await signer.sign(scheme, Buffer.from("why")); // to see the error
  return outcome === "good";
}

function setUp(): TableModule {
  const folder = new TokenFolder();
  t.teardown(() => folder.remove());
  const keys = Array.from({ length: 12 }, (_, n) =>
    newPair({ label: `key-${n}`, id: `0${n.toString(16)}` }),
  ).flat();
  folder.add("faults", keys);
  const { privateKey, certificate } = material.ec;
  const one = [
    privateKeyObject(privateKey.der, { label: "key-0", id: "01" }),
    certificateObject(certificate.der, { label: "certificate", id: "01" }),
  ];
  for (const name of ["wrong-inline", "wrong-process", "form-0", "form-1", "form-2"]) folder.add(name, one);
  return new TableModule(folder);
}

/** A test on the module; everything that it opened is closed when it ends. */
function test(name: string, body: (t: Test, module: TableModule) => Promise<unknown>): void {
  t.test(name, reason === false ? {} : { skip: reason }, async (t) => {
    if (table === undefined) return;
    table.reset();
    await body(t, table);
    table.reset();
    await sleep(0);
  });
}

function backendOf(t: Test, { path }: TableModule, options: Pkcs11BackendOptions) {
  const backend = pkcs11Backend({ module: path, ...options });
  t.teardown(async () => {
    table?.reset();
    await backend.close();
  });
  return backend;
}

async function open(t: Test, module: TableModule, options: Pkcs11BackendOptions): Promise<Signer> {
  return await backendOf(t, module, options).signer(keyA);
}

/** The module gives a number to each object that is found: only then can one number name another key. */
async function openAmongOthers(t: Test, module: TableModule, options: Pkcs11BackendOptions): Promise<Signer> {
  const backend = backendOf(t, module, options);
  for await (const _ of backend.list(`pkcs11:token=faults;type=private${login}`)) continue;
  return await backend.signer(keyA);
}
