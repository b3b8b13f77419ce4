import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t, { type Test } from "tap";
import { startDaemon } from "../support/daemon.ts";
import { library, missing } from "../support/installed.ts";
import { issueMaterial, spkiOf } from "../support/issue.ts";
import { testToken } from "../support/token-fixture.ts";
import { certificateObjects, chainObjects, putObjects } from "../support/token-objects.ts";

const LABEL = "conformance";
const PIN = "canary-pin-4711";
const SO_PIN = "56785678";
const module = library("libtpm2_pkcs11.so");
const skip = missing({
  "tpm2-pkcs11": module,
  swtpm: "swtpm",
  "tpm2_flushcontext (tpm2-tools)": "tpm2_flushcontext",
  "pkcs11-tool": "pkcs11-tool",
  pkcs11js: "pkcs11js",
});

t.setTimeout(600_000);

t.test("the contract of a backend on a TPM", skip === undefined ? {} : { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const port = await startTpm(t, folder);
  mkdirSync(join(folder, "store"));
  const tcti = `swtpm:host=127.0.0.1,port=${port}`;
  Object.assign(process.env, {
    TPM2_PKCS11_STORE: join(folder, "store"),
    TPM2_PKCS11_TCTI: tcti,
    TPM2TOOLS_TCTI: tcti,
    TSS2_LOG: "all+NONE",
  });
  initialise();
  // A private key that was made elsewhere does not go into it: its keys are its own.
  const material = issueMaterial({
    ec: makeKey(folder, "ec", "ddec", "EC:prime256v1"),
    rsa: makeKey(folder, "rsa", "dd25", "rsa:2048"),
    twins: ["dd71", "dd72"].map((id) => makeKey(folder, "twin", id, "EC:prime256v1")),
  });
  const objects = [...certificateObjects(material), ...chainObjects(material)];
  putObjects({ module, label: LABEL, pin: PIN, objects });
  flush();
  // What was made and removed stays loaded as well.
  await testToken(t, {
    name: "tpm2-pkcs11 with swtpm",
    options: { module },
    label: LABEL,
    pin: PIN,
    material,
    afterEach: flush,
  });
});

/** A TPM in software; the second of its ports, by which it is controlled, is one above the first. */
async function startTpm(t: Test, folder: string): Promise<number> {
  const state = join(folder, "state");
  mkdirSync(state);
  for (let attempt = 1; attempt <= 5; attempt++) {
    const port = await freePort();
    const at = (number: number): string => `type=tcp,port=${number},bindaddr=127.0.0.1`;
    const places = [
      "--tpmstate",
      `dir=${state}`,
      "--server",
      `${at(port)},disconnect`,
      "--ctrl",
      at(port + 1),
    ];
    const flags = ["--flags", "not-need-init,startup-clear"];
    const { isRunning } = startDaemon(t, "swtpm", "socket", "--tpm2", ...places, ...flags);
    while (isRunning()) {
      if (await isListening(port + 1)) return port;
      await sleep(10);
    }
  }
  throw new Error("swtpm does not start");
}

function initialise(): void {
  tool("--slot-index", "0", "--init-token", "--label", LABEL, "--so-pin", SO_PIN);
  const asOfficer = ["--login", "--login-type", "so", "--so-pin", SO_PIN];
  tool("--token-label", LABEL, ...asOfficer, "--init-pin", "--new-pin", PIN);
  flush();
}

/** Makes a key pair on the token, and gives its public half. */
function makeKey(folder: string, name: string, id: string, type: string): Uint8Array {
  const login = ["--token-label", LABEL, "--login", "--pin", PIN];
  const label = ["--label", `conformance-${name}`];
  tool(...login, "--keypairgen", "--key-type", type, "--id", id, ...label);
  flush();
  const file = join(folder, `${id}.der`);
  tool(...login, "--read-object", "--type", "pubkey", "--id", id, "-o", file);
  return spkiOf(readFileSync(file));
}

function tool(...args: readonly string[]): void {
  execFileSync("pkcs11-tool", ["--module", module, ...args], { stdio: "pipe" });
}

/** A TPM has room for three loaded keys, and without a resource manager what a process leaves behind stays. */
function flush(): void {
  execFileSync("tpm2_flushcontext", ["-t"], { stdio: "pipe" });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
