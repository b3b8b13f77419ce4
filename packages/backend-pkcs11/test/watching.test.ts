import { execFileSync, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { conformanceMaterial as material } from "@ddscred/backend-conformance";
import {
  type Pkcs11BackendOptions,
  type Pkcs11Event,
  type Pkcs11Source,
  pkcs11Backend,
  type TracedCall,
} from "@ddscred/backend-pkcs11";
import { type Signer, signatureSchemes, webCrypto } from "@ddscred/core";
import t, { type Test } from "tap";
import { children, noProcesses } from "./support/children.ts";
import { failure } from "./support/failure.ts";
import { FaultyModule, noCompiler } from "./support/faulty.ts";
import { certificateObject, privateKeyObject } from "./support/objects.ts";
import { skip as noToken, PIN, module as softHsm, TokenFolder } from "./support/softhsm.ts";
import { client, noTokenService, TokenService } from "./support/token-service.ts";

const scheme = signatureSchemes.ecdsa_p256_sha256;
const message = Buffer.from("message to be found nowhere");
const key = `pkcs11:token=watched;object=key?pin-value=${PIN}`;
const isolations = ["inline", "process"] as const;
const CKR_DEVICE_REMOVED = 0x32;
const CKR_SESSION_HANDLE_INVALID = 0xb3;
const reason = noToken === false ? noCompiler() : noToken;
const faulty = reason === false ? setUp() : undefined;
const opened: Pkcs11Source[] = [];

test("a login is told once, with the URI of its token and without the PIN", async (t) => {
  for (const isolation of isolations) {
    const { signer, events } = await open({ isolation });
    t.ok(await isGood(signer));
    t.same(kinds(events), ["login"]);
    t.match(events[0], { token: /^pkcs11:token=watched;manufacturer=SoftHSM/ });
    t.notMatch(JSON.stringify(events), PIN);
    await closeAll();
  }
});

test("a token that goes and comes again is told, and so is the recovery", async (t, faulty) => {
  for (const isolation of isolations) {
    const { signer, events } = await open({ isolation });
    t.ok(await isGood(signer));
    events.splice(0);
    faulty.order("C_SignInit", "fail", CKR_DEVICE_REMOVED);
    t.ok(await isGood(signer));
    const told = kinds(events);
    t.same(told.slice(0, 2), ["token-removed", "token-present"], isolation);
    t.same(told.at(-1), "recovered");
    const recovered = events.at(-1);
    if (recovered?.type === "recovered")
      t.match(recovered.error, { code: "TOKEN_REMOVED", call: "C_SignInit" });
    await closeAll();
  }
});

test("what a listener throws or rejects with does no harm", async (t) => {
  const fails: readonly (() => unknown)[] = [
    () => {
      throw new Error("listener");
    },
    () => Promise.reject(new Error("listener")),
  ];
  for (const onEvent of fails) {
    const { signer } = await open({ onEvent, trace: onEvent });
    t.ok(await isGood(signer));
    await closeAll();
  }
});

test("a trace names each call with its time and result, and holds neither PIN nor data", async (t, faulty) => {
  for (const isolation of isolations) {
    const calls: TracedCall[] = [];
    const { signer } = await open({ isolation, trace: (call) => calls.push(call) });
    faulty.order("C_SignInit", "fail", CKR_SESSION_HANDLE_INVALID);
    const signature = await signer.sign(scheme, message);
    await closeAll();
    const names = calls.map(({ call }) => call);
    t.equal(names[0], "C_Initialize");
    t.equal(names.at(-1), "C_Finalize");
    for (const name of ["C_GetSlotList", "C_OpenSession", "C_Login", "C_FindObjects", "C_Sign"]) {
      t.ok(names.includes(name), `${isolation}: ${name}`);
    }
    t.ok(calls.every(({ milliseconds }) => milliseconds >= 0 && milliseconds < 20_000));
    const failed = calls.find(({ result }) => result !== "CKR_OK");
    t.match(failed, { call: "C_SignInit", result: "CKR_SESSION_HANDLE_INVALID", mechanism: "CKM_ECDSA" });
    const signed = calls.find(({ call, result }) => call === "C_Sign" && result === "CKR_OK");
    t.match(signed, { session: /^[0-9a-f]{4}$/, mechanism: "CKM_ECDSA", given: 32, got: 64 });
    t.match(
      calls.find(({ call }) => call === "C_OpenSession"),
      { slot: /^[0-9a-f]{4}$/ },
    );
    const told = JSON.stringify(calls);
    t.notMatch(told, PIN);
    t.notMatch(told, message.toString());
    t.notMatch(told, message.toString("base64").slice(0, 12));
    t.notMatch(told, Buffer.from(signature).toString("hex").slice(16, 32));
  }
});

test("keep-alive finds sessions that died, and the next signature is made without an error", async (t, faulty) => {
  for (const isolation of isolations) {
    const calls: TracedCall[] = [];
    const { signer, events } = await open({ isolation, keepAlive: 20, trace: (call) => calls.push(call) });
    t.ok(await isGood(signer));
    await until(() => calls.filter(({ call }) => call === "C_GetSessionInfo").length > 4);
    events.splice(0);
    faulty.order("C_GetSessionInfo", "fail", CKR_SESSION_HANDLE_INVALID);
    await until(() => calls.some(({ result }) => result === "CKR_SESSION_HANDLE_INVALID"));
    await sleep(20);
    t.same(kinds(events), [], "quietly");
    t.ok(await isGood(signer));
    t.same(
      kinds(events).filter((type) => type === "recovered"),
      [],
      "and what is not lost needs no recovery",
    );
    await closeAll();
    const after = calls.length;
    await sleep(60);
    t.equal(calls.length, after, "a closed backend makes no calls");
  }
});

test("neither keep-alive nor a backend that is left open keeps a program from ending", async (t) => {
  for (const isolation of isolations) {
    const program = fileURLToPath(new URL("./support/keep-alive-program.js", import.meta.url));
    const child = spawn(process.execPath, [program, faulty?.path ?? "", isolation, key], {
      stdio: "inherit",
    });
    const code = await Promise.race([
      new Promise((resolve) => child.once("exit", resolve)),
      sleep(15_000, "it did not end", { ref: false }),
    ]);
    child.kill("SIGKILL");
    t.equal(code, 0, isolation);
  }
});

test("waitForToken() answers at once where the token is there", async (t) => {
  const { backend, events } = await open();
  events.splice(0);
  const found = await backend.waitForToken("pkcs11:token=watched");
  t.match(found, { kind: "token", label: "watched", uri: /^pkcs11:token=watched;/ });
  t.same(kinds(events), []);
});

test("waitForToken() sees a token that is initialised later, while another one is used", async (t) => {
  for (const isolation of isolations) {
    const { backend, signer, events } = await open({ isolation });
    const label = `later-${isolation}`;
    const waiting = backend.waitForToken(`pkcs11:token=${label}`, { interval: 200 });
    await sleep(300);
    t.ok(await isGood(signer));
    execFileSync(
      "softhsm2-util",
      ["--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", PIN],
      { stdio: "pipe" },
    );
    t.match(await waiting, { kind: "token", label });
    t.ok(kinds(events).includes("token-present"), isolation);
    if (noProcesses === false) t.equal(children().length, Number(isolation === "process"), "none is left");
    t.ok(await isGood(signer), "and who signs goes on");
    await closeAll();
  }
});

test("waitForToken() ends by its signal with ABORTED, and by close() with CLOSED", async (t) => {
  const { backend } = await open();
  const controller = new AbortController();
  const aborted = failure(backend.waitForToken("pkcs11:token=never", { signal: controller.signal }));
  await sleep(50);
  controller.abort();
  t.equal((await aborted).code, "ABORTED");
  const closed = failure(backend.waitForToken("pkcs11:token=never"));
  await sleep(50);
  await backend.close();
  t.equal((await closed).code, "CLOSED");
});

test("waitForToken() does not wait for what no waiting mends", async (t) => {
  const { backend } = await open();
  t.equal((await failure(backend.waitForToken("pkcs11:token"))).code, "URI_INVALID");
  const absent = pkcs11Backend({ module: "/nowhere/module.so" });
  t.teardown(() => absent.close());
  t.equal((await failure(absent.waitForToken("pkcs11:token=a"))).code, "MODULE_NOT_FOUND");
  for (const interval of [0, Number.NaN, "1" as unknown as number]) {
    await t.rejects(backend.waitForToken("pkcs11:token=a", { interval }), TypeError);
  }
});

test("diagnose() tells of the module, its tokens and the states of their PINs", async (t, faulty) => {
  for (const isolation of isolations) {
    const backend = pkcs11Backend({ module: faulty.path, isolation });
    opened.push(backend);
    const good = await backend.diagnose();
    t.match(good[0], { severity: "info", message: /faulty\.so loads: SoftHSM/ });
    t.match(
      good.find(({ message }) => message.includes('"watched"')),
      { severity: "info", message: /login required, PIN ok, signs ECDSA, RSA-PSS, RSA PKCS#1$/ },
    );
    await failure(backend.signer(`pkcs11:token=watched;object=key?pin-value=wrong-${isolation}`));
    const worn = (await backend.diagnose()).filter(({ severity }) => severity !== "info");
    t.match(worn, [
      { severity: "warning", message: /"watched" was given a wrong PIN/, hint: /configuration/ },
    ]);
    const renewed = pkcs11Backend({ module: faulty.path, isolation });
    opened.push(renewed);
    await renewed.signer(key);
    await closeAll();
  }
});

t.test("diagnose() says why a module cannot be examined, and what to do", async (t) => {
  for (const [options, severity, message] of [
    [{ module: "/nowhere/module.so" }, "error", /no PKCS#11 module at \/nowhere\/module\.so/],
    [{}, "warning", /no PKCS#11 module was named/],
  ] as const) {
    const backend = pkcs11Backend(options);
    const findings = await backend.diagnose();
    await backend.close();
    t.match(findings, [{ severity, message, hint: /./ }]);
  }
});

t.test("options of a wrong kind are refused", async (t) => {
  const wrong: object[] = [{ keepAlive: 0 }, { keepAlive: "1" }, { onEvent: 1 }, { trace: {} }];
  for (const options of wrong) t.throws(() => pkcs11Backend(options), TypeError);
});

// At last: it has a configuration of SoftHSM of its own.
t.test(
  "waitForToken() sees the token of a service that is started later",
  { skip: noTokenService() },
  async (t) => {
    const service = new TokenService();
    t.teardown(() => service.remove());
    for (const isolation of isolations) {
      const backend = pkcs11Backend({ module: client, isolation });
      const waiting = backend.waitForToken("pkcs11:token=remote", { interval: 200 });
      await sleep(300);
      await service.start();
      t.match(await waiting, { kind: "token", label: "remote" }, isolation);
      const signer = await backend.signer(`pkcs11:token=remote;object=key?pin-value=${PIN}`);
      t.ok(await isGood(signer));
      await backend.close();
      service.stop();
    }
  },
);

function test(name: string, body: (t: Test, faulty: FaultyModule) => Promise<void>): void {
  t.test(name, reason === false ? {} : { skip: reason }, async (t) => {
    if (faulty === undefined) return;
    faulty.behave();
    try {
      await body(t, faulty);
    } finally {
      await closeAll();
    }
  });
}

function setUp(): FaultyModule {
  const folder = new TokenFolder();
  t.teardown(() => folder.remove());
  const { certificate, privateKey } = material.ec;
  folder.add("watched", [
    privateKeyObject(privateKey.der, { label: "key", id: "01" }),
    certificateObject(certificate.der, { label: "certificate", id: "01" }),
  ]);
  return new FaultyModule(folder);
}

async function open(
  options: Pkcs11BackendOptions = {},
): Promise<{ backend: Pkcs11Source; signer: Signer; events: Pkcs11Event[] }> {
  const events: Pkcs11Event[] = [];
  const module = faulty?.path ?? softHsm;
  const backend = pkcs11Backend({ module, onEvent: (event) => events.push(event), ...options });
  opened.push(backend);
  return { backend, signer: await backend.signer(key), events };
}

async function closeAll(): Promise<void> {
  for (const backend of opened.splice(0)) await backend.close();
}

async function isGood(signer: Signer): Promise<boolean> {
  const signature = await signer.sign(scheme, message);
  return await webCrypto().verify(signer.publicKey, scheme, message, signature);
}

const kinds = (events: readonly Pkcs11Event[]) => events.map(({ type }) => type);

async function until(isTrue: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!isTrue() && performance.now() < end) await sleep(5);
}
