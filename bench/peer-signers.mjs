import { hash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "./measure.mjs";
import { MESSAGE, PIN, TOKEN } from "./ours.mjs";

/** A folder with the two libraries, which are no dependencies of ours; undefined where they cannot be had. */
export function installPeers() {
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

/** Signers by the two libraries in a folder. */
export function peerSigners(key, folder) {
  const load = createRequire(join(folder, "package.json"));
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
