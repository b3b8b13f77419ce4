import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pkcs11Backend } from "../packages/backend-pkcs11/dist/index.js";
import { signatureSchemes } from "../packages/core/dist/index.js";
import { inTemporaryFolder, median, report, root, runProgram } from "./measure.mjs";

const pkcs11js = createRequire(join(root, "packages/backend-pkcs11/package.json"))("pkcs11js");
const MESSAGE = Buffer.alloc(256, 7);
const SECONDS = 0.6;
const ROUNDS = 7;

/** Signatures per second through backend-pkcs11 against pkcs11js called directly, on the same token. */
export async function run() {
  for (const key of ["ec", "rsa"])
    await inTemporaryFolder((folder) =>
      runProgram(process.execPath, [new URL(import.meta.url).pathname, folder, key], {
        stdio: ["ignore", "inherit", "inherit"],
      }),
    );
}

// Each key type runs in a process of its own: a module reads its configuration once.
if (process.argv[1] === new URL(import.meta.url).pathname) await measureKey(process.argv[2], process.argv[3]);

async function measureKey(folder, keyType) {
  const commands = runProgram(process.execPath, [
    join(root, "examples/softhsm/make.mjs"),
    folder,
    "--key",
    keyType,
  ]);
  const module = /--module (\S+)/.exec(commands)[1];
  process.env.SOFTHSM2_CONF = join(folder, "softhsm2.conf");
  const backend = pkcs11Backend({ module, isolation: "inline" });
  const signer = await backend.signer("pkcs11:token=DDSTestToken;object=alice_key?pin-value=1234");
  const scheme = signatureSchemes[keyType === "ec" ? "ecdsa_p256_sha256" : "rsa_pss_sha256"];
  const ours = () => signer.sign(scheme, MESSAGE);
  await compareIsolation(module, scheme, ours);
  const raw = rawSigners(module, keyType, 4);
  for (const inFlight of [1, 4]) {
    const rates = { raw: [], ours: [] };
    for (let round = 0; round < ROUNDS; round++) {
      rates.raw.push(await rate(inFlight, (lane) => raw[lane]()));
      rates.ours.push(await rate(inFlight, ours));
    }
    const [baseline, own] = [median(rates.raw), median(rates.ours)];
    report(
      `${scheme.name}, ${inFlight} at a time: ours ${own.toFixed(0)}/s / raw pkcs11js ${baseline.toFixed(0)}/s`,
      own / baseline,
      "at least 0.9",
    );
  }
  await backend.close();
}

/** The module in a process of its own, against the module in this one. */
async function compareIsolation(module, scheme, inline) {
  const backend = pkcs11Backend({ module, isolation: "process" });
  const signer = await backend.signer("pkcs11:token=DDSTestToken;object=alice_key?pin-value=1234");
  const lanes = 16;
  const rates = { inline: [], process: [] };
  for (let round = 0; round < ROUNDS; round++) {
    rates.inline.push(await rate(lanes, inline));
    rates.process.push(await rate(lanes, () => signer.sign(scheme, MESSAGE)));
  }
  const [here, there] = [median(rates.inline), median(rates.process)];
  report(
    `${scheme.name}, ${lanes} at a time: process ${there.toFixed(0)}/s / inline ${here.toFixed(0)}/s`,
    there / here,
    `at least ${scheme.keyType === "ec" ? "0.5" : "0.9"}`,
  );
  await backend.close();
}

async function rate(lanes, sign) {
  let count = 0;
  const start = performance.now();
  const end = start + SECONDS * 1000;
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      while (performance.now() < end) {
        await sign(lane);
        count++;
      }
    }),
  );
  return (count / (performance.now() - start)) * 1000;
}

/** The least that a careful caller does: a session a lane, hash here, sign off the event loop. */
function rawSigners(module, keyType, lanes) {
  const p = new pkcs11js.PKCS11();
  p.load(module);
  try {
    p.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
  } catch (error) {
    if (error.code !== pkcs11js.CKR_CRYPTOKI_ALREADY_INITIALIZED) throw error;
  }
  const slot = p.C_GetSlotList(true).find((s) => p.C_GetTokenInfo(s).label.trim() === "DDSTestToken");
  const mechanism =
    keyType === "ec"
      ? { mechanism: pkcs11js.CKM_ECDSA, parameter: null }
      : {
          mechanism: pkcs11js.CKM_RSA_PKCS_PSS,
          parameter: {
            type: pkcs11js.CK_PARAMS_RSA_PSS,
            hashAlg: pkcs11js.CKM_SHA256,
            mgf: pkcs11js.CKG_MGF1_SHA256,
            saltLen: 32,
          },
        };
  return Array.from({ length: lanes }, () => {
    const session = p.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION);
    p.C_FindObjectsInit(session, [{ type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY }]);
    const [key] = p.C_FindObjects(session, 1);
    p.C_FindObjectsFinal(session);
    return () => {
      p.C_SignInit(session, mechanism, key);
      return p.C_SignAsync(session, createHash("sha256").update(MESSAGE).digest(), Buffer.alloc(256));
    };
  });
}
