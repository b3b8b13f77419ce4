import { rmSync } from "node:fs";
import { inTemporaryFolder, median, report, runProgram, tokenIn } from "./measure.mjs";
import { ours } from "./ours.mjs";
import { installPeers, peerSigners } from "./peer-signers.mjs";
import { raw } from "./raw.mjs";

const SECONDS = 0.4;
const ROUNDS = 9;
const self = new URL(import.meta.url).pathname;

/**
 * Signatures per second through backend-pkcs11 in both isolations, beside pkcs11js called directly, graphene-pk11 and
 * node-webcrypto-p11: same token, same run.
 */
export async function run() {
  const peers = installPeers();
  try {
    for (const key of ["ec", "rsa"]) {
      inTemporaryFolder((folder) => {
        const env = { ...process.env, ...tokenIn(folder, key) };
        const stdio = ["ignore", "inherit", "inherit"];
        runProgram(process.execPath, [self, key, peers ?? ""], { stdio, env });
      });
    }
  } finally {
    if (peers !== undefined) rmSync(peers, { recursive: true, force: true });
  }
}

// A module reads its configuration once, so each key type has a process of its own.
if (process.argv[1] === self) {
  const [, , key, peers] = process.argv;
  await measureRates(key, peers);
}

async function measureRates(key, peers) {
  const contestants = {
    "raw pkcs11js, synchronous": raw(key, false),
    "raw pkcs11js, asynchronous": raw(key, true),
    ...(peers === "" ? {} : peerSigners(key, peers)),
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
