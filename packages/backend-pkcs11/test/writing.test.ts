// Who writes on a token, beside those who read it, other backends, and callers who lose patience.

import { setTimeout as sleep } from "node:timers/promises";
import { type Pkcs11Source, pkcs11Backend } from "@ddscred/backend-pkcs11";
import { type CredentialError, issueCertificate, nameFromText, webCrypto } from "@ddscred/core";
import t from "tap";
import { failure } from "./support/failure.ts";
import { noCompiler } from "./support/faulty.ts";
import { skip as noToken, PIN, module as softHsm, TokenFolder } from "./support/softhsm.ts";
import { TableModule } from "./support/table.ts";

t.setTimeout(600_000);
const skip = noToken === false ? noCompiler() : noToken;
const login = `?pin-value=${PIN}`;
const at = (path: string): string => `pkcs11:token=Writing;${path}${login}`;
const folder = skip === false ? new TokenFolder() : undefined;
folder?.add("Writing");
const table = folder === undefined ? undefined : new TableModule(folder);
t.teardown(() => {
  table?.close();
  folder?.remove();
});

for (const isolation of ["inline", "process"] as const) {
  t.test(`objects are read while others are made, ${isolation}`, { skip }, async (t) => {
    await using backend = pkcs11Backend({ module: softHsm, isolation });
    const over = new AbortController();
    let looks = 0;
    const reading = (async () => {
      for (; !over.signal.aborted; looks++) await labelsOn(backend, "type=private");
    })();
    const names = Array.from({ length: 24 }, (_, n) => `${isolation}-${n}`);
    for (const name of names) await backend.generateKeyPair(at(`object=${name}`), { keyType: "ec-p256" });
    over.abort();
    await reading;
    t.ok(looks > 0);
    const there = await labelsOn(backend, "type=private");
    for (const name of names) t.ok(there.includes(name), name);
  });

  t.test(`of two backends only one makes a name, ${isolation}`, { skip }, async (t) => {
    await using one = pkcs11Backend({ module: softHsm, isolation });
    await using other = pkcs11Backend({ module: softHsm, isolation });
    for (let round = 0; round < 3; round++) {
      const uri = at(`object=same-${isolation}-${round}`);
      const made = await Promise.allSettled(
        [one, other].map((backend) => backend.generateKeyPair(uri, { keyType: "ec-p256" })),
      );
      const refused = made.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
      t.match(refused, [{ code: "OBJECT_EXISTS" }]);
      t.ok(await one.signer(uri));
    }
  });
}

// In the program's own process no call can be aborted while the module works.
t.test("after ABORTED nothing is left, however late it comes", { skip }, async (t) => {
  if (table === undefined) return;
  await using backend = pkcs11Backend({ module: table.path });
  const aborted = await abortedLate(backend, table, (signal) =>
    backend.generateKeyPair(at("object=late"), { keyType: "ec-p256", signal }),
  );
  t.equal(aborted.code, "ABORTED");
  t.same(await labelsOn(backend, "object=late"), []);

  const key = await backend.generateKeyPair(at("object=early"), { keyType: "ec-p256" });
  const validity = { notBefore: new Date("2026-01-01"), notAfter: new Date("2030-01-01") };
  const wanted = { subject: nameFromText("CN=early"), publicKey: key.publicKey, ...validity };
  const der = await issueCertificate(wanted, key, webCrypto());
  const stored = await abortedLate(backend, table, (signal) =>
    backend.importCertificate(at("object=early"), der, { signal }),
  );
  t.equal(stored.code, "ABORTED");
  t.same(await labelsOn(backend, "object=early;type=cert"), []);
});

/** Ends the wait when the session that wrote is being closed: all is written then. */
async function abortedLate(
  backend: Pkcs11Source,
  table: TableModule,
  write: (signal: AbortSignal) => Promise<unknown>,
): Promise<CredentialError> {
  await labelsOn(backend, "object=none");
  table.latency("C_CloseSession", 60);
  const { signal, abort } = controller();
  const closed = table.count("C_CloseSession");
  const looking = setInterval(() => {
    if (table.count("C_CloseSession") > closed) abort();
  }, 3);
  const error = await failure(write(signal));
  clearInterval(looking);
  table.latency("C_CloseSession", 0);
  await sleep(500); // what is removed afterwards
  return error;
}

function controller(): { signal: AbortSignal; abort: () => void } {
  const control = new AbortController();
  return { signal: control.signal, abort: () => control.abort() };
}

async function labelsOn(backend: Pkcs11Source, path: string): Promise<string[]> {
  const labels: string[] = [];
  for await (const { kind, label } of backend.list(at(path))) if (kind !== "token") labels.push(label);
  return labels;
}
