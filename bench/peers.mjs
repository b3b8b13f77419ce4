import { constants, createPublicKey, hash, verify } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inTemporaryFolder, median, report, root, runProgram, tokenIn } from "./measure.mjs";

const MESSAGE = Buffer.alloc(256, 7);
const SECONDS = 0.4;
const ROUNDS = 9;
const COLD_ROUNDS = 15;
const TOKEN = "DDSTestToken";
const PIN = "1234";
const KEY_URI = `pkcs11:token=${TOKEN};object=alice_key?pin-value=${PIN}`;
const self = new URL(import.meta.url).pathname;

/**
 * Signatures per second, and the time from module to first signature, through backend-pkcs11 in both
 * isolations, beside pkcs11js called directly, graphene-pk11 and node-webcrypto-p11: same token, same run.
 */
export async function run() {
  const peers = installPeers();
  try {
    for (const key of ["ec", "rsa"]) {
      inTemporaryFolder((folder) => {
        const env = { ...process.env, ...tokenIn(folder, key) };
        const stdio = ["ignore", "inherit", "inherit"];
        runProgram(process.execPath, [self, "rates", key, peers ?? ""], { stdio, env });
        measureColdStart(key, env);
      });
    }
  } finally {
    if (peers !== undefined) rmSync(peers, { recursive: true, force: true });
  }
}

/** A folder with the two libraries, which are no dependencies of ours; undefined where they cannot be had. */
function installPeers() {
  const folder = mkdtempSync(join(tmpdir(), "ddscred-bench-peers-"));
  writeFileSync(join(folder, "package.json"), '{"private":true}');
  const packages = ["graphene-pk11@2.3.6", "node-webcrypto-p11@2.8.0", "pkcs11js@2.1.7"];
  try {
    const env = { npm_config_nodedir: "/usr", ...process.env };
    runProgram("npm", ["install", "--no-audit", "--no-fund", ...packages], { cwd: folder, env });
    createRequire(join(folder, "package.json"))("pkcs11js");
    return folder;
  } catch (error) {
    const [reason] = String(error.message).split("\n");
    process.stdout.write(`  graphene-pk11 and node-webcrypto-p11 could not be installed: ${reason}\n`);
    rmSync(folder, { recursive: true, force: true });
    return undefined;
  }
}

// A module reads its configuration once, so each key type, and each cold start, has a process of its own.
if (process.argv[1] === self) {
  const [, , what, key, argument] = process.argv;
  if (what === "rates") await measureRates(key, argument);
  else await startCold(key, argument);
}

async function measureRates(key, peers) {
  const contestants = {
    "raw pkcs11js, synchronous": raw(key, false),
    "raw pkcs11js, asynchronous": raw(key, true),
    ...(peers === "" ? {} : peerSigners(key, createRequire(join(peers, "package.json")))),
    "ddscred inline": await ours(key, "inline"),
    "ddscred process": await ours(key, "process"),
    "ddscred process, each verified": await ours(key, "process", { verifyEach: true }),
  };
  const name = key === "ec" ? "P-256" : "RSA 2048 PSS";
  for (const lanes of [1, 4, 16]) {
    const signers = [];
    for (const [label, make] of Object.entries(contestants)) {
      signers.push({ label, sign: await make(lanes), rates: [] });
    }
    for (const { sign } of signers) await rate(lanes, sign, 0.2);
    for (let round = 0; round < ROUNDS; round++) {
      for (const { sign, rates } of signers) rates.push(await rate(lanes, sign, SECONDS));
    }
    process.stdout.write(`  ${name}, ${lanes} in flight, signatures per second\n`);
    const found = Object.fromEntries(signers.map(({ label, rates }) => [label, median(rates)]));
    for (const [label, value] of Object.entries(found)) {
      process.stdout.write(`    ${label.padEnd(30)} ${value.toFixed(0).padStart(6)}\n`);
    }
    judge(found, key, lanes);
  }
  process.exit(); // what the peers hold open
}

function judge(found, key, lanes) {
  const inline = found["ddscred inline"];
  const best = Math.max(found["raw pkcs11js, synchronous"], found["raw pkcs11js, asynchronous"]);
  report("inline / best of raw pkcs11js", inline / best, "at least 0.95");
  const bar = lanes === 16 ? `at least ${key === "ec" ? 0.5 : 0.9}` : "none";
  report("process / inline", found["ddscred process"] / inline, bar);
  const webcrypto = found["node-webcrypto-p11"];
  if (webcrypto !== undefined) report("inline / node-webcrypto-p11", inline / webcrypto, "at least 5");
}

async function rate(lanes, sign, seconds) {
  const probe = sign(0);
  const isSynchronous = !(probe instanceof Promise);
  await probe;
  let count = 0;
  const start = performance.now();
  const end = start + seconds * 1000;
  const lane = async (index) => {
    while (performance.now() < end) {
      if (isSynchronous) sign(index);
      else await sign(index);
      count++;
    }
  };
  // Whoever blocks the thread gains nothing from lanes.
  await Promise.all(Array.from({ length: isSynchronous ? 1 : lanes }, (_, index) => lane(index)));
  return (count / (performance.now() - start)) * 1000;
}

/** By default the first signature of a handle and mechanism is verified, slow ones, and one every 10 ms. */
async function ours(key, isolation, options = {}) {
  const { pkcs11Backend } = await import("../packages/backend-pkcs11/dist/index.js");
  const { signatureSchemes } = await import("../packages/core/dist/index.js");
  const backend = pkcs11Backend({ module: process.env.BENCH_MODULE, isolation, ...options });
  const signer = await backend.signer(KEY_URI);
  const scheme = signatureSchemes[key === "ec" ? "ecdsa_p256_sha256" : "rsa_pss_sha256"];
  return () => () => signer.sign(scheme, MESSAGE);
}

/** The least that a careful caller does: a session a lane, the message hashed here. */
function raw(key, isAsynchronous) {
  const { pkcs11js, module, slot } = openRaw();
  const mechanism = rawMechanism(pkcs11js, key);
  const length = key === "ec" ? 64 : 256;
  return (lanes) => {
    const sessions = Array.from({ length: lanes }, () => {
      const session = module.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION);
      return { session, key: rawKey(pkcs11js, module, session) };
    });
    return (lane) => {
      const { session, key: handle } = sessions[lane];
      module.C_SignInit(session, mechanism, handle);
      const digest = hash("sha256", MESSAGE, "buffer");
      if (isAsynchronous) return module.C_SignAsync(session, digest, Buffer.allocUnsafe(length));
      return module.C_Sign(session, digest, Buffer.allocUnsafe(length));
    };
  };
}

function openRaw() {
  const pkcs11js = createRequire(join(root, "packages/backend-pkcs11/package.json"))("pkcs11js");
  const module = new pkcs11js.PKCS11();
  module.load(process.env.BENCH_MODULE);
  unless(pkcs11js.CKR_CRYPTOKI_ALREADY_INITIALIZED, () =>
    module.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK }),
  );
  const slot = module.C_GetSlotList(true).find((one) => module.C_GetTokenInfo(one).label.trim() === TOKEN);
  const session = module.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION);
  unless(pkcs11js.CKR_USER_ALREADY_LOGGED_IN, () => module.C_Login(session, pkcs11js.CKU_USER, PIN));
  return { pkcs11js, module, slot, session };
}

function rawKey(pkcs11js, module, session) {
  module.C_FindObjectsInit(session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
    { type: pkcs11js.CKA_LABEL, value: "alice_key" },
  ]);
  const [key] = module.C_FindObjects(session, 1);
  module.C_FindObjectsFinal(session);
  return key;
}

function rawMechanism(pkcs11js, key) {
  if (key === "ec") return { mechanism: pkcs11js.CKM_ECDSA, parameter: null };
  const parameter = {
    type: pkcs11js.CK_PARAMS_RSA_PSS,
    hashAlg: pkcs11js.CKM_SHA256,
    mgf: pkcs11js.CKG_MGF1_SHA256,
    saltLen: 32,
  };
  return { mechanism: pkcs11js.CKM_RSA_PKCS_PSS, parameter };
}

function unless(rv, run) {
  try {
    run();
  } catch (error) {
    if (error.code !== rv) throw error;
  }
}

function peerSigners(key, load) {
  const graphene = load("graphene-pk11");
  const module = graphene.Module.load(process.env.BENCH_MODULE, "bench");
  module.initialize();
  const slots = module.getSlots(true);
  const index = Array.from({ length: slots.length }, (_, n) => n).find(
    (n) => slots.items(n).getToken().label === TOKEN,
  );
  const slot = slots.items(index);
  const open = () => {
    const session = slot.open(graphene.SessionFlag.SERIAL_SESSION);
    const template = { class: graphene.ObjectClass.PRIVATE_KEY, label: "alice_key" };
    return { session, key: session.find(template).items(0).toType() };
  };
  const pss = {
    name: "RSA_PKCS_PSS",
    params: new graphene.RsaPssParams(graphene.MechanismEnum.SHA256, graphene.RsaMgf.MGF1_SHA256, 32),
  };
  const algorithm = key === "ec" ? "ECDSA" : pss;
  const digest = () => hash("sha256", MESSAGE, "buffer");
  return {
    "graphene-pk11, synchronous": () => {
      const { session, key: own } = open();
      return () => session.createSign(algorithm, own).once(digest());
    },
    "graphene-pk11, asynchronous": (lanes) => {
      const opened = Array.from({ length: lanes }, open);
      return (lane) =>
        new Promise((resolve, reject) => {
          const { session, key: own } = opened[lane];
          session
            .createSign(algorithm, own)
            .once(digest(), (error, signature) => (error ? reject(error) : resolve(signature)));
        });
    },
    "node-webcrypto-p11": () => webcryptoSigner(key, load, index),
  };
}

/** It has one session, so its callers have to take turns. */
async function webcryptoSigner(key, load, slot) {
  const { Crypto } = load("node-webcrypto-p11");
  const crypto = new Crypto({ library: process.env.BENCH_MODULE, name: "bench", slot });
  unlessLoggedIn(() => crypto.login(PIN));
  const algorithm =
    key === "ec"
      ? { name: "ECDSA", hash: "SHA-256", namedCurve: "P-256" }
      : { name: "RSA-PSS", hash: "SHA-256", saltLength: 32 };
  const found = (await crypto.keyStorage.keys()).filter((one) => one.startsWith("private"));
  const own = await crypto.keyStorage.getItem(found[0], algorithm, true, ["sign"]);
  let turn = Promise.resolve();
  return () => {
    turn = turn.then(() => crypto.subtle.sign(algorithm, own, MESSAGE));
    return turn;
  };
}

function unlessLoggedIn(login) {
  try {
    login();
  } catch (error) {
    if (!/ALREADY_LOGGED_IN/.test(error.message)) throw error;
  }
}

/** From the module's path to the first signature, with the native binding loaded on the way. */
function measureColdStart(key, env) {
  const kinds = ["raw", "same", "inline", "process"];
  const times = Object.fromEntries(kinds.map((kind) => [kind, []]));
  const whole = Object.fromEntries(kinds.map((kind) => [kind, []]));
  for (let round = 0; round < COLD_ROUNDS; round++) {
    for (const kind of kinds) {
      const began = performance.now();
      times[kind].push(Number(runProgram(process.execPath, [self, "cold", key, kind], { env })));
      whole[kind].push(performance.now() - began);
    }
  }
  const [bare, same, inline, apart] = kinds.map((kind) => median(times[kind]));
  const what = (ms, baseline, name) => `${ms.toFixed(1)} ms / ${name} ${baseline.toFixed(1)} ms`;
  report(`cold start inline ${what(inline, same, "raw, doing the same")}`, inline / same, "at most 1.3");
  report(`cold start inline ${what(inline, bare, "raw, signing alone")}`, inline / bare, "none");
  report(`cold start process ${what(apart, same, "raw, doing the same")}`, apart / same, "none");
  const [all, , allInline] = kinds.map((kind) => median(whole[kind]));
  report(`whole program, inline ${what(allInline, all, "raw, signing alone")}`, allInline / all, "none");
}

async function startCold(key, kind) {
  if (kind === "raw" || kind === "same") {
    const began = performance.now();
    const raw = openRaw();
    const { pkcs11js, module, session } = raw;
    const own = rawKey(pkcs11js, module, session);
    module.C_SignInit(session, rawMechanism(pkcs11js, key), own);
    const signature = module.C_Sign(session, hash("sha256", MESSAGE, "buffer"), Buffer.alloc(256));
    if (kind === "same" && !isRight(key, rawPublicKey(key, raw, own), signature))
      throw new Error("wrong key");
    return finish(began);
  }
  await import("../packages/backend-pkcs11/dist/index.js");
  const began = performance.now();
  const sign = (await ours(key, kind))();
  await sign();
  finish(began);
}

/** What a careful caller asks for besides: may the key sign, how is it kept, what is it called, and its public half. */
function rawPublicKey(key, { pkcs11js, module, session }, own) {
  const read = (object, ...types) => {
    const values = module.C_GetAttributeValue(
      session,
      object,
      types.map((type) => ({ type })),
    );
    return values.map(({ value }) => value);
  };
  const [, id] = read(own, pkcs11js.CKA_LABEL, pkcs11js.CKA_ID);
  read(own, pkcs11js.CKA_KEY_TYPE, pkcs11js.CKA_SIGN, pkcs11js.CKA_EXTRACTABLE);
  read(own, pkcs11js.CKA_ALWAYS_AUTHENTICATE);
  if (key === "rsa") {
    const [n, e] = read(own, pkcs11js.CKA_MODULUS, pkcs11js.CKA_PUBLIC_EXPONENT);
    return { kty: "RSA", n: n.toString("base64url"), e: e.toString("base64url") };
  }
  module.C_FindObjectsInit(session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
    { type: pkcs11js.CKA_ID, value: id },
  ]);
  const [other] = module.C_FindObjects(session, 1);
  module.C_FindObjectsFinal(session);
  const [point] = read(other, pkcs11js.CKA_EC_POINT, pkcs11js.CKA_EC_PARAMS);
  const coordinate = (start) => point.subarray(start, start + 32).toString("base64url");
  return { kty: "EC", crv: "P-256", x: coordinate(3), y: coordinate(35) };
}

function isRight(key, jwk, signature) {
  const publicKey = createPublicKey({ key: jwk, format: "jwk" });
  const how =
    key === "rsa"
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
      : { dsaEncoding: "ieee-p1363" };
  return verify("sha256", MESSAGE, { key: publicKey, ...how }, signature);
}

function finish(began) {
  process.stdout.write(`${performance.now() - began}\n`);
  process.exit();
}
