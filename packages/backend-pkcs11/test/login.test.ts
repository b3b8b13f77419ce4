import { chmodSync, openSync, writeFileSync } from "node:fs";
import { inspect } from "node:util";
import { conformanceMaterial as material } from "@ddscred/backend-conformance";
import { type Pkcs11BackendOptions, readPinSource } from "@ddscred/backend-pkcs11";
import { CredentialError, Secret, signatureSchemes, tokenError } from "@ddscred/core";
import t, { type Test } from "tap";
import { Pkcs11Backend } from "../dist/backend.js";
import type { Module, TokenState } from "../dist/cryptoki/module.js";
import { count, failure } from "./support/failure.ts";
import { certificateObject, privateKeyObject } from "./support/objects.ts";
import { module, PIN, skip, TokenFolder } from "./support/softhsm.ts";
import { type CallLog, type Overrides, spiedModules } from "./support/spy.ts";

const { ec } = material;
const key = privateKeyObject(ec.privateKey.der, { label: "key", id: "01" });
const hidden = certificateObject(ec.certificate.der, { label: "hidden", id: "01", private: true });
const open = certificateObject(ec.certificate.der, { label: "open", id: "01" });
const scheme = signatureSchemes.ecdsa_p256_sha256;

const folder = skip === false ? new TokenFolder() : undefined;
const label = tokenLabels();
if (folder !== undefined) {
  t.teardown(() => folder.remove());
  // A token for each test that spends a wrong PIN: what was refused once is remembered for good.
  for (const name of ["login", "wrong", "limit", "second", "memory", "flags", "context", "locked"]) {
    folder.add(name, [key, hidden, open]);
  }
  for (const name of ["always", "in-a-row", "in-a-row-2"]) {
    folder.add(name, [
      privateKeyObject(ec.privateKey.der, { label: "key", id: "01", alwaysAuthenticate: true }),
      open,
    ]);
  }
}

test("a key behind a login without a PIN is PIN_REQUIRED, and the message names the token", async (t, {
  backend,
}) => {
  const error = await failure(backend().signer("pkcs11:token=login;object=key"));
  t.match(error, { code: "PIN_REQUIRED", message: /"login"/, hint: /pin-source=file:/ });
});

test("the PIN is taken from the URI, from a file, from a variable, and from the provider last", async (t, {
  backend,
  path,
}) => {
  process.env["DDSCRED_TEST_PIN"] = PIN;
  const asked: unknown[] = [];
  const pin = async (question: unknown): Promise<Secret> => {
    asked.push(question);
    return new Secret(PIN);
  };
  for (const query of [
    `?pin-value=${PIN}`,
    `?pin-source=file:${path("pin", `${PIN}\n`)}`,
    `?pin-source=file://${path("pin-crlf", `${PIN}\r\n`)}`,
    "?pin-source=env:DDSCRED_TEST_PIN",
  ]) {
    const signer = await backend({ pin }).signer(`pkcs11:token=login;object=key${query}`);
    t.ok(signer.publicKey, query);
  }
  t.equal(asked.length, 0);
  await backend({ pin }).signer("pkcs11:token=login;object=key");
  t.match(asked, [{ uri: "pkcs11:token=login;object=key", token: { label: "login" } }]);
});

test("a pin-source that cannot be read is an error, never an empty PIN", async (t, {
  backend,
  path,
  calls,
}) => {
  for (const [source, code] of [
    ["file:/nonexistent/pin", "PIN_SOURCE_UNREADABLE"],
    [`file:${folder?.path}`, "PIN_SOURCE_UNREADABLE"],
    [`file:${path("large", "1".repeat(5000))}`, "PIN_SOURCE_UNREADABLE"],
    [`file:${path("latin1", Uint8Array.of(0xff, 0xfe))}`, "PIN_SOURCE_UNREADABLE"],
    ["env:DDSCRED_TEST_UNSET", "PIN_SOURCE_UNREADABLE"],
    ["%7Ccat%20/etc/pin", "PIN_SOURCE_REFUSED"],
    ["https://example.com/pin", "PIN_SOURCE_REFUSED"],
    ["data:,1234", "PIN_SOURCE_REFUSED"],
    ["/etc/pin", "PIN_SOURCE_REFUSED"],
    [`file:${path("empty", "\n")}`, "PIN_REFUSED"],
  ] as const) {
    const error = await failure(backend().signer(`pkcs11:token=login;object=key?pin-source=${source}`));
    t.equal(error.code, code, source);
  }
  t.notOk(calls.includes("login"));
});

test("a PIN file to which others have access is refused, with the command that mends it", async (t, {
  backend,
  path,
}) => {
  const file = path("readable", PIN);
  for (const mode of [0o644, 0o602, 0o640, 0o660, 0o620, 0o610]) {
    chmodSync(file, mode);
    const error = await failure(backend().signer(`pkcs11:token=login;object=key?pin-source=file:${file}`));
    t.match(error, { code: "PIN_SOURCE_REFUSED", hint: `Restrict it: chmod 0600 ${file}` }, mode.toString(8));
  }
  for (const mode of [0o600, 0o400, 0o700]) {
    chmodSync(file, mode);
    t.ok(await backend().signer(`pkcs11:token=login;object=key?pin-source=file:${file}`), mode.toString(8));
  }
});

test("a PIN in the place of a pin-source is not shown, whatever it looks like", async (t, { backend }) => {
  for (const source of [
    "canary:4711",
    "canary4711",
    "canary-pin%3A4711",
    "%7Ccanary%204711",
    "canary%2F4711",
  ]) {
    const error = await failure(backend().signer(`pkcs11:token=login;object=key?pin-source=${source}`));
    t.equal(error.code, "PIN_SOURCE_REFUSED", source);
    t.notMatch(error.message + error.hint, /canary|4711/, source);
  }
});

test("a backend logs in once on a token, also when many calls need it at once", async (t, {
  backend,
  calls,
}) => {
  const source = backend();
  const uri = `pkcs11:token=login;object=key?pin-value=${PIN}`;
  await Promise.all(Array.from({ length: 16 }, () => source.signer(uri)));
  await source.signer("pkcs11:token=login;object=key");
  t.equal(count(calls, "login"), 1);
});

test("a wrong PIN is tried once in the life of the process", async (t, { backend, calls }) => {
  const uri = "pkcs11:token=wrong;object=key?pin-value=canary-wrong";
  const source = backend();
  const first = await failure(source.signer(uri));
  t.match(first, {
    code: "PIN_INCORRECT",
    rv: "CKR_PIN_INCORRECT",
    call: "C_Login",
    message: /few attempts/,
  });
  t.equal(count(calls, "login"), 1);
  const again = await Promise.all(Array.from({ length: 8 }, () => failure(source.signer(uri))));
  again.push(await failure(backend().signer(uri)));
  for (const error of again)
    t.match(error, { code: "PIN_INCORRECT", message: /refused before and is not tried again/ });
  t.equal(count(calls, "login"), 1, "C_Login calls");
  t.ok(await source.signer(`pkcs11:token=wrong;object=key?pin-value=${PIN}`), "the right PIN still opens it");
});

test("after as many refused PINs as maxRefusedPins says, no other is sent to the token, by any backend", async (t, {
  backend,
  calls,
}) => {
  const uri = (pin: string): string => `pkcs11:token=limit;object=key?pin-value=${pin}`;
  const open = backend();
  t.equal((await failure(open.signer(uri("canary-wrong-1")))).code, "PIN_INCORRECT");
  t.equal((await failure(open.signer(uri("canary-wrong-2")))).code, "PIN_INCORRECT", "without a limit");
  const asked: unknown[] = [];
  const pin = async (question: unknown): Promise<Secret> => {
    asked.push(question);
    return new Secret(PIN);
  };
  const careful = backend({ maxRefusedPins: 2, pin });
  const sent = count(calls, "login");
  for (const refused of [uri("canary-wrong-3"), uri(PIN), "pkcs11:token=limit;object=key"]) {
    const error = await failure(careful.signer(refused));
    t.match(error, { code: "PIN_REFUSED", message: /"limit".*2 PINs.*no other is sent/ });
  }
  t.equal((await failure(careful.signer(uri("canary-wrong-1")))).code, "PIN_INCORRECT");
  t.same(asked, [], "nobody is asked for a PIN that would not be sent");
  t.equal(count(calls, "login"), sent);
  t.ok(await careful.signer(`pkcs11:token=login;object=key?pin-value=${PIN}`), "another token");
  t.ok(await backend({ maxRefusedPins: 3 }).signer(uri(PIN)));
  t.ok(await careful.signer(uri(PIN)), "a login that stands sends nothing");
});

test("a PIN that is not the one that opened the token is wrong, and is not tried", async (t, {
  backend,
  calls,
}) => {
  const source = backend();
  await source.signer(`pkcs11:token=second;object=key?pin-value=${PIN}`);
  const error = await failure(source.signer("pkcs11:token=second;object=key?pin-value=other"));
  t.match(error, { code: "PIN_INCORRECT", message: /not tried/ });
  t.equal(count(calls, "login"), 1);
});

test("a backend without a PIN does not use the login of another one", async (t, { backend }) => {
  await backend().signer(`pkcs11:token=second;object=key?pin-value=${PIN}`);
  t.equal((await failure(backend().signer("pkcs11:token=second;object=key"))).code, "PIN_REQUIRED");
});

test("where somebody else in the process has logged in, that is success", async (t, { backend, calls }) => {
  const override: Overrides = () => ({ isLoggedIn: async () => false });
  const first = backend({}, override);
  await first.signer(`pkcs11:token=second;object=key?pin-value=${PIN}`);
  const signer = await backend({}, override).signer(`pkcs11:token=second;object=key?pin-value=${PIN}`);
  t.ok(await signer.sign(scheme, Buffer.from("message")));
  t.equal(count(calls, "login"), 2, "CKR_USER_ALREADY_LOGGED_IN came from the token");
});

test("the last of those who logged in logs out, and nobody does where the login is not ours", async (t, {
  backend,
  calls,
}) => {
  const uri = `pkcs11:token=second;object=key?pin-value=${PIN}`;
  const [first, last] = [backend(), backend()];
  await first.signer(uri);
  const signer = await last.signer(uri);
  await first.close();
  t.equal(count(calls, "logout"), 0);
  t.ok(await signer.sign(scheme, Buffer.from("message")));
  t.equal(count(calls, "login"), 1);
  await last.close();
  t.equal(count(calls, "logout"), 1);
  const guest = backend({}, () => ({ isLoggedIn: async () => true }));
  await guest.certificates(`pkcs11:token=second;object=open?pin-value=${PIN}`);
  await guest.close();
  t.equal(count(calls, "logout"), 1);
});

test("a certificate that is public is found without a login", async (t, { backend, calls }) => {
  const never = async (): Promise<Secret> => t.fail("a PIN was asked for") as never;
  t.equal((await backend({ pin: never }).certificates("pkcs11:token=login;object=open")).length, 1);
  t.equal(count(calls, "login"), 0);
});

test("a certificate that is private is found with a PIN, carried or asked for", async (t, {
  backend,
  calls,
}) => {
  const error = await failure(backend().certificates("pkcs11:token=login;object=hidden"));
  t.match(error, { code: "OBJECT_NOT_FOUND", message: /hidden without a PIN/ });
  t.equal(count(calls, "login"), 0);
  const pin = async (): Promise<Secret> => new Secret(PIN);
  t.equal((await backend({ pin }).certificates("pkcs11:token=login;object=hidden")).length, 1);
  const carried = await backend().certificates(`pkcs11:token=login;object=hidden?pin-value=${PIN}`);
  t.equal(carried.length, 1);
});

test("a token that does not want a login is asked for none", async (t, { backend, calls }) => {
  const source = backend(
    {},
    withFlags((flags) => flags & ~0x4),
  );
  const error = await failure(source.signer(`pkcs11:token=flags;object=key`));
  t.equal(error.code, "OBJECT_NOT_FOUND");
  t.equal(count(calls, "login"), 0);
});

test("a token that says that it wants no login, and hides a key, is opened with the PIN of the URI", async (t, {
  backend,
  calls,
}) => {
  const source = backend(
    {},
    withFlags((flags) => flags & ~0x4),
  );
  t.equal((await source.certificates(`pkcs11:token=flags;object=open?pin-value=${PIN}`)).length, 1);
  t.equal(count(calls, "login"), 0, "for what is seen without");
  t.equal((await source.certificates(`pkcs11:token=flags;object=hidden?pin-value=${PIN}`)).length, 1);
  const signer = await source.signer(`pkcs11:token=flags;object=key?pin-value=${PIN}`);
  t.ok(await signer.sign(scheme, Buffer.from("message")));
  t.equal(count(calls, "login"), 1);
  const wrong = failure(source.signer("pkcs11:token=flags;object=none?pin-value=canary-wrong"));
  t.equal((await wrong).code, "PIN_INCORRECT", "judged, not tried");
  await source.close();

  let forgetful = false;
  const fresh = backend({}, (real) => ({
    ...withFlags((flags) => flags & ~0x4)(real),
    async sign(session, request) {
      if (forgetful) await real.logout(session);
      forgetful = false;
      return await real.sign(session, request);
    },
  }));
  const again = await fresh.signer(`pkcs11:token=flags;object=key?pin-value=${PIN}`);
  forgetful = true;
  t.ok(await again.sign(scheme, Buffer.from("message")), "also after the login was lost");
});

test("the state of the PIN is read before each login, and no PIN is spent against it", async (t, {
  backend,
  calls,
}) => {
  for (const [flag, code, message] of [
    [0x4_0000, "PIN_LOCKED", /locked/],
    [0x2_0000, "PIN_REFUSED", /one more wrong PIN/],
    [0x8_0000, "PIN_REFUSED", /changed first/],
    [0x100, "PIN_REFUSED", /PIN pad/],
  ] as const) {
    const source = backend(
      {},
      withFlags((flags) => flags | flag),
    );
    const error = await failure(source.signer(`pkcs11:token=flags;object=key?pin-value=${PIN}`));
    t.match(error, { code, message });
  }
  t.equal(count(calls, "login"), 0);
});

test("the last attempt is spent where allowFinalTry says so", async (t, { backend }) => {
  const finalTry = withFlags((flags) => flags | 0x2_0000);
  const uri = `pkcs11:token=flags;object=key?pin-value=${PIN}`;
  const source = backend({ allowFinalTry: true }, finalTry);
  t.ok(await source.signer(uri));
  await source.close();
  const locked = withFlags((flags) => flags | 0x6_0000);
  t.equal((await failure(backend({ allowFinalTry: true }, locked).signer(uri))).code, "PIN_LOCKED");
});

test("a PIN comes from a file descriptor, from a program that is allowed, and from a credential of the service", async (t, {
  backend,
  path,
}) => {
  const fd = openSync(path("descriptor", `${PIN}\n`), "r");
  const program = path("program", `#!/bin/sh\necho ${PIN}\n`);
  chmodSync(program, 0o700);
  process.env["CREDENTIALS_DIRECTORY"] = folder?.path ?? "";
  const credential = path("credential", PIN).slice((folder?.path ?? "").length + 1);
  for (const source of [`fd:${fd}`, `fd:${fd}`, `%7C${program}%20x`, `systemd:${credential}`]) {
    const uri = `pkcs11:token=login;object=key?pin-source=${source}`;
    t.ok(await backend({ pinCommands: [program] }).signer(uri), source);
  }
  const uri = `pkcs11:token=login;object=key?pin-source=%7C${program}`;
  t.equal((await failure(backend().signer(uri))).code, "PIN_SOURCE_REFUSED", "without pinCommands");
});

test("a PIN that is refused for one signature is not sent for another, however many wait", async (t, {
  backend,
  calls,
  path,
}) => {
  const file = path("context", PIN);
  const source = backend();
  const signer = await source.signer(`pkcs11:token=always;object=key?pin-source=file:${file}`);
  writeFileSync(file, "canary-wrong");
  const errors = await Promise.all(
    Array.from({ length: 4 }, () => failure(signer.sign(scheme, Buffer.alloc(1)))),
  );
  for (const error of errors) t.equal(error.code, "PIN_INCORRECT");
  t.equal(count(calls, "sign"), 1, "C_SignInit and C_Login");
});

test("PINs for signatures that wait in a row are judged by what became of those before", async (t, {
  backend,
  calls,
}) => {
  for (const [token, rules, flags, message] of [
    ["in-a-row", {}, 0x2_0000, /one more wrong PIN/],
    ["in-a-row-2", { maxRefusedPins: 1 }, 0, /no other is sent/],
  ] as const) {
    calls.length = 0;
    let isRefused = false;
    let bothAsked = (): void => undefined;
    const both = new Promise<void>((resolve) => (bothAsked = resolve));
    const pins = [PIN, "canary-wrong-1", "canary-wrong-2"];
    const pin = async (): Promise<Secret> => {
      if (pins.length === 1) bothAsked();
      return new Secret(pins.shift() ?? "");
    };
    const source = backend({ pin, ...rules }, (real) => ({
      async token(slot) {
        const state = await real.token(slot);
        return isRefused ? { ...state, flags: state.flags | flags } : state;
      },
      async sign() {
        await both;
        isRefused = true;
        throw tokenError("CKR_PIN_INCORRECT", "C_Login");
      },
    }));
    const signer = await source.signer(`pkcs11:token=${token};object=key`);
    const [first, second] = await Promise.all(
      [1, 2].map(() => failure(signer.sign(scheme, Buffer.alloc(1)))),
    );
    t.equal(first?.code, "PIN_INCORRECT");
    t.match(second, { code: "PIN_REFUSED", message });
    t.equal(count(calls, "sign"), 1, "C_SignInit and C_Login");
  }
});

test("whoever is asked for a PIN and does not answer holds nobody up: others log in, and close() ends", async (t, {
  backend,
}) => {
  const asked = backend({ pin: () => new Promise<never>(() => undefined) });
  const uri = "pkcs11:token=login;object=key";
  const impatience = new AbortController();
  setTimeout(() => impatience.abort(), 50);
  t.equal((await failure(asked.signer(uri, { signal: impatience.signal }))).code, "ABORTED");
  t.ok(await backend().signer(`${uri}?pin-value=${PIN}`), "another call, after one that was aborted");
  const second = backend({ pin: () => new Promise<never>(() => undefined) });
  const waiting = failure(second.signer("pkcs11:token=second;object=key"));
  await second.close();
  t.equal((await waiting).code, "CLOSED");
});

test("a provider that answers at once, or throws at once, does no harm", async (t, { backend }) => {
  const uri = "pkcs11:token=login;object=key";
  const answer = (() => new Secret(PIN)) as unknown as NonNullable<Pkcs11BackendOptions["pin"]>;
  t.ok(await backend({ pin: answer }).signer(uri));
  const thrower = (): never => {
    throw new Error("no vault");
  };
  t.equal((await failure(backend({ pin: thrower }).signer(uri))).code, "PIN_SOURCE_UNREADABLE");
});

test("what a provider throws is told by its class alone, because its words may hold the PIN", async (t, {
  backend,
}) => {
  const uri = "pkcs11:token=login;object=key";
  class VaultError extends Error {}
  const telling = (): never => {
    throw new Error(PIN);
  };
  for (const [thrown, kind] of [
    [new Error(PIN), / \(Error\)/],
    [new TypeError(PIN), / \(TypeError\)/],
    [new CredentialError("INTERNAL", PIN, { hint: PIN }), / \(CredentialError\)/],
    [new VaultError(PIN, { cause: PIN }), / \(VaultError\)/],
    [PIN, /failed$/],
    [{ message: PIN }, /failed$/],
    [undefined, /failed$/],
    [new Proxy({}, { getPrototypeOf: telling, get: telling }), /failed$/],
  ] as const) {
    const error = await failure(backend({ pin: () => Promise.reject(thrown) }).signer(uri));
    t.match(error, { code: "PIN_SOURCE_UNREADABLE", message: kind });
    t.equal(error.cause, undefined);
    t.notMatch(inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error), PIN);
  }
  const source = "file:/nonexistent/pin";
  const error = await failure(backend({ pin: () => readPinSource(source) }).signer(uri));
  t.match(error, { code: "PIN_SOURCE_UNREADABLE", message: /no such file/ });
});

test("a PIN that locked its token is not sent again, though the token does not say that it is locked", async (t, {
  backend,
  calls,
}) => {
  const locked = backend({}, () => ({
    login: async () => {
      throw tokenError("CKR_PIN_LOCKED", "C_Login");
    },
  }));
  const uri = "pkcs11:token=locked;object=key?pin-value=canary-wrong";
  t.equal((await failure(locked.signer(uri))).code, "PIN_LOCKED");
  t.equal((await failure(locked.signer(uri))).code, "PIN_INCORRECT");
  t.equal(count(calls, "login"), 1);
});

test("a PIN is never sent where the URI matches several tokens", async (t, { backend, calls }) => {
  const error = await failure(backend().signer(`pkcs11:object=key?pin-value=${PIN}`));
  t.equal(error.code, "TOKEN_AMBIGUOUS");
  for await (const _ of backend().list(`pkcs11:?pin-value=${PIN}`)) continue;
  t.equal(count(calls, "login"), 0);
});

test("a key that wants its PIN for each signature gets it", async (t, { backend }) => {
  const signer = await backend().signer(`pkcs11:token=always;object=key?pin-value=${PIN}`);
  const message = Buffer.from("message");
  for (const _ of [1, 2]) t.ok(await signer.sign(scheme, message));
});

test("a key of a token that forgot the login is found again, after a new login", async (t, {
  backend,
  calls,
}) => {
  let forgetful = false;
  const override: Overrides = (real) => ({
    async sign(session, request) {
      if (forgetful) await real.logout(session);
      forgetful = false;
      return await real.sign(session, request);
    },
  });
  const signer = await backend({}, override).signer(`pkcs11:token=context;object=key?pin-value=${PIN}`);
  const message = Buffer.from("message");
  t.ok(await signer.sign(scheme, message));
  forgetful = true;
  t.ok(await signer.sign(scheme, message));
  t.equal(count(calls, "login"), 2);
});

test("when the module was started anew, the PIN goes to the same token, and to no other that has its label", async (t, {
  backend,
  calls,
}) => {
  for (const isExchanged of [true, false]) {
    calls.length = 0;
    let restarts = 0;
    const opened: bigint[] = [];
    const source = backend({}, (real) => ({
      get epoch() {
        return real.epoch + restarts;
      },
      async slots() {
        const slots = await real.slots();
        const own = slots.find(({ token }) => token.label === "login");
        if (restarts === 0 || own === undefined) return slots;
        const another = slots.find(({ token }) => token.label === "second")?.id ?? 0n;
        if (isExchanged) return [{ ...own, id: another, token: { ...own.token, serialNumber: "another" } }];
        return [{ ...own, id: another }, own]; // one that says that it is the same
      },
      async openSession(slot, access) {
        opened.push(slot);
        return await real.openSession(slot, access);
      },
    }));
    const signer = await source.signer(`pkcs11:token=login;object=key?pin-value=${PIN}`);
    t.ok(await signer.sign(scheme, Buffer.from("message")));
    restarts++;
    if (isExchanged) {
      t.equal((await failure(signer.sign(scheme, Buffer.from("message")))).code, "TOKEN_REMOVED");
      t.equal(count(calls, "login"), 1);
    } else t.ok(await signer.sign(scheme, Buffer.from("message")));
    t.equal(new Set(opened).size, 1, "in its slot alone");
    await source.close();
  }
});

test("where a token is in another slot after its module was started anew, its flags are read there", async (t, {
  backend,
}) => {
  const MOVED = 2n ** 40n;
  let isMoved = false;
  const read: bigint[] = [];
  const there = (slot: bigint): bigint => (slot > MOVED ? slot - MOVED : slot);
  const source = backend({}, (real) => ({
    get epoch() {
      return real.epoch + Number(isMoved);
    },
    async slots() {
      const slots = await real.slots();
      return isMoved ? slots.map((slot) => ({ ...slot, id: slot.id + MOVED })) : slots;
    },
    async token(slot) {
      read.push(slot);
      return await real.token(there(slot));
    },
    openSession: async (slot, access) => await real.openSession(there(slot), access),
    isLoggedIn: async () => false,
  }));
  const signer = await source.signer(`pkcs11:token=login;object=key?pin-value=${PIN}`);
  isMoved = true;
  read.length = 0;
  t.ok(await signer.sign(scheme, Buffer.from("message")));
  t.ok(read.length > 0 && read.every((slot) => slot > MOVED));
});

test("no error, and nothing that is printed, holds a PIN", async (t, { backend, path }) => {
  const wrong = "canary-wrong-9214";
  const pin = async (): Promise<Secret> => new Secret(wrong);
  const source = backend({ pin });
  const errors = [
    await failure(source.signer(`pkcs11:token=memory;object=key?pin-value=${wrong}`)),
    await failure(source.signer(`pkcs11:token=memory;object=key?pin-value=${wrong}`)),
    await failure(source.signer("pkcs11:token=memory;object=key")),
    await failure(source.signer(`pkcs11:token=memory;object=kez?pin-value=${PIN}`)),
    await failure(source.signer(`pkcs11:token=memory;object=key?pin-source=file:${path("memory", wrong)}`)),
    await failure(source.certificates(`pkcs11:token=memory;object=none?pin-value=${PIN}`)),
  ];
  const signer = await source.signer(`pkcs11:token=memory;object=key?pin-value=${PIN}`);
  const printed = inspect([errors, source, signer], { depth: 12, showHidden: true }) + JSON.stringify(errors);
  t.notMatch(printed, new RegExp(`${wrong}|${PIN}`));
});

interface Tools {
  /** A backend on spied modules; it is closed when the test ends. */
  backend(options?: Pkcs11BackendOptions, overrides?: Overrides): Pkcs11Backend;
  path(name: string, content: string | Uint8Array): string;
  readonly calls: CallLog;
}

function test(name: string, body: (t: Test, tools: Tools) => Promise<void>): void {
  t.test(name, skip === false ? {} : { skip }, async (t) => {
    const calls: CallLog = [];
    const tools: Tools = {
      calls,
      path: (file, content) => folder?.file(`${label()}-${file}`, content) ?? "",
      backend(options = {}, overrides) {
        const backend = new Pkcs11Backend({ module, ...options }, spiedModules(calls, overrides));
        t.teardown(() => backend.close());
        return backend;
      },
    };
    await body(t, tools);
  });
}

function withFlags(change: (flags: number) => number): Overrides {
  const changed = (token: TokenState): TokenState => ({ ...token, flags: change(token.flags) });
  return (real: Module) => ({
    token: async (slot) => changed(await real.token(slot)),
    slots: async () => (await real.slots()).map((slot) => ({ ...slot, token: changed(slot.token) })),
  });
}

function tokenLabels(): () => string {
  let number = 0;
  return () => `file${number++}`;
}
