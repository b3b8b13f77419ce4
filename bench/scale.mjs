import { spawnSync } from "node:child_process";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pkcs11Backend } from "../packages/backend-pkcs11/dist/index.js";
import { median, report, root } from "./measure.mjs";

const MODULE = "/usr/lib/softhsm/libsofthsm2.so";
const KEYS = 2500;
const PIN = "1234";

/** Opening a key on a token of 5,000 objects: the first time, and again. */
export async function run() {
  if (!existsSync(MODULE)) {
    process.stdout.write(`  skipped: ${MODULE} is not installed\n`);
    return;
  }
  // In memory where that can be had: writing 5,000 objects to a disk takes minutes.
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "ddscred-bench-"));
  try {
    for (const step of ["fill", "inline", "process", "list"]) {
      const env = { ...process.env, SOFTHSM2_CONF: join(folder, "softhsm2.conf") };
      const args = [new URL(import.meta.url).pathname, step, folder];
      const { status } = spawnSync(process.execPath, args, { env, stdio: ["ignore", "inherit", "inherit"] });
      if (status !== 0) throw new Error(`${step}: exit ${status}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// A module reads its configuration once in a process, and a first time is had once: each step has its own.
if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [, , step, folder] = process.argv;
  if (step === "fill") fill(folder);
  else if (step === "list") await list();
  else await open(step);
}

async function open(isolation) {
  const backend = pkcs11Backend({ module: MODULE, isolation });
  const uri = `pkcs11:token=scale;object=key-1234?pin-value=${PIN}`;
  const first = await timed(() => backend.signer(uri));
  const again = [];
  for (let n = 0; n < 50; n++) again.push(await timed(() => backend.signer(uri)));
  const warm = median(again);
  report(
    `signer(uri), ${2 * KEYS} objects, ${isolation}: again ${warm.toFixed(2)} ms / first ${first.toFixed(0)} ms`,
    warm / first,
    "at most 0.01",
  );
  const others = [];
  for (let n = 0; n < 5; n++)
    others.push(await timed(() => backend.signer(uri.replace("1234", String(2000 + n)))));
  process.stdout.write(`    another key of the token, not opened before: ${median(others).toFixed(0)} ms\n`);
  await backend.close();
}

async function list() {
  const backend = pkcs11Backend({ module: MODULE });
  let count = 0;
  const all = await timed(async () => {
    for await (const _ of backend.list(`pkcs11:token=scale?pin-value=${PIN}`)) count++;
  });
  process.stdout.write(`    list() of ${count - 1} objects, keys paired: ${(all / 1000).toFixed(1)} s\n`);
  await backend.close();
}

async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function fill(folder) {
  const configuration = `directories.tokendir = ${join(folder, "tokens")}\nobjectstore.backend = file\nlog.level = ERROR\n`;
  mkdirSync(join(folder, "tokens"));
  writeFileSync(join(folder, "softhsm2.conf"), configuration);
  const options = ["--init-token", "--free", "--label", "scale", "--so-pin", "12345678", "--pin", PIN];
  const { status } = spawnSync("softhsm2-util", options, { stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error("softhsm2-util failed");
  const pkcs11js = createRequire(join(root, "packages/backend-pkcs11/package.json"))("pkcs11js");
  const p = new pkcs11js.PKCS11();
  p.load(MODULE);
  p.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
  const slot = p.C_GetSlotList(true).find((one) => p.C_GetTokenInfo(one).label.trim() === "scale");
  const session = p.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
  p.C_Login(session, pkcs11js.CKU_USER, PIN);
  for (let n = 0; n < KEYS; n++) {
    const { x, y, d } = newKey().export({ format: "jwk" });
    const [px, py, secret] = [x, y, d].map((part) => Buffer.from(part, "base64url"));
    const id = Buffer.alloc(4);
    id.writeUInt32BE(n);
    const shared = [
      { type: pkcs11js.CKA_TOKEN, value: true },
      { type: pkcs11js.CKA_LABEL, value: `key-${n}` },
      { type: pkcs11js.CKA_ID, value: id },
      { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_EC },
      { type: pkcs11js.CKA_EC_PARAMS, value: Buffer.from("06082a8648ce3d030107", "hex") },
    ];
    p.C_CreateObject(session, [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
      { type: pkcs11js.CKA_PRIVATE, value: true },
      { type: pkcs11js.CKA_SENSITIVE, value: true },
      { type: pkcs11js.CKA_SIGN, value: true },
      { type: pkcs11js.CKA_VALUE, value: secret },
      ...shared,
    ]);
    p.C_CreateObject(session, [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
      { type: pkcs11js.CKA_PRIVATE, value: false },
      { type: pkcs11js.CKA_EC_POINT, value: Buffer.concat([Buffer.of(4, 65, 4), px, py]) },
      ...shared,
    ]);
  }
  p.C_Finalize();
}

/** Read from its bytes: Node.js 20 can stand still where a key that was just made is exported as a JWK. */
function newKey() {
  const { privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { format: "der", type: "spki" },
    privateKeyEncoding: { format: "der", type: "pkcs8" },
  });
  return createPrivateKey({ key: privateKey, format: "der", type: "pkcs8" });
}
