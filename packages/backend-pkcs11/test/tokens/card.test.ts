import { execFileSync } from "node:child_process";
import { generateKeyPairSync, type KeyPairKeyObjectResult } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { conformanceMaterial, type FixtureMaterial } from "@ddscred/backend-conformance";
import { examineModule, pkcs11Backend } from "@ddscred/backend-pkcs11";
import { CredentialError, signatureSchemes, webCrypto } from "@ddscred/core";
import t, { type Test } from "tap";
import { type Daemon, startDaemon } from "../support/daemon.ts";
import { failure } from "../support/failure.ts";
import { library, missing } from "../support/installed.ts";
import { attestation, issueMaterial } from "../support/issue.ts";
import { hide, inNamespaces, noNamespaces } from "../support/namespace.ts";
import type { CardFile } from "../support/piv-card-program.ts";
import { type TokenUnderTest, testToken } from "../support/token-fixture.ts";

const PIN = "471147";
const PORT = 23329;
const openSc = library("opensc-pkcs11.so");
const ykcs11 = library("libykcs11.so.2");
const driver = ["/usr/lib/pcsc/drivers/serial/libifdvpcd.so"].find((path) => existsSync(path)) ?? "";
const skip =
  missing({
    OpenSC: openSc,
    ykcs11,
    "vpcd's reader (vsmartcard-vpcd)": driver,
    pcscd: "pcscd",
    "ip (iproute2)": "ip",
    pkcs11js: "pkcs11js",
  }) ?? noNamespaces();

t.setTimeout(600_000);

// The virtual reader listens to everybody, so it is in a network of its own.
t.test("the contract of a backend on a PIV card", skip === undefined ? {} : { skip }, async (t) => {
  await inNamespaces(t, import.meta.url, async () => {
    const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const { material, insert } = startReader(t, folder);
    const inserted = insert();
    const [ofOpenSc, ofYubico] = [await tokenLabel(openSc), await tokenLabel(ykcs11)];
    await testToken(t, { name: "OpenSC on a PIV card", ...card(openSc, ofOpenSc, material) });
    await testToken(t, { name: "ykcs11 on a PIV card", ...card(ykcs11, ofYubico, material) });
    for (const [module, label] of [
      [openSc, ofOpenSc],
      [ykcs11, ofYubico],
    ] as const) {
      await t.test(`without the management key nothing is written: ${basename(module)}`, async (t) => {
        const backend = pkcs11Backend({ module });
        t.teardown(() => backend.close());
        const on = `pkcs11:token=${encodeURIComponent(label)}`;
        const refused = await failure(
          backend.generateKeyPair(`${on};object=new;id=%05?pin-value=${PIN}`, { keyType: "ec-p256" }),
        );
        t.equal(refused.code, module === openSc ? "KEY_UNSUPPORTED" : "TOKEN_ERROR", refused.message);
        const { der } = conformanceMaterial.ca.certificate;
        const alsoRefused = await failure(
          backend.importCertificate(`${on};object=new?pin-value=${PIN}`, der, { withoutKey: true }),
        );
        t.equal(alsoRefused.code, module === openSc ? "UNSUPPORTED" : "TOKEN_ERROR", alsoRefused.message);
      });
    }
    let present = inserted;
    for (const module of [openSc, ykcs11]) {
      await t.test(`a card that is pulled and put back signs again: ${basename(module)}`, async (t) => {
        present = await pullAndInsert(t, module, present, insert);
      });
    }
    await t.test("an attestation is not taken for the certificate of its key", async (t) => {
      const backend = pkcs11Backend({ module: ykcs11 });
      t.teardown(() => backend.close());
      const uri = `pkcs11:token=${encodeURIComponent(ofYubico)};id=%01;type=cert`;
      const listed: string[] = [];
      for await (const { label } of backend.list(uri)) listed.push(label);
      t.same(listed, [
        "X.509 Certificate for PIV Attestation 9a",
        "X.509 Certificate for PIV Authentication",
      ]);
      const [only, ...others] = await backend.certificates(uri);
      t.same(only?.der, material.ec?.certificate.der);
      t.same(others, []);
    });
  });
});

function card(module: string, label: string, material: FixtureMaterial): Omit<TokenUnderTest, "name"> {
  const on = `pkcs11:token=${encodeURIComponent(label)}`;
  const login = `?pin-value=${PIN}`;
  const prefix = module === ykcs11 ? "X.509%20" : "";
  return {
    options: { module },
    label,
    pin: PIN,
    material,
    cannot: {
      chains: "labels are the module's own, each of one object",
      keyGeneration: "keys are made with the management key, which is no PIN",
      writing: "certificates are written with the management key, which is no PIN",
    },
    uris: {
      ecCertificate: `${on};object=${prefix}Certificate%20for%20PIV%20Authentication;type=cert`,
      ecPrivateKey: `${on};id=%01;type=private${login}`,
      rsaCertificate: `${on};id=%02;type=cert`,
      rsaPrivateKey: `${on};id=%02;type=private${login}`,
      ca: `${on};id=%04;type=cert`,
      ambiguousCertificate: `${on};type=cert`,
      ambiguousPrivateKey: `${on};type=private${login}`,
      withoutPin: `${on};id=%01;type=private`,
      withWrongPin: `${on};id=%01;type=private?pin-value=17171717`,
    },
  };
}

/** Pulls the card while a signer is in use, and puts it back. */
async function pullAndInsert(t: Test, module: string, card: Daemon, insert: () => Daemon): Promise<Daemon> {
  const backend = pkcs11Backend({ module, isolation: "process", deadline: 2000 });
  t.teardown(() => backend.close());
  const signer = await backend.signer(`pkcs11:id=%01;type=private?pin-value=${PIN}`);
  const message = Buffer.from("signed before and after");
  const sign = async (): Promise<string> => {
    try {
      const signature = await signer.sign(signatureSchemes.ecdsa_p256_sha256, message);
      const { ecdsa_p256_sha256: scheme } = signatureSchemes;
      return (await webCrypto().verify(signer.publicKey, scheme, message, signature)) ? "good" : "wrong";
    } catch (error) {
      return error instanceof CredentialError && error.retryable ? "retryable" : String(error);
    }
  };
  t.equal(await sign(), "good", "before");
  const underWay = Array.from({ length: 4 }, sign);
  card.end();
  for (const outcome of await Promise.all(underWay)) {
    t.ok(["good", "retryable"].includes(outcome), `as the card is pulled: ${outcome}`);
  }
  await sleep(1000); // the reader looks for its card now and then
  t.equal(await sign(), "retryable", "without a card");
  const again = insert();
  let outcome = "retryable";
  for (let attempt = 1; attempt <= 40 && outcome === "retryable"; attempt++) {
    outcome = await sign();
    await sleep(250);
  }
  t.equal(outcome, "good", "the same signer, with the card back");
  return again;
}

/** The label that a module gives the card, once it sees it. */
async function tokenLabel(module: string): Promise<string> {
  for (let attempt = 1; attempt <= 20; attempt++) {
    const { slots } = await examineModule(module);
    const label = slots.find(({ token }) => token?.isInitialised === true)?.token?.info.label;
    if (label !== undefined) return label;
    await sleep(250);
  }
  throw new Error(`${module} sees no card`);
}

/** A reader, and what puts the card into it; the card's certificates. */
function startReader(t: Test, folder: string): { material: FixtureMaterial; insert: () => Daemon } {
  hide("/run");
  mkdirSync("/run/pcscd");
  execFileSync("ip", ["link", "set", "lo", "up"]);
  // vpcd writes a frame in two parts, and waits for the first to be acknowledged: 40 ms with each command.
  const loopback = ["local", "127.0.0.1", "dev", "lo", "scope", "host", "src", "127.0.0.1"];
  execFileSync("ip", ["route", "replace", "table", "local", ...loopback, "quickack", "1"]);
  const readers = join(folder, "readers");
  mkdirSync(readers);
  writeFileSync(join(readers, "vpcd"), readerOf(driver));
  const made: Record<number, KeyPairKeyObjectResult> = {
    0x9a: generateKeyPairSync("ec", { namedCurve: "P-256" }),
    0x9c: generateKeyPairSync("rsa", { modulusLength: 2048 }),
    0x9d: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  };
  const [ec, rsa, twin] = Object.values(made).map(({ publicKey }) =>
    publicKey.export({ format: "der", type: "spki" }),
  );
  if (ec === undefined || rsa === undefined || twin === undefined)
    throw new TypeError("three keys were made");
  const material = issueMaterial({ ec, rsa, twins: [twin] });
  const held = [material.ec, material.rsa, material.twins[0], material.ca];
  const file = join(folder, "card.json");
  const card: CardFile = {
    pin: PIN,
    keys: [0x9a, 0x9c, 0x9d, 0x9e].map((reference, n) => {
      const pair = made[reference];
      const spki = pair?.publicKey.export({ format: "der", type: "spki" });
      const key = pair?.privateKey.export({ format: "pem", type: "pkcs8" }).toString();
      const certificate = Buffer.from(held[n]?.certificate.der ?? []).toString("base64");
      if (key === undefined || spki === undefined) return { reference, certificate };
      const attested = Buffer.from(attestation(spki)).toString("base64");
      return { reference, certificate, key, attestation: attested };
    }),
  };
  writeFileSync(file, JSON.stringify(card), { mode: 0o600 });
  startDaemon(t, "/usr/sbin/pcscd", "-f", "-c", readers);
  const program = fileURLToPath(new URL("../support/piv-card-program.js", import.meta.url));
  return {
    material: { ...material, twins: held.filter((one) => one !== undefined) },
    insert: () => startDaemon(t, process.execPath, program, String(PORT), file),
  };
}

/** Yubico's module looks at readers with this name alone. */
function readerOf(path: string): string {
  const port = `0x${PORT.toString(16)}`;
  return [
    'FRIENDLYNAME "Yubico YubiKey (virtual)"',
    `DEVICENAME /dev/null:${port}`,
    `LIBPATH ${path}`,
    `CHANNELID ${port}`,
    "",
  ].join("\n");
}
