import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pkcs11Backend } from "@ddscred/backend-pkcs11";
import { nodeCrypto } from "@ddscred/crypto-node";
import t from "tap";
import { children, noProcesses, shownOf } from "./support/children.ts";
import { failure } from "./support/failure.ts";

const PIN = "canary-pin-4711";
const softokn =
  [
    "/usr/lib/x86_64-linux-gnu/libsoftokn3.so",
    "/usr/lib/aarch64-linux-gnu/libsoftokn3.so",
    "/usr/lib64/libsoftokn3.so",
  ].find((path) => existsSync(path)) ?? "";
const skip = reasonToSkip();
const folder = skip === undefined ? database() : "";
const libraryParameters = `configDir='sql:${folder}' secmod='secmod.db' dbTokenDescription='nss-test'`;

t.test("a module that wants parameters and gets none fails with its own words", skip ?? {}, async (t) => {
  const error = await failure(
    pkcs11Backend({ module: softokn, isolation: "inline" }).certificates("pkcs11:token=nss-test"),
  );
  t.match(error, { code: "MODULE_FAILED", rv: "CKR_ARGUMENTS_BAD", call: "C_Initialize" });
});

for (const isolation of ["inline", "process"] as const) {
  t.test(`NSS softokn is started with its library parameters, ${isolation}`, skip ?? {}, async (t) => {
    const backend = pkcs11Backend({ module: softokn, libraryParameters, isolation });
    t.teardown(() => backend.close());
    for (const name of ["alice", "bob"]) {
      const [certificate] = await backend.certificates(`pkcs11:token=nss-test;object=${name}`);
      const uri = await keyOf(backend, certificate?.publicKey.label ?? "");
      const signer = await backend.signer(`${uri}?pin-value=${PIN}`);
      t.same(signer.publicKey, certificate?.publicKey.spki);
      for (const scheme of signer.schemes) {
        const message = Buffer.from(`a message for ${scheme.name}`);
        const signature = await signer.sign(scheme, message);
        t.ok(await nodeCrypto().verify(signer.publicKey, scheme, message, signature), scheme.name);
      }
    }
    const error = await failure(backend.signer("pkcs11:token=nss-test;type=private?pin-value=canary-wrong"));
    t.equal(error.code, "PIN_INCORRECT");
    const other = pkcs11Backend({ module: softokn, libraryParameters: "flags=noModDB", isolation });
    t.match(await failure(other.certificates("pkcs11:token=nss-test")), {
      code: "MODULE_FAILED",
      message: /other parameters/,
    });
    await other.close();
    const deadly = pkcs11Backend({ module: softokn, libraryParameters: "flags=readOnly", isolation });
    await backend.close();
    t.match(await failure(deadly.certificates("pkcs11:token=nss-test")), {
      code: "MODULE_FAILED",
      hint: /configDir/,
    });
    await deadly.close();
  });

  t.test(`it is found with its library parameters in p11-kit's file, ${isolation}`, skip ?? {}, async (t) => {
    t.intercept(process, "env", { value: { ...process.env, ...machineWith(libraryParameters) } });
    const backend = pkcs11Backend({ discover: true, isolation });
    t.teardown(() => backend.close());
    const uri = "pkcs11:token=nss-test;object=alice";
    t.equal((await backend.certificates(uri)).length, 1);
    t.match(await backend.waitForToken(uri), { kind: "token", label: "nss-test" });
    const named = pkcs11Backend({ discover: true, isolation, module: softokn });
    t.teardown(() => named.close());
    t.equal((await named.certificates(uri)).length, 1, "module names the same file");
    if (noProcesses !== false) return;
    for (const shown of children().map(shownOf)) t.notMatch(shown, /configDir|nss-test/);
  });
}

/** The environment of a user whose p11-kit knows the module with parameters. */
function machineWith(parameters: string): Record<string, string> {
  const home = join(folder, "home");
  const modules = join(home, ".config/pkcs11/modules");
  mkdirSync(modules, { recursive: true });
  const text = `module: ${softokn}\nx-init-reserved: ${parameters}\npriority: 9\n`;
  writeFileSync(join(modules, "nss.module"), text);
  writeFileSync(join(home, "openssl.cnf"), "");
  return {
    HOME: home,
    OPENSSL_CONF: join(home, "openssl.cnf"),
    PKCS11_MODULE_PATH: "",
    PKCS11_PROVIDER_MODULE: "",
  };
}

t.test("library parameters, which may hold secrets, are shown to nobody", skip ?? {}, async (t) => {
  if (noProcesses !== false) return;
  const backend = pkcs11Backend({ module: softokn, libraryParameters });
  t.teardown(() => backend.close());
  t.equal((await backend.certificates("pkcs11:token=nss-test;object=alice")).length, 1);
  const shown = children().map(shownOf);
  t.equal(shown.length, 1);
  for (const text of shown) t.notMatch(text, /configDir|nss-test/);
});

/** The URI of the private key of a kind. */
async function keyOf(backend: ReturnType<typeof pkcs11Backend>, kind: string): Promise<string> {
  for await (const { uri, details } of backend.list(`pkcs11:token=nss-test;type=private?pin-value=${PIN}`)) {
    if (details["key"] === kind) return uri;
  }
  throw new Error(`there is no ${kind} key`);
}

/** With a certificate and its key for an elliptic curve, and another for RSA. */
function database(): string {
  const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const pin = join(folder, "pin");
  const noise = join(folder, "noise");
  writeFileSync(pin, PIN, { mode: 0o600 });
  writeFileSync(noise, Buffer.alloc(64, "noise"));
  const certutil = (...args: string[]): void => {
    execFileSync("certutil", [...args, "-d", `sql:${folder}`, "-f", pin], { stdio: "pipe" });
  };
  certutil("-N");
  const make = ["-S", "-x", "-t", ",,", "-z", noise];
  certutil(...make, "-n", "alice", "-s", "CN=alice", "-m", "1", "-k", "ec", "-q", "nistp256");
  certutil(...make, "-n", "bob", "-s", "CN=bob", "-m", "2", "-k", "rsa", "-g", "2048");
  return folder;
}

function reasonToSkip(): { skip: string } | undefined {
  if (softokn === "") return { skip: "NSS softokn is not installed" };
  try {
    execFileSync("certutil", ["-H"], { stdio: "pipe" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      return { skip: "certutil (libnss3-tools) is not installed" };
  }
  try {
    createRequire(import.meta.url)("pkcs11js");
  } catch {
    return { skip: "pkcs11js is not installed" };
  }
  return undefined;
}
