import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { conformanceMaterial as material } from "@ddscred/backend-conformance";
import {
  notePinSource,
  type Pkcs11BackendOptions,
  pkcs11Backend,
  readPinSource,
} from "@ddscred/backend-pkcs11";
import { CredentialError, Secret, type Signer, signatureSchemes, webCrypto } from "@ddscred/core";
import t, { type Test } from "tap";
import type { Module } from "../dist/cryptoki/module.js";
import { borrowProcessModule } from "../dist/process/borrow.js";
import { fromWire, toWire } from "../dist/process/protocol.js";
import { failure } from "./support/failure.ts";
import { FaultyModule, isRunning, noCompiler } from "./support/faulty.ts";
import { certificateObject, privateKeyObject } from "./support/objects.ts";
import { skip as noToken, PIN, module as softHsm, TokenFolder } from "./support/softhsm.ts";

t.setTimeout(600_000);
const scheme = signatureSchemes.ecdsa_p256_sha256;
const message = Buffer.from("message");
const key = "pkcs11:token=process;object=key";
const keyWithPin = `${key}?pin-value=${PIN}`;
const reason = noToken === false ? noCompiler() : noToken;
const opened: { close(): Promise<void> }[] = [];
const CKR_DEVICE_ERROR = 0x30;
const faultyModule = reason === false ? setUp() : undefined;

test("a call that does not end fails at its deadline; the next one works", async (t, faulty) => {
  const signer = await open({ deadline: 400 });
  for (const signatures of [0, 30]) {
    // At first C_Sign runs on another thread of the child, and later in the one that reads the requests.
    for (let n = 0; n < signatures; n++) await signer.sign(scheme, message);
    const pid = faulty.pid;
    faulty.order("C_Sign", "hang", 0);
    const began = performance.now();
    const error = await failure(signer.sign(scheme, message));
    const took = performance.now() - began;
    t.match(error, { code: "TIMEOUT", call: "C_Sign", retryable: true });
    t.ok(took > 390 && took < 20_000, `${took} ms`);
    t.ok(await isGood(signer));
    t.not(faulty.pid, pid, "in another process");
    t.notOk(isRunning(pid));
  }
});

test("a program that is busy itself takes no device for hanging", async (t) => {
  const signer = await open({ deadline: 400 });
  for (const pause of [0, 500, 500, 0]) {
    await sleep(pause); // after which no timer of an earlier call is left
    const signing = isGood(signer);
    await new Promise((resolve) => setImmediate(resolve));
    busyFor(700);
    t.ok(await signing);
  }
});

test("a device that hangs is found by a program that is busy all the time", async (t, faulty) => {
  const signer = await open({ deadline: 400 });
  faulty.order("C_Sign", "hang", 0);
  const hanging = failure(signer.sign(scheme, message));
  const ended = hanging.then(() => true);
  const began = performance.now();
  do busyFor(60);
  while (!(await Promise.race([ended, new Promise((resolve) => setImmediate(resolve, false))])));
  t.match(await hanging, { code: "TIMEOUT", call: "C_Sign" });
  t.ok(performance.now() - began < 10_000);
  t.ok(await isGood(signer));
});

test("what else was under way fails so that it can be tried again", async (t, faulty) => {
  const { module, session } = await withSession(t, 400);
  const { epoch } = module;
  faulty.order("C_OpenSession", "hang", 0);
  const [slot] = await module.slots();
  const hanging = failure(module.openSession(slot?.id ?? 0n));
  const others = [failure(module.isLoggedIn(session)), failure(module.library())];
  t.match(await hanging, { code: "TIMEOUT", call: "C_OpenSession" });
  for (const other of others) t.match(await other, { code: "SESSION_LOST", retryable: true });
  t.equal(module.epoch, epoch + 1);
  t.ok(await module.library());
});

test("a process is ended for what it did, and not for what one before it did", async (t, faulty) => {
  const { module } = await withSession(t);
  const { epoch } = module;
  await module.restart(epoch);
  t.ok(await module.library());
  const { pid } = faulty;
  t.equal(module.epoch, epoch + 1);
  await module.restart(epoch);
  t.ok(await module.library());
  t.equal(faulty.pid, pid);
});

test("a login may take three times as long as other calls", async (t, faulty) => {
  faulty.order("C_Login", "sleep", 1000);
  t.ok(await isGood(await open({ deadline: 500 })));
});

test("a call that waits for others to end does not hang", async (t, faulty) => {
  const { module } = await withSession(t, 500);
  const [slot] = await module.slots();
  const opening: Promise<unknown>[] = [];
  for (let n = 0; n < 4; n++) {
    faulty.order("C_OpenSession", "sleep", 300);
    opening.push(module.openSession(slot?.id ?? 0n));
    opening.push(module.library());
    await sleep(300);
  }
  t.equal((await Promise.all(opening)).length, 8);
});

test("a module that crashes is DEVICE_ERROR naming the signal; the next call works", async (t, faulty) => {
  const { module, session } = await withSession(t);
  const { epoch } = module;
  faulty.order("C_OpenSession", "abort", 0);
  const [slot] = await module.slots();
  const error = await failure(module.openSession(slot?.id ?? 0n));
  t.match(error, { code: "DEVICE_ERROR", message: /SIGABRT/, call: "C_OpenSession", retryable: true });
  t.equal(module.epoch, epoch + 1);
  t.ok(await module.slots());
  const stale = await failure(module.isLoggedIn(session));
  t.match(stale, { code: "SESSION_LOST", rv: "CKR_SESSION_HANDLE_INVALID" }, "and old handles stay dead");
  const request = { mechanism: { type: 0x1041 }, key: session, input: Buffer.alloc(32), length: 64 };
  const passedOn = () => faulty.count("C_Login") + faulty.count("C_SignInit");
  const before = passedOn();
  for (const [name, call] of Object.entries({
    login: () => module.login(session, new Secret("canary-wrong")),
    sign: () => module.sign(session, request),
    find: () => module.find(session, {}),
    closeSession: () => module.closeSession(session),
    createObject: () => module.createObject(session, {}),
  }))
    t.equal((await failure(call())).rv, "CKR_SESSION_HANDLE_INVALID", name);
  t.equal(passedOn(), before, "one of the same number may be of another token by now");
});

test("a signature during which the module crashes once is made again", async (t, faulty) => {
  const signer = await open();
  await signer.sign(scheme, message);
  for (const name of ["C_SignInit", "C_Sign"] as const) {
    faulty.order(name, "abort", 0);
    t.ok(await isGood(signer), name);
  }
});

test("sixteen signatures during which the module crashes are all made", async (t, faulty) => {
  const signer = await open();
  await signer.sign(scheme, message);
  faulty.order("C_Sign", "abort", 0);
  const signing = Array.from({ length: 16 }, () => isGood(signer));
  t.same(new Set(await Promise.all(signing)), new Set([true]));
});

test("a signature during which the module crashes each time fails after three attempts", async (t, faulty) => {
  const signer = await open();
  await signer.sign(scheme, message);
  const before = faulty.count("C_Sign");
  faulty.order("C_Sign", "abort", -1);
  t.match(await failure(signer.sign(scheme, message)), { code: "DEVICE_ERROR", retryable: true });
  t.equal(faulty.count("C_Sign") - before, 3);
  faulty.behave();
  t.ok(await isGood(signer));
});

test("a module whose calls all fail is started anew before the last attempt", async (t, faulty) => {
  for (const isolation of ["process", "inline"] as const) {
    const signer = await open({ isolation });
    await signer.sign(scheme, message);
    const before = faulty.count("C_Initialize");
    faulty.order("C_SignInit", "fail", CKR_DEVICE_ERROR);
    faulty.order("C_OpenSession", "fail", CKR_DEVICE_ERROR);
    t.ok(await isGood(signer), isolation);
    t.equal(faulty.count("C_Initialize") - before, 1);
  }
});

test("a module that crashes while it starts is MODULE_FAILED", async (t, faulty) => {
  faulty.order("C_Initialize", "abort", 0);
  const error = await failure(open());
  t.match(error, { code: "MODULE_FAILED", message: /SIGABRT/, retryable: true });
  faulty.order("C_Initialize", "fail", CKR_DEVICE_ERROR);
  t.match(await failure(open()), { code: "MODULE_FAILED", rv: "CKR_DEVICE_ERROR", call: "C_Initialize" });
  t.ok(await isGood(await open()));
});

test("a module that hangs while it starts is given up after the deadline of its user", async (t, faulty) => {
  faulty.order("C_Initialize", "hang", 0);
  const began = performance.now();
  const error = await failure(open({ deadline: 300 }));
  t.match(error, { code: "TIMEOUT", call: "C_Initialize" });
  t.ok(performance.now() - began < 15_000);
  t.ok(await isGood(await open()));
});

test("an aborted call rejects at once, and the module goes on", async (t, faulty) => {
  const signer = await open();
  await signer.sign(scheme, message);
  const { pid } = faulty;
  faulty.order("C_Sign", "sleep", 3000);
  const controller = new AbortController();
  const began = performance.now();
  const signing = failure(signer.sign(scheme, message, { signal: controller.signal }));
  await sleep(50);
  controller.abort();
  t.equal((await signing).code, "ABORTED");
  t.ok(performance.now() - began < 2900);
  t.ok(await isGood(signer));
  t.equal(faulty.pid, pid);
});

test("Ctrl-C, which reaches the process too, does not end it", async (t, faulty) => {
  const signer = await open();
  const { pid } = faulty;
  process.kill(pid, "SIGINT");
  await sleep(100);
  t.ok(await isGood(signer));
  t.equal(faulty.pid, pid);
});

test("a module that blocks its thread does not stop the event loop", async (t, faulty) => {
  const signer = await open();
  for (let n = 0; n < 30; n++) await signer.sign(scheme, message);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  faulty.order("C_Sign", "sleep", 1000);
  t.ok(await isGood(signer));
  delay.disable();
  const usual = delay.percentile(95) / 1e6;
  t.ok(usual < 20, `${usual} ms`);
  t.ok(delay.max / 1e6 < 500, "far less than the second for which the module slept");
});

test("a login that may have been counted is not made again", async (t, faulty) => {
  for (const [fault, number, code] of [
    ["abort", 0, "DEVICE_ERROR"],
    ["hang", 0, "TIMEOUT"],
    ["fail", CKR_DEVICE_ERROR, "DEVICE_ERROR"],
  ] as const) {
    const before = faulty.count("C_Login");
    faulty.order("C_Login", fault, number);
    t.match(await failure(open({ deadline: 100 })), { code, call: "C_Login" });
    t.equal(faulty.count("C_Login") - before, 1, fault);
    faulty.behave();
    t.ok(await isGood(await open()), "but by the next call");
    await closeAll();
  }
});

test("a PIN that was refused is not sent again, also not to another process", async (t, faulty) => {
  const wrong = `${key}?pin-value=canary-wrong-5521`;
  const signer = await open();
  const other = pkcs11Backend({ module: faulty.path, isolation: "process" });
  t.teardown(() => other.close());
  t.equal((await failure(other.signer(wrong))).code, "PIN_INCORRECT");
  faulty.order("C_Sign", "abort", 0);
  t.ok(await isGood(signer));
  await closeAll();
  const before = faulty.count("C_Login");
  const error = await failure(open({}, `${key}?pin-value=canary-refused-3377`));
  t.match(error, { code: "PIN_INCORRECT", rv: "CKR_PIN_INCORRECT", call: "C_Login" });
  t.equal(faulty.count("C_Login"), before + 1);
  faulty.order("C_GetSlotList", "abort", 0);
  await failure(open({}, `${key}?pin-value=canary-refused-3377`));
  t.equal((await failure(open({}, `${key}?pin-value=canary-refused-3377`))).code, "PIN_INCORRECT");
  t.equal(faulty.count("C_Login"), before + 1);
});

test("a PIN is neither an argument nor in the environment of the process", async (t, faulty) => {
  if (!existsSync("/proc/self/environ")) {
    t.pass("there is no /proc", { skip: "there is no /proc" });
    return;
  }
  process.env["DDSCRED_TEST_PIN"] = "not the PIN";
  const signer = await open({ pin: async () => new Secret(PIN) }, key);
  t.ok(await isGood(signer));
  for (const file of ["cmdline", "environ"]) {
    const text = readFileSync(`/proc/${faulty.pid}/${file}`, "utf8");
    t.ok(text.length > 0);
    t.notMatch(text, new RegExp(PIN));
  }
});

test("a variable that holds a PIN is kept from the process", async (t, faulty) => {
  if (!existsSync("/proc/self/environ")) {
    t.pass("there is no /proc", { skip: "there is no /proc" });
    return;
  }
  process.env["DDSCRED_TEST_CANARY"] = PIN;
  t.ok(await isGood(await open({}, `${key}?pin-source=env:DDSCRED_TEST_CANARY`)));
  t.notMatch(readFileSync(`/proc/${faulty.pid}/environ`, "utf8"), new RegExp(PIN));
  await closeAll();
  delete process.env["DDSCRED_TEST_CANARY"];
  process.env["DDSCRED_TEST_UPPER"] = PIN;
  t.ok(await isGood(await open({}, `${key}?pin-source=ENV:DDSCRED_TEST_UPPER`)));
  t.notMatch(readFileSync(`/proc/${faulty.pid}/environ`, "utf8"), new RegExp(PIN), "a scheme has no case");
  await closeAll();
  delete process.env["DDSCRED_TEST_UPPER"];
  process.env["DDSCRED_TEST_WRITER"] = PIN;
  const writer = pkcs11Backend(options());
  opened.push(writer);
  const absent = "pkcs11:token=process;object=none?pin-source=env:DDSCRED_TEST_WRITER";
  t.equal((await failure(writer.remove(absent))).code, "OBJECT_NOT_FOUND");
  t.notMatch(readFileSync(`/proc/${faulty.pid}/environ`, "utf8"), new RegExp(PIN), "nor where it writes");
  await closeAll();
  delete process.env["DDSCRED_TEST_WRITER"];
  process.env["DDSCRED_TEST_OF_PROVIDER"] = PIN;
  const source = "env:DDSCRED_TEST_OF_PROVIDER";
  notePinSource(source);
  t.ok(await isGood(await open({ pin: () => readPinSource(source) }, key)), "nor one that a provider reads");
  t.notMatch(readFileSync(`/proc/${faulty.pid}/environ`, "utf8"), new RegExp(PIN));
});

test("what a module writes to stderr is dropped, unless the environment asks for it", async (t, faulty) => {
  if (!existsSync("/proc/self/fd")) {
    t.pass("there is no /proc", { skip: "there is no /proc" });
    return;
  }
  await open();
  t.equal(readlinkSync(`/proc/${faulty.pid}/fd/2`), "/dev/null");
  await closeAll();
  process.env["DDSCRED_MODULE_STDERR"] = "1";
  await open();
  t.equal(readlinkSync(`/proc/${faulty.pid}/fd/2`), readlinkSync("/proc/self/fd/2"));
  await closeAll();
  delete process.env["DDSCRED_MODULE_STDERR"];
});

test("backends share one process, which ends with the last of them", async (t, faulty) => {
  const [first, last] = [pkcs11Backend(options()), pkcs11Backend(options())];
  const signer = await first.signer(keyWithPin);
  const { pid } = faulty;
  t.ok(await last.signer(keyWithPin));
  t.equal(faulty.pid, pid);
  await last.close();
  t.ok(await isGood(signer));
  t.ok(isRunning(pid));
  await first.close();
  t.notOk(isRunning(pid));
});

test("a program that closes nothing ends nevertheless, and its process with it", async (t, faulty) => {
  const { output, code } = await ended(start(faulty, "leave"));
  t.equal(code, 0);
  t.equal(output, "signed\n", "nothing that the module wrote is on its stdout");
  await gone(t, faulty.pid);
});

test("a program that is killed leaves no process, also where the module hangs", async (t, faulty) => {
  for (const then of ["stay", "again"] as const) {
    const program = start(faulty, then);
    const over = ended(program);
    await new Promise((resolve) => program.stdout?.once("data", resolve));
    const { pid } = faulty;
    if (then === "again") {
      faulty.order("C_Sign", "hang", 0);
      const before = faulty.count("C_Sign");
      program.stdin?.write("\n");
      while (faulty.count("C_Sign") === before) await sleep(5);
    }
    t.ok(isRunning(pid));
    program.kill("SIGKILL");
    await over;
    await gone(t, pid);
  }
});

t.test("errors cross the boundary whole", async (t) => {
  const error = new CredentialError("PIN_INCORRECT", "no", {
    rv: "CKR_PIN_INCORRECT",
    call: "C_Login",
    hint: "what to do",
    retryable: true,
    candidates: ["pkcs11:token=a"],
  });
  const copy = fromWire(structuredClone(toWire(error)));
  t.ok(copy instanceof CredentialError);
  t.same(JSON.stringify(copy), JSON.stringify(error));
  t.ok(fromWire(structuredClone(toWire(new TypeError("wrong")))) instanceof TypeError);
  t.match(fromWire(structuredClone(toWire(new RangeError("odd")))), { code: "INTERNAL", message: "odd" });
});

t.test("options of a wrong kind are a TypeError", async (t) => {
  for (const wrong of [
    { isolation: "thread" },
    { deadline: 0 },
    { deadline: Number.NaN },
    { deadline: "1" },
    { allowModuleFromURI: false },
  ]) {
    t.throws(() => pkcs11Backend({ module: softHsm, ...wrong } as never), TypeError);
  }
});

function setUp(): FaultyModule {
  const folder = new TokenFolder();
  t.teardown(() => folder.remove());
  folder.add("process", [
    privateKeyObject(material.ec.privateKey.der, { label: "key", id: "01" }),
    certificateObject(material.ec.certificate.der, { label: "certificate", id: "01" }),
  ]);
  return new FaultyModule(folder);
}

/** A test on the faulty module; the backends that it opened are closed when it ends. */
function test(name: string, body: (t: Test, faulty: FaultyModule) => Promise<unknown>): void {
  t.test(name, reason === false ? {} : { skip: reason }, async (t) => {
    if (faultyModule === undefined) return;
    faultyModule.behave();
    t.teardown(closeAll);
    await body(t, faultyModule);
  });
}

async function closeAll(): Promise<void> {
  faultyModule?.behave();
  for (const backend of opened.splice(0)) await backend.close();
}

function options(): Pkcs11BackendOptions {
  return { module: faultyModule?.path ?? "", isolation: "process" };
}

async function open(more: Pkcs11BackendOptions = {}, uri = keyWithPin): Promise<Signer> {
  const backend = pkcs11Backend({ ...options(), ...more });
  opened.push(backend);
  return await backend.signer(uri);
}

async function withSession(t: Test, deadline = 10_000): Promise<{ module: Module; session: Uint8Array }> {
  const borrowed = await borrowProcessModule(faultyModule?.path ?? "", deadline);
  t.teardown(() => borrowed.release());
  const [slot] = await borrowed.module.slots();
  return { module: borrowed.module, session: await borrowed.module.openSession(slot?.id ?? 0n) };
}

function busyFor(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end; );
}

async function isGood(signer: Signer): Promise<boolean> {
  return await webCrypto().verify(signer.publicKey, scheme, message, await signer.sign(scheme, message));
}

function start({ path }: FaultyModule, then: "leave" | "stay" | "again"): ChildProcess {
  const program = fileURLToPath(new URL("./support/host-program.js", import.meta.url));
  return spawn(process.execPath, [program, path, keyWithPin, then], { stdio: ["pipe", "pipe", "inherit"] });
}

async function ended(program: ChildProcess): Promise<{ output: string; code: number | null }> {
  let output = "";
  program.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  return await new Promise((resolve) => program.once("close", (code) => resolve({ output, code })));
}

async function gone(t: Test, pid: number): Promise<void> {
  const patience = performance.now() + 5000;
  while (isRunning(pid) && performance.now() < patience) await sleep(10);
  t.notOk(isRunning(pid), "its process is gone");
}
