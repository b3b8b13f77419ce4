import { setTimeout as sleep } from "node:timers/promises";
import { conformanceMaterial as material } from "@ddscred/backend-conformance";
import { type Pkcs11BackendOptions, type Pkcs11Source, pkcs11Backend } from "@ddscred/backend-pkcs11";
import t, { type Test } from "tap";
import { failure } from "./support/failure.ts";
import { noCompiler } from "./support/faulty.ts";
import { certificateObject, privateKeyObject } from "./support/objects.ts";
import { skip as noToken, PIN, TokenFolder } from "./support/softhsm.ts";
import { TableModule } from "./support/table.ts";

t.setTimeout(600_000);
const COUNT_LOW = 0x1_0000;
const FINAL_TRY = 0x2_0000;
const LOCKED = 0x4_0000;
const isolations = ["inline", "process"] as const;
const unclear = {
  GENERAL_ERROR: 0x5,
  FUNCTION_FAILED: 0x6,
  DEVICE_ERROR: 0x30,
  DEVICE_REMOVED: 0x32,
  SESSION_CLOSED: 0xb0,
  SESSION_HANDLE_INVALID: 0xb3,
};
const reason = noToken === false ? noCompiler() : noToken;
const folder = reason === false ? new TokenFolder() : undefined;
// A token for each test: what became of a PIN is remembered for good.
for (const isolation of isolations) {
  const cases = [...Object.keys(unclear), "well", "counted", "final", "locked", "always"];
  for (const name of cases) add(`${name}-${isolation}`, name === "always");
}
add("waiting");
for (const does of ["hang", "abort"]) {
  add(`${does}-process`);
  add(`${does}-always`, true);
}
const table = folder === undefined ? undefined : new TableModule(folder);
t.teardown(() => folder?.remove());

for (const isolation of isolations) {
  for (const [name, rv] of Object.entries(unclear)) {
    test(`a PIN that is answered by CKR_${name} is sent twice at most: ${isolation}`, async (t, module) => {
      const backend = backendOf(t, module, { isolation });
      module.fault("C_Login", { does: "fail", rv, times: -1 });
      const errors = await failuresOf(backend, `${name}-${isolation}`);
      t.equal(module.count("C_Login"), 2);
      t.not(errors[0]?.code, "PIN_REFUSED", "what the token answered is told first");
      t.match(errors.at(-1), { code: "PIN_REFUSED", message: /never answered clearly/ });
      module.reset();
      const other = backendOf(t, module, { isolation });
      t.equal(
        (await failure(other.signer(uriOf(`${name}-${isolation}`)))).code,
        "PIN_REFUSED",
        "nor by others",
      );
      t.equal(module.count("C_Login"), 0);
    });
  }

  test(`a good PIN works again when the device does: ${isolation}`, async (t, module) => {
    const backend = backendOf(t, module, { isolation });
    for (let round = 0; round < 3; round++) {
      module.fault("C_Login", { does: "fail", rv: unclear.DEVICE_ERROR });
      const another = backendOf(t, module, { isolation });
      t.equal((await failure(another.signer(uriOf(`well-${isolation}`)))).code, "DEVICE_ERROR");
      t.ok(await another.signer(uriOf(`well-${isolation}`)), "an accepted PIN begins the count anew");
      await another.close();
    }
    t.ok(await backend.signer(uriOf(`well-${isolation}`)));
    t.equal(module.count("C_Login"), 7);
  });

  test(`a PIN of unclear outcome is not sent to a token that counted a wrong one since: ${isolation}`, async (t, module) => {
    const backend = backendOf(t, module, { isolation });
    const uri = uriOf(`counted-${isolation}`);
    module.fault("C_Login", { does: "fail", rv: unclear.GENERAL_ERROR });
    t.equal((await failure(backend.signer(uri))).rv, "CKR_GENERAL_ERROR");
    module.change({ flags: COUNT_LOW });
    for (let n = 0; n < 3; n++) t.equal((await failure(backend.signer(uri))).code, "PIN_REFUSED");
    t.equal(module.count("C_Login"), 1);
    module.change({});
    t.ok(await backend.signer(uri), "somebody logged in, which the token's flags show");
  });

  test(`nor to one that has its last try left since, though that may be spent: ${isolation}`, async (t, module) => {
    const backend = backendOf(t, module, { isolation, allowFinalTry: true });
    const uri = uriOf(`final-${isolation}`);
    module.fault("C_Login", { does: "fail", rv: unclear.GENERAL_ERROR });
    t.equal((await failure(backend.signer(uri))).rv, "CKR_GENERAL_ERROR");
    module.change({ flags: FINAL_TRY });
    for (let n = 0; n < 3; n++) t.equal((await failure(backend.signer(uri))).code, "PIN_REFUSED");
    t.equal(module.count("C_Login"), 1);
    module.change({});
    t.ok(await backend.signer(uri));
  });

  test(`a PIN that was answered by CKR_PIN_LOCKED is sent again when the token shows that it is not locked any more: ${isolation}`, async (t, module) => {
    const backend = backendOf(t, module, { isolation });
    const uri = uriOf(`locked-${isolation}`);
    module.fault("C_Login", { does: "fail", rv: 0xa4 });
    t.equal((await failure(backend.signer(uri))).code, "PIN_LOCKED");
    t.equal((await failure(backend.signer(uri))).code, "PIN_INCORRECT", "it did not show that it is");
    module.change({ flags: LOCKED });
    t.equal((await failure(backend.signer(uri))).code, "PIN_LOCKED");
    t.equal(module.count("C_Login"), 1);
    module.change({});
    t.ok(await backend.signer(uri));
  });

  test(`for a key that wants its PIN for each signature, it is no other: ${isolation}`, async (t, module) => {
    const signer = await backendOf(t, module, { isolation }).signer(uriOf(`always-${isolation}`));
    const [scheme] = signer.schemes;
    if (scheme === undefined) return;
    t.ok(await signer.sign(scheme, Buffer.from("a")));
    module.reset();
    module.fault("C_Login", { does: "fail", rv: unclear.FUNCTION_FAILED, times: -1 });
    for (let n = 0; n < 5; n++) await failure(signer.sign(scheme, Buffer.from("a")));
    t.equal(module.count("C_Login"), 2);
  });
}

test("a PIN that waits for the outcome of another attempt with it is judged by the flags that this left", async (t, module) => {
  const uri = uriOf("waiting");
  const [first, second] = (["process", "inline"] as const).map((isolation) =>
    backendOf(t, module, { isolation }),
  ) as [Pkcs11Source, Pkcs11Source];
  for (const backend of [first, second]) await backend.waitForToken("pkcs11:token=waiting");
  module.latency("C_Login", 1000);
  module.fault("C_Login", { does: "fail", rv: unclear.GENERAL_ERROR });
  const sent = failure(first.signer(uri));
  while (module.count("C_Login") === 0) await sleep(5);
  const waiting = failure(second.signer(uri));
  await sleep(200);
  module.change({ flags: COUNT_LOW });
  t.equal((await sent).rv, "CKR_GENERAL_ERROR");
  t.equal((await waiting).code, "PIN_REFUSED");
  t.equal(module.count("C_Login"), 1);
});

for (const does of ["hang", "abort"] as const) {
  test(`a PIN at which the module's process is lost is sent twice at most: ${does}`, async (t, module) => {
    const backend = backendOf(t, module, { isolation: "process", deadline: 700 });
    module.fault("C_Login", { does, times: -1 });
    const errors = await failuresOf(backend, `${does}-process`);
    t.equal(module.count("C_Login"), 2);
    t.match(errors[0], { code: does === "hang" ? "TIMEOUT" : "DEVICE_ERROR" });
    t.equal(errors.at(-1)?.code, "PIN_REFUSED");
  });

  test(`nor one for each signature, at which the module's process is lost: ${does}`, async (t, module) => {
    const backend = backendOf(t, module, { isolation: "process", deadline: 700 });
    const signer = await backend.signer(uriOf(`${does}-always`));
    const [scheme] = signer.schemes;
    if (scheme === undefined) return;
    t.ok(await signer.sign(scheme, Buffer.from("a")));
    module.reset();
    module.fault("C_Login", { does, times: -1 });
    const errors = [];
    for (let n = 0; n < 5; n++) errors.push(await failure(signer.sign(scheme, Buffer.from("a"))));
    t.equal(module.count("C_Login"), 2);
    t.match(errors[0], { call: "C_Login" });
    t.equal(errors.at(-1)?.code, "PIN_REFUSED");
  });
}

function uriOf(label: string): string {
  return `pkcs11:token=${label};object=key?pin-value=${PIN}`;
}

async function failuresOf(backend: Pkcs11Source, label: string) {
  const errors = [];
  for (let n = 0; n < 5; n++) errors.push(await failure(backend.signer(uriOf(label))));
  return errors;
}

function add(label: string, alwaysAuthenticate = false): void {
  folder?.add(label, [
    privateKeyObject(material.ec.privateKey.der, {
      label: "key",
      id: "01",
      ...(alwaysAuthenticate ? { alwaysAuthenticate } : {}),
    }),
    certificateObject(material.ec.certificate.der, { label: "key", id: "01" }),
  ]);
}

/** A test on the module; everything that it opened is closed when it ends. */
function test(name: string, body: (t: Test, module: TableModule) => Promise<unknown>): void {
  t.test(name, reason === false ? {} : { skip: reason }, async (t) => {
    if (table === undefined) return;
    table.reset();
    await body(t, table);
  });
}

function backendOf(t: Test, { path }: TableModule, options: Pkcs11BackendOptions): Pkcs11Source {
  const backend = pkcs11Backend({ module: path, ...options });
  t.teardown(async () => {
    table?.reset();
    await backend.close();
  });
  return backend;
}
