import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { library, missing } from "../support/installed.ts";
import { issueMaterial } from "../support/issue.ts";
import type { TokenObjectSpec } from "../support/objects.ts";
import { testToken } from "../support/token-fixture.ts";
import { certificateObjects, keyObjects, putObjects } from "../support/token-objects.ts";

const LABEL = "conformance";
const PIN = "canary-pin-4711";
const module = library("libsoftokn3.so");
const skip = missing({ "NSS softokn": module, certutil: "certutil", pkcs11js: "pkcs11js" });

t.setTimeout(600_000);

// Signing by RSA is slow on it, for each use of a private key derives the database's key from the PIN again.
t.test("the contract of a backend on NSS softokn", skip === undefined ? {} : { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const pin = join(folder, "pin");
  writeFileSync(pin, PIN, { mode: 0o600 });
  execFileSync("certutil", ["-N", "-d", `sql:${folder}`, "-f", pin], { stdio: "pipe" });
  const libraryParameters = `configDir='sql:${folder}' secmod='secmod.db' dbTokenDescription='${LABEL}'`;
  const keys = keyObjects(["ec", "rsa", "twins"]);
  const [ec, rsa, ...twins] = keys.map(({ publicKey }) => publicKey.spki);
  if (ec === undefined || rsa === undefined) throw new TypeError("there are four keys");
  // A nickname (CKA_LABEL) belongs to one subject in NSS, so the twins need the same one.
  const material = issueMaterial({ ec, rsa, twins });
  const objects = [...keys.map(withPublicValue), ...certificateObjects(material)];
  putObjects({ module, libraryParameters, label: LABEL, pin: PIN, objects });
  await testToken(t, {
    name: "NSS softokn",
    options: { module, libraryParameters },
    label: LABEL,
    pin: PIN,
    material,
    cannot: { chains: "a label belongs to one subject, so it names no chain" },
  });
});

/** NSS finds the public half of an imported EC key by an attribute of its own, CKA_NSS_DB. */
function withPublicValue({ object, publicKey }: ReturnType<typeof keyObjects>[number]): TokenObjectSpec {
  if (publicKey.keyType !== "ec") return object;
  const point = Buffer.from(publicKey.spki.subarray(-65)).toString("hex");
  return [...object, { type: 0xd5a0db00, value: { hex: point } }];
}
