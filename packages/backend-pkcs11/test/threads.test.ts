import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { conformanceMaterial as material } from "@ddscred/backend-conformance";
import { pkcs11Backend } from "@ddscred/backend-pkcs11";
import { signatureSchemes, webCrypto } from "@ddscred/core";
import t from "tap";
import { inLoginTurn } from "../dist/token/login-turn.js";
import { children, noProcesses } from "./support/children.ts";
import { failure } from "./support/failure.ts";
import { noCompiler } from "./support/faulty.ts";
import { certificateObject, privateKeyObject } from "./support/objects.ts";
import { skip as noToken, PIN, module as softHsm, TokenFolder } from "./support/softhsm.ts";
import { TableModule } from "./support/table.ts";

t.setTimeout(600_000);
const uri = `pkcs11:token=threads;object=key?pin-value=${PIN}`;
const reason = noToken === false ? noCompiler() : noToken;
const onToken = reason === false ? {} : { skip: reason };
const onLinux = noProcesses === false ? onToken : { skip: noProcesses };
const table = reason === false ? setUp() : undefined;

for (const who of ["main", "workers"] as const) {
  t.test(
    `threads of one process sign inline, each opening and closing at its own time: ${who}`,
    onToken,
    async (t) => {
      const program = fileURLToPath(new URL("./support/threads-program.js", import.meta.url));
      table?.reset();
      const output = execFileSync(process.execPath, [program, table?.path ?? "", uri, who], {
        encoding: "utf8",
      });
      const { good, wrong, failures } = JSON.parse(output) as {
        good: number;
        wrong: number;
        failures: string[];
      };
      t.equal(wrong, 0);
      t.same(failures, []);
      t.ok(good >= 40 * (4 + 5 + 6 + 7), `${good} signatures`);
      t.ok((table?.count("C_Initialize") ?? 0) >= 1);
      t.comment(`${good} signatures; ${JSON.stringify(table?.counts())}`);
    },
  );
}

t.test("a wrong PIN costs one attempt in all threads of the process", onToken, async (t) => {
  table?.reset();
  const wrong = uri.replace(PIN, "canary-wrong-6060");
  for (const isolation of ["inline", "process"] as const) {
    const code = `
      const { parentPort, workerData } = require("node:worker_threads");
      (async () => {
        const { pkcs11Backend } = await import(workerData.backend);
        const { module, isolation, wrong } = workerData;
        const backend = pkcs11Backend({ module, isolation });
        const error = await backend.signer(wrong).catch((error) => error);
        await backend.close();
        parentPort.postMessage(error.code, []);
      })();`;
    const backend = import.meta.resolve("@ddscred/backend-pkcs11");
    for (let n = 0; n < 2; n++) {
      const worker = new Worker(code, {
        eval: true,
        workerData: { module: table?.path, isolation, wrong, backend },
      });
      t.equal(await new Promise((resolve) => worker.once("message", resolve)), "PIN_INCORRECT");
    }
    const here = pkcs11Backend({ module: table?.path ?? "", isolation });
    t.equal((await failure(here.signer(wrong))).code, "PIN_INCORRECT");
    await here.close();
  }
  t.equal(table?.count("C_Login"), 1);
});

t.test("a wrong PIN that several threads try at the same moment costs one attempt", onToken, async (t) => {
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    (async () => {
      const { pkcs11Backend } = await import(workerData.backend);
      const { module, isolation, uri, wrong, gate } = workerData;
      const backend = pkcs11Backend({ module, isolation });
      await backend.certificates(uri).catch(() => undefined); // starts the module
      parentPort.postMessage("ready", []);
      Atomics.wait(new Int32Array(gate), 0, 0);
      const error = await backend.signer(wrong).catch((error) => error);
      await backend.close();
      parentPort.postMessage(error.code, []);
    })();`;
  table?.reset();
  table?.latency("C_Login", 100); // so that the others come while it is judged
  const wrong = uri.replace(PIN, "canary-wrong-7070");
  const [open = ""] = uri.split("?");
  const gate = new SharedArrayBuffer(4);
  const backend = import.meta.resolve("@ddscred/backend-pkcs11");
  const workers = (["inline", "inline", "process", "process"] as const).map((isolation) => {
    const workerData = { module: table?.path, isolation, uri: open, wrong, backend, gate };
    return new Worker(code, { eval: true, workerData });
  });
  const said = () =>
    Promise.all(workers.map((one) => new Promise((resolve) => one.once("message", resolve))));
  await said();
  const codes = said();
  Atomics.store(new Int32Array(gate), 0, 1);
  Atomics.notify(new Int32Array(gate), 0);
  t.same(
    await codes,
    workers.map(() => "PIN_INCORRECT"),
  );
  t.equal(table?.count("C_Login"), 1);
  table?.reset();
});

t.test("a login has its turn for a minute, in which nobody else sends a PIN to the token", async (t) => {
  const { now } = Date;
  t.teardown(() => Object.assign(Date, { now }));
  const token = { label: "turns", manufacturerID: "", model: "", serialNumber: "1", slotId: 0n, flags: 0 };
  let end = (): void => undefined;
  const slow = inLoginTurn(token, () => new Promise<void>((resolve) => (end = resolve)));
  let isNext = false;
  const next = inLoginTurn(token, async () => {
    isNext = true;
  });
  Object.assign(Date, { now: () => now() + 58_000 });
  await sleep(50);
  t.notOk(isNext);
  Object.assign(Date, { now: () => now() + 62_000 });
  await next; // its thread may have ended
  end();
  await slow;
});

t.test("a worker uses a module in a process of its own, which ends with the worker", onLinux, async (t) => {
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    (async () => {
      const { pkcs11Backend } = await import(workerData.backend);
      const { signatureSchemes } = await import(workerData.core);
      const signer = await pkcs11Backend({ module: workerData.module }).signer(workerData.uri);
      await signer.sign(signatureSchemes.ecdsa_p256_sha256, Buffer.from("a"));
      parentPort.postMessage("signed");
      setInterval(() => undefined, 1000);
    })();`;
  const workerData = {
    module: table?.path,
    uri,
    backend: import.meta.resolve("@ddscred/backend-pkcs11"),
    core: import.meta.resolve("@ddscred/core"),
  };
  const worker = new Worker(code, { eval: true, workerData });
  await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  t.ok(children().length >= 1);
  await worker.terminate();
  const patience = performance.now() + 5000;
  while (children().length > 0 && performance.now() < patience) await sleep(20);
  t.equal(children().length, 0);
});

t.test("several backends and modules are used at once, in both isolations", onToken, async (t) => {
  const scheme = signatureSchemes.ecdsa_p256_sha256;
  const message = Buffer.from("message");
  // Two names of one SoftHSM: another module for us, the same library below for the inline ones.
  const backends = [softHsm, table?.path ?? ""].flatMap((module) =>
    (["inline", "process", "process"] as const).map((isolation) => pkcs11Backend({ module, isolation })),
  );
  const signers = await Promise.all(backends.map((backend) => backend.signer(uri)));
  for (const [n, signer] of signers.entries()) {
    const signatures = await Promise.all(Array.from({ length: 20 }, () => signer.sign(scheme, message)));
    for (const signature of signatures) {
      t.ok(await webCrypto().verify(signer.publicKey, scheme, message, signature), `backend ${n}`);
    }
    await backends[n]?.close();
  }
});

function setUp(): TableModule {
  const folder = new TokenFolder();
  t.teardown(() => folder.remove());
  folder.add("threads", [
    privateKeyObject(material.ec.privateKey.der, { label: "key", id: "01" }),
    certificateObject(material.ec.certificate.der, { label: "certificate", id: "01" }),
  ]);
  return new TableModule(folder);
}
