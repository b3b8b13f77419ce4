import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { examineModule } from "@ddscred/backend-pkcs11";
import t from "tap";
import { library, missing, withSbin } from "../support/installed.ts";
import { issueMaterial } from "../support/issue.ts";
import { hide, inNamespaces, noNamespaces } from "../support/namespace.ts";
import { privateKeyObject } from "../support/objects.ts";
import { testToken } from "../support/token-fixture.ts";
import { certificateObjects, chainObjects, putObjects } from "../support/token-objects.ts";

const LABEL = "conformance";
/** It takes four to eight characters, and the factory's 12345678 must be changed first. */
const PIN = "c4n4ry47";
const FACTORY_SO_PIN = "87654321";
const module = library("libopencryptoki.so");
const skip =
  missing({
    openCryptoki: module,
    "pkcsslotd (opencryptoki)": "pkcsslotd",
    "pkcs11-tool": "pkcs11-tool",
    pkcs11js: "pkcs11js",
  }) ?? noNamespaces();

t.setTimeout(600_000);

// Its daemon and its tokens have fixed places, where a machine may keep keys in earnest: they are hidden here.
t.test("the contract of a backend on openCryptoki", skip === undefined ? {} : { skip }, async (t) => {
  await inNamespaces(t, import.meta.url, async () => {
    await startDaemon();
    initialise();
    const [slot] = (await examineModule(module)).slots;
    t.match(
      slot?.token?.signs,
      { ecdsa: false, rsaPss: true, rsaPkcs1: true },
      "it knows no elliptic curves",
    );
    const keys = ["rsa", "twin", "twin"].map((name, n) => {
      const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
      const pkcs8 = privateKey.export({ format: "der", type: "pkcs8" });
      const naming = { label: `conformance-${name}`, id: ["dd25", "dd71", "dd72"][n] ?? "" };
      const spki = publicKey.export({ format: "der", type: "spki" });
      return { object: privateKeyObject(pkcs8, naming), spki };
    });
    const [rsa = new Uint8Array(), ...twins] = keys.map(({ spki }) => spki);
    const material = issueMaterial({ rsa, twins });
    const objects = [
      ...keys.map(({ object }) => object),
      ...certificateObjects(material),
      ...chainObjects(material),
    ];
    putObjects({ module, label: LABEL, pin: PIN, objects });
    await testToken(t, {
      name: "openCryptoki's soft token",
      options: { module },
      label: LABEL,
      pin: PIN,
      material,
      cannot: { ecKeys: "the soft token of this version knows no elliptic curves" },
    });
  });
});

async function startDaemon(): Promise<void> {
  for (const folder of ["/var/lib/opencryptoki", "/run", "/dev/shm"]) hide(folder);
  mkdirSync("/run/lock/opencryptoki/swtok", { recursive: true });
  mkdirSync("/var/lib/opencryptoki/swtok/TOK_OBJ", { recursive: true });
  execFileSync("chgrp", ["-R", "pkcs11", "/var/lib/opencryptoki", "/run/lock/opencryptoki"]);
  execFileSync("pkcsslotd", { stdio: "ignore", env: withSbin() });
  for (let wait = 0; !existsSync("/run/pkcsslotd.socket") && wait < 500; wait++) await sleep(10);
}

function initialise(): void {
  tool("--slot-index", "0", "--init-token", "--label", LABEL, "--so-pin", FACTORY_SO_PIN);
  const asOfficer = ["--login", "--login-type", "so", "--so-pin", FACTORY_SO_PIN];
  tool("--token-label", LABEL, ...asOfficer, "--init-pin", "--new-pin", PIN);
}

function tool(...args: readonly string[]): void {
  execFileSync("pkcs11-tool", ["--module", module, ...args], { stdio: "pipe" });
}
