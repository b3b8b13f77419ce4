// Makes 1,000,000 signatures on SoftHSM, and compares the resident size at the end with that after the first
// 100,000: what grows with each signature shows.
//   node bench/million.mjs [inline|process] [COUNT]
import { readFileSync } from "node:fs";
import { inTemporaryFolder, report, runProgram, tokenIn } from "./measure.mjs";

const KEY_URI = "pkcs11:token=DDSTestToken;object=alice_key?pin-value=1234";
const LANES = 16;
const MEBIBYTE = 2 ** 20;
const self = new URL(import.meta.url).pathname;

/** In both isolations, each in a process of its own. */
export function run(isolations = ["inline", "process"], count = 1_000_000) {
  for (const isolation of isolations) {
    inTemporaryFolder((folder) => {
      const env = { ...process.env, ...tokenIn(folder, "ec") };
      const stdio = ["ignore", "inherit", "inherit"];
      runProgram(process.execPath, [self, "sign", isolation, String(count)], { env, stdio });
    });
  }
}

async function sign(isolation, count) {
  const { pkcs11Backend } = await import("../packages/backend-pkcs11/dist/index.js");
  const { signatureSchemes } = await import("../packages/core/dist/index.js");
  const backend = pkcs11Backend({ module: process.env.BENCH_MODULE, isolation });
  const signer = await backend.signer(KEY_URI);
  const message = Buffer.alloc(256, 7);
  let left = count;
  let early;
  const began = performance.now();
  const lane = async () => {
    while (left-- > 0) {
      await signer.sign(signatureSchemes.ecdsa_p256_sha256, message);
      if (left === count - count / 10) early = residentSizes();
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const seconds = (performance.now() - began) / 1000;
  const late = residentSizes();
  await backend.close();
  process.stdout.write(
    `  ${count} signatures, ${isolation}: ${seconds.toFixed(0)} s, ${(count / seconds).toFixed(0)}/s\n`,
  );
  for (const [index, size] of late.entries()) {
    const what = index === 0 ? "program" : "process of the module";
    const [before, after] = [early[index], size].map((bytes) => (bytes / MEBIBYTE).toFixed(1));
    report(`resident size of the ${what}, ${before} to ${after} MiB`, size / early[index], "at most 1.2");
  }
}

/** Of this process and its children, in bytes, in the order of their numbers. */
function residentSizes() {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim();
  return [process.pid, ...children.split(" ").filter((pid) => pid !== "")].map((pid) => {
    const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return Number(kibibytes) * 1024;
  });
}

if (process.argv[1] === self) {
  const [, , first, isolation, count] = process.argv;
  if (first === "sign") await sign(isolation, Number(count));
  else
    run(first === undefined ? undefined : [first], isolation === undefined ? undefined : Number(isolation));
}
