// What stands between a participant and its token: each thing that doctor must notice, and that it keeps PINs.

import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { discoverModules } from "@ddscred/backend-pkcs11";
import { CredentialError, parsePkcs11Uri } from "@ddscred/core";
import t, { type Test } from "tap";
import { type ExaminedModule, judgeModules } from "../dist/doctor/modules.js";
import { judgeOpenssl } from "../dist/doctor/openssl.js";
import { opensslProgram } from "../dist/doctor/openssl-program.js";
import { judgeP11KitServer } from "../dist/doctor/p11-kit-server.js";
import { judgePinSource, judgePins } from "../dist/doctor/pin.js";
import type { DoctorReport } from "../dist/doctor/report.js";
import { judgeTokens } from "../dist/doctor/tokens.js";
import { ddscred, missing, type Outcome, run, temporaryFolder } from "./support/program.ts";

t.setTimeout(600_000);

const PIN = "canary-pin-4711";
const MODULE = "/usr/lib/softhsm/libsofthsm2.so";
const skip = missing("softhsm2-util") ?? false;

/** Runs doctor; what it prints is searched for the PIN. */
function doctor(
  t: Test,
  args: readonly string[],
  env: Record<string, string> = {},
): Outcome & { report: DoctorReport } {
  const outcome = ddscred(["doctor", "--format", "json", ...args], { env });
  t.notMatch(outcome.stdout + outcome.stderr, PIN);
  return { ...outcome, report: JSON.parse(outcome.stdout) as DoctorReport };
}

/** The findings of one topic that are no praise. */
function wrong({ report }: { report: Pick<DoctorReport, "findings"> }, topic: string) {
  return report.findings.filter((finding) => finding.topic === topic && finding.severity !== "ok");
}

/** A token, and an environment in which it is the only one. */
function tokenFolder(t: Test): { folder: string; env: Record<string, string> } {
  const folder = temporaryFolder(t);
  const conf = join(folder, "softhsm2.conf");
  mkdirSync(join(folder, "tokens"));
  writeFileSync(
    conf,
    `directories.tokendir = ${join(folder, "tokens")}\nobjectstore.backend = file\nlog.level = ERROR\n`,
  );
  return { folder, env: { SOFTHSM2_CONF: conf, ...fakeOpenssl(folder, "3.0.19") } };
}

function addToken(env: Record<string, string>, label: string): void {
  run("softhsm2-util", ["--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", PIN], {
    cwd: "/",
    env,
  });
}

/** A program `openssl` that says of itself what the test wants. */
function fakeOpenssl(
  folder: string,
  version: string,
  said: Readonly<Record<string, string>> = {},
): Record<string, string> {
  mkdirSync(join(folder, "bin"), { recursive: true });
  const about = `OpenSSL ${version} 1 Jan 2026\nOPENSSLDIR: "${folder}"\nENGINESDIR: "${folder}/engines"\nMODULESDIR: "${folder}/ossl-modules"`;
  const cases = Object.entries({ "version -a": about, ...said }).map(
    ([args, text]) => `"${args}") cat <<'EOF'\n${text}\nEOF\n;;`,
  );
  writeFileSync(
    join(folder, "bin/openssl"),
    `#!/bin/sh\ncase "$*" in\n${cases.join("\n")}\n*) exit 1;;\nesac\n`,
    { mode: 0o755 },
  );
  return { PATH: `${join(folder, "bin")}${delimiter}${process.env["PATH"] ?? ""}` };
}

t.test("on a token", { skip }, async (t) => {
  const { folder, env } = tokenFolder(t);
  const label = "DDSTestToken";
  addToken(env, label);
  const withModule = (...args: string[]) => doctor(t, ["--module", MODULE, ...args], env);

  t.test("--trace prints calls with their times to stderr, and nothing that is secret", async (t) => {
    const uri = `pkcs11:token=${label};object=none?pin-value=${PIN}`;
    for (const verb of ["doctor", "ls"]) {
      const plain = ddscred([verb, "--module", MODULE, uri], { env });
      const traced = ddscred([verb, "--trace", "--module", MODULE, uri], { env });
      t.equal(traced.stdout, plain.stdout);
      t.match(traced.stderr, /^trace +\d+\.\d ms {2}C_Initialize +CKR_OK/m);
      t.match(traced.stderr, /^trace +\d+\.\d ms {2}C_Login +CKR_OK, session [0-9a-f]{4}$/m);
      t.notMatch(plain.stderr, /trace/);
      t.notMatch(traced.stderr, PIN);
    }
  });

  t.test("a good token is reported with its PIN state and what it can sign", async (t) => {
    const { status, report } = withModule();
    t.equal(status, 0, JSON.stringify(report.findings));
    t.equal(report.ok, true);
    const text = ddscred(["doctor", "--module", MODULE, `pkcs11:token=${label}?pin-value=${PIN}`], { env });
    t.equal(text.status, 0);
    t.match(text.stdout, /^good/);
    t.notMatch(text.stdout + text.stderr, PIN);
    const used = report.modules.filter((module) => module.used);
    t.match(used, [
      {
        path: MODULE,
        origin: { kind: "option" },
        exists: true,
        loads: true,
        manufacturer: "SoftHSM",
        cryptoki: "2.40",
      },
    ]);
    t.match(
      report.tokens.find((token) => token.module === MODULE && token.initialised),
      {
        label,
        pin: "ok",
        loginRequired: true,
        uri: /^pkcs11:token=DDSTestToken;/,
        signs: { ecdsa: true, rsaPss: true, rsaPkcs1: true },
      },
    );
  });

  t.test("the environment names the module, and the report says so", async (t) => {
    const { status, report } = doctor(t, [], { ...env, PKCS11_PROVIDER_MODULE: MODULE });
    t.equal(status, 0);
    t.match(
      report.modules.find((module) => module.used),
      { path: MODULE, origin: { kind: "environment", where: "PKCS11_PROVIDER_MODULE" } },
    );
    t.match(
      report.findings.find(({ topic }) => topic === "environment"),
      { message: /PKCS11_PROVIDER_MODULE/ },
    );
  });

  t.test("a URI leads to a token and an object, or the report says how far it leads", async (t) => {
    t.match(withModule(`pkcs11:token=${label}`).status, 0);
    t.match(wrong(withModule("pkcs11:token=DDSTestTokem"), "uri"), [
      { code: "TOKEN_NOT_FOUND", message: /"DDSTestToken"/ },
    ]);
    const withoutLogin = withModule(`pkcs11:token=${label};object=alice_key`);
    t.equal(withoutLogin.status, 0);
    t.match(wrong(withoutLogin, "uri"), [{ severity: "warning", message: /without a login/ }]);
    const absent = withModule(`pkcs11:token=${label};object=alice_key?pin-value=${PIN}`);
    t.equal(absent.status, 1);
    t.match(wrong(absent, "uri"), [
      { code: "OBJECT_NOT_FOUND", message: /there is none at all/, hint: /--pin-source SOURCE/ },
    ]);
    t.match(wrong(absent, "files"), [{ severity: "warning", code: "PIN_INLINE" }]);
    t.match(wrong(withModule("pkcs11:token=%zz"), "uri"), [{ code: "URI_INVALID" }]);
  });

  t.test("a PIN file that others may read is an error, a variable that is not set too", async (t) => {
    const pin = join(folder, "pin");
    writeFileSync(pin, PIN);
    for (const [mode, severity] of [
      [0o644, "error"],
      [0o640, "error"],
      [0o600, undefined],
    ] as const) {
      chmodSync(pin, mode);
      t.equal(
        wrong(withModule(`pkcs11:token=${label}?pin-source=file:${pin}`), "files")[0]?.severity,
        severity,
      );
    }
    t.match(wrong(withModule(`pkcs11:token=${label}?pin-source=file:${pin}x`), "files"), [
      { code: "PIN_SOURCE_UNREADABLE" },
    ]);
    t.match(wrong(withModule(`pkcs11:token=${label}?pin-source=env:NO_SUCH_PIN`), "environment"), [
      { code: "PIN_SOURCE_UNREADABLE" },
    ]);
    chmodSync(pin, 0o644);
    const open = withModule(`pkcs11:token=${label}?pin-value=${PIN}`, "--pin-source", `file:${pin}`);
    t.equal(open.status, 1);
    t.match(
      wrong(open, "files").filter(({ severity }) => severity === "error"),
      [{ code: "PIN_EXPOSED" }],
      "also where no URI needs it",
    );
    const both = withModule(`pkcs11:token=${label};object=key?pin-source=file:${pin}`);
    const told = [...wrong(both, "files"), ...wrong(both, "uri")];
    t.match(told, [{ code: "PIN_EXPOSED" }], "once, with one remedy");
    chmodSync(pin, 0o600);
    for (const uri of [[], [`pkcs11:token=${label}`], [`pkcs11:token=${label};object=key`]]) {
      const none = withModule(...uri, "--pin-source", "env:NO_SUCH_PIN");
      t.equal(none.status, 1);
      t.match(wrong(none, "environment"), [{ code: "PIN_SOURCE_UNREADABLE" }], "also where nothing needs it");
    }
  });

  t.test("a PIN that is not tried is told so", async (t) => {
    for (const uri of [`pkcs11:token=${label}?pin-value=WRONG`, `pkcs11:token=${label}`]) {
      const { report } = withModule(uri, ...(uri.includes("?") ? [] : ["--pin-source", "env:HOME"]));
      t.match(
        report.findings.find(({ severity }) => severity === "info"),
        { message: "PIN not tried: the URI names no object" },
      );
    }
  });

  t.test("a wrong PIN is told, and afterwards that attempts are few", async (t) => {
    const { env } = tokenFolder(t);
    addToken(env, "worn");
    ddscred(["ls", "--module", MODULE, "pkcs11:token=worn?pin-value=wrong"], { env });
    const after = doctor(t, ["--module", MODULE], env);
    t.equal(after.status, 0);
    t.match(wrong(after, "token"), [{ severity: "warning", message: /"worn".*few attempts/ }]);
  });

  t.test("two tokens with one label, and none at all", async (t) => {
    const { env } = tokenFolder(t);
    const none = doctor(t, ["--module", MODULE], env);
    t.equal(none.status, 1);
    t.match(
      wrong(none, "token").find(({ severity }) => severity === "error"),
      { hint: /softhsm2-util --init-token/ },
    );
    addToken(env, "twin");
    addToken(env, "twin");
    t.match(wrong(doctor(t, ["--module", MODULE], env), "token"), [{ severity: "warning", hint: /serial=/ }]);
  });

  t.test("SOFTHSM2_CONF that leads nowhere is an error with the file", async (t) => {
    const { folder } = tokenFolder(t);
    const bad = join(folder, "bad.conf");
    writeFileSync(bad, `directories.tokendir = ${folder}/missing\n`);
    for (const [file, says] of [
      [`${bad}x`, /does not exist/],
      [folder, /cannot be read/],
      [bad, /missing/],
    ] as const) {
      const report = doctor(t, ["--module", MODULE], { ...env, SOFTHSM2_CONF: file });
      t.equal(report.status, 1);
      t.match(wrong(report, "environment"), [{ severity: "error", message: says, location: { file } }]);
    }
  });
});

t.test("what OpenSSL is told about PKCS#11", async (t) => {
  const folder = temporaryFolder(t);
  const cnf = join(folder, "openssl.cnf");
  const module = join(folder, "module.so");
  const { PATH } = process.env;
  t.teardown(() => Object.assign(process.env, { PATH }));
  for (const file of [module, join(folder, "pkcs11.so")]) writeFileSync(file, "");

  const judge = async (version: string, text: string, said: Readonly<Record<string, string>> = {}) => {
    writeFileSync(cnf, text);
    Object.assign(process.env, { PATH }, fakeOpenssl(folder, version, said));
    const program = await opensslProgram();
    const { openssl } = await discoverModules({ opensslFolder: program?.folder });
    const findings = await judgeOpenssl(program, openssl, module);
    t.notMatch(JSON.stringify(findings), PIN);
    return { report: { findings } };
  };
  const listed = { "list -providers": "Providers:\n  default\n  pkcs11\n    status: active" };
  const providerCnf = `openssl_conf = openssl_init
[openssl_init]
providers = provider_section
[provider_section]
default = default_section
pkcs11 = pkcs11_section
[default_section]
activate = 1
[pkcs11_section]
module = ${folder}/pkcs11.so
pkcs11-module-path = ${module}
activate = 1
`;
  const engineCnf = `openssl_conf = openssl_init
[openssl_init]
engines = engine_section
[engine_section]
pkcs11 = pkcs11_section
[pkcs11_section]
engine_id = pkcs11
MODULE_PATH = ${module}
init = 0
`;

  t.test("a provider that is whole leads Cyclone DDS to its module", async (t) => {
    const good = await judge("3.0.19", providerCnf, listed);
    t.same(wrong(good, "openssl"), []);
    const messages = good.report.findings.map(({ message }) => message).join("\n");
    t.match(messages, `Cyclone DDS would use the module ${module}`);
  });

  t.test("a provider that is not whole is told, with what is missing and a remedy", async (t) => {
    const without = (line: string) => providerCnf.replace(`${line}\n`, "");
    for (const [name, text, severity, says] of [
      ["nothing configured, which ddscred does not need", "", "warning", /Failed to load pkcs11 provider/],
      ["only an ENGINE", engineCnf, "warning", /uses a provider with OpenSSL 3\.x/],
      [
        "library",
        without(`module = ${folder}/pkcs11.so`),
        "error",
        /ossl-modules\/pkcs11\.so does not exist/,
      ],
      ["not activated", providerCnf.replace(/activate = 1\n$/, ""), "warning", /not activated/],
      ["activate = 0", providerCnf.replace(/activate = 1\n$/, "activate = 0\n"), "warning", /all the same/],
      ["no default provider", without("default = default_section"), "error", /provider default/],
      [
        "module",
        providerCnf.replace(module, "/nowhere.so"),
        "error",
        /pkcs11-module-path names \/nowhere\.so/,
      ],
      ["another module than ours", providerCnf.replace(module, cnf), "warning", /another module/],
      ["no module", without(`pkcs11-module-path = ${module}`), "info", /p11-kit's proxy/],
      ["missing section", providerCnf.replace("[pkcs11_section]", "[x]"), "error", /\[pkcs11_section\]/],
      ["broken line", `${providerCnf}no equal sign`, "error", /cannot read its configuration/],
      ["PIN", `${providerCnf}pkcs11-module-token-pin = ${PIN}`, "error", /PIN stands in/],
      ["no openssl_conf", without("openssl_conf = openssl_init"), "warning", /nothing leads to it/],
    ] as const) {
      const found = wrong(await judge("3.0.19", text, listed), "openssl").find(({ message }) =>
        says.test(message),
      );
      t.equal(found?.severity, severity, name);
      t.ok((found?.hint.length ?? 0) > 10, `${name}: with a remedy`);
      if (found?.hint.includes("apt-get")) t.match(found.hint, /Debian 13/, "a package that Debian 12 lacks");
    }
    const unlisted = await judge("3.0.19", providerCnf, { "list -providers": "Providers:\n  default" });
    t.match(wrong(unlisted, "openssl"), [{ severity: "error", message: /list -providers/ }]);
    process.env["PKCS11_PROVIDER_MODULE"] = "/elsewhere.so";
    t.teardown(() => delete process.env["PKCS11_PROVIDER_MODULE"]);
    const elsewhere = await judge("3.0.19", providerCnf, listed);
    t.match(wrong(elsewhere, "openssl"), [{ message: /PKCS11_PROVIDER_MODULE names \/elsewhere/ }]);
  });

  t.test("a configuration that others may write to is an error", async (t) => {
    await judge("3.0.19", "");
    chmodSync(cnf, 0o666);
    const findings = wrong(await judge("3.0.19", providerCnf, listed), "openssl");
    t.match(findings, [{ severity: "error", hint: `\`chmod go-w ${cnf}\`` }]);
    chmodSync(cnf, 0o644);
  });

  t.test("OpenSSL 1.x: the ENGINE's library, its module and OpenSSL's own word", async (t) => {
    const available = { "engine pkcs11 -t": "(pkcs11) pkcs11 engine\n     [ available ]" };
    const judgeEngine = async (text: string, said = available) =>
      wrong(await judge("1.1.1w", text, said), "openssl");
    t.match(await judgeEngine(""), [{ severity: "warning", message: /Failed to find pkcs11 engine/ }]);
    t.match(await judgeEngine(engineCnf), [{ severity: "error", message: /engines\/pkcs11\.so/ }]);
    mkdirSync(join(folder, "engines"));
    writeFileSync(join(folder, "engines/pkcs11.so"), "");
    t.same(await judgeEngine(engineCnf), []);
    const unavailable = { "engine pkcs11 -t": "[ unavailable ]" };
    t.match(await judgeEngine(engineCnf, unavailable), [
      { severity: "error", message: /does not say available/ },
    ]);
    const moved = engineCnf.replace(module, "/nowhere.so");
    t.match(await judgeEngine(moved), [{ severity: "error", message: /MODULE_PATH names \/nowhere\.so/ }]);
    t.match(await judgeEngine(`${engineCnf}PIN = ${PIN}`), [{ severity: "error", message: /PIN stands in/ }]);
  });
});

t.test("a PIN source that cannot be read is told, whether a PIN is needed or not", async (t) => {
  const folder = temporaryFolder(t);
  for (const [source, message] of [
    [`file:${folder}`, /no regular file/],
    ["systemd:ddscred-none", /CREDENTIALS_DIRECTORY|cannot be read/],
    ["fd:987", /not open/],
    ["|/no/such/program", /no program/],
    ["|program", /absolute/],
    ["nonsense", /no kind/],
    ["ENV:NO_SUCH_PIN", /not set/],
  ] as const) {
    const [found] = await judgePinSource(source);
    t.match(found, { severity: "error", message }, source);
  }
  const command = await judgePins(parsePkcs11Uri("pkcs11:token=x?pin-source=%7C/bin/true"), "env:HOME");
  t.match(command, [{ code: "PIN_SOURCE_REFUSED" }, { severity: "ok" }]);
});

t.test("a PIN in place of the name of its source is not told", async (t) => {
  for (const source of ["file:12345678", "env:12345678", "fd:12345678", "systemd:12345678", "ENV:12345678"]) {
    const found = await judgePinSource(source);
    t.match(found, [{ severity: "error" }]);
    t.notMatch(JSON.stringify(found), "12345678", source);
  }
});

t.test("a server of p11-kit that does not answer is an error", async (t) => {
  const path = join(temporaryFolder(t), "socket");
  t.match(await judgeP11KitServer(`unix:path=${path}`), [
    { severity: "error", message: /ENOENT/, hint: /./ },
  ]);
  const server = createServer().listen(path);
  t.teardown(() => server.close());
  await once(server, "listening");
  t.match(await judgeP11KitServer(`unix:path=${path}`), [{ severity: "ok" }]);
  t.same(await judgeP11KitServer(""), []);
});

const TPM = "/usr/share/p11-kit/modules/tpm2_pkcs11.module";
const noTpm = existsSync(TPM) ? {} : { skip: "no module of a TPM" };
t.test("looking leaves no store of a TPM behind", noTpm, async (t) => {
  const home = temporaryFolder(t);
  const options = { cwd: home, env: { HOME: home, TMPDIR: home } };
  for (const args of [["ls"], ["doctor"], ["check", "--property", "private_key=pkcs11:token=x;object=y"]]) {
    ddscred(args, options);
    t.same(
      readdirSync(home).filter((name) => name !== ".cache"),
      [],
      args.join(" "),
    );
  }
});

t.test("where no token is there, the modules that were tried are named", { skip }, async (t) => {
  const { env } = tokenFolder(t);
  const named = { ...env, PKCS11_MODULE_PATH: "", PKCS11_PROVIDER_MODULE: MODULE };
  t.match(ddscred(["ls"], { env: named }).stdout, /^no token is there; ddscred doctor/);
  const configuration = ["check", "--format", "json", "--property", "private_key=pkcs11:token=x;object=y"];
  const { findings } = JSON.parse(ddscred(configuration, { env: named }).stdout);
  t.match(
    findings.find(({ code }: { code: string }) => code === "TOKEN_NOT_FOUND"),
    { message: /libsofthsm2\.so \(named by PKCS11_PROVIDER_MODULE\)/, hint: /ddscred doctor/ },
  );
});

t.test("modules that cannot be used are told apart", async (t) => {
  const folder = temporaryFolder(t);
  const damaged = join(folder, "damaged.so");
  writeFileSync(damaged, Buffer.concat([Buffer.from("7f454c46020101", "hex"), Buffer.alloc(500)]));
  const open = join(folder, "open.so");
  writeFileSync(open, readFileSync(damaged));
  chmodSync(open, 0o666);
  for (const [path, code] of [
    [damaged, "MODULE_NOT_LOADABLE"],
    [open, "MODULE_REFUSED"],
    ["/etc/passwd", "MODULE_NOT_PKCS11"],
    [folder, "MODULE_NOT_PKCS11"],
  ] as const) {
    const outcome = doctor(t, ["--module", path]);
    t.equal(outcome.status, 1);
    t.equal(outcome.report.modules[0]?.loads, false);
    t.match(
      wrong(outcome, "module").find(({ severity }) => severity === "error"),
      { code },
    );
  }
  const nowhere = doctor(t, ["--module", "/nowhere.so", `pkcs11:token=a?pin-value=${PIN}`]);
  t.equal(nowhere.status, 1);
  t.equal(
    nowhere.report.modules.some(({ used }) => used),
    false,
    "what was named is not replaced by another",
  );
  t.match(
    wrong(nowhere, "module").find(({ severity }) => severity === "error"),
    { message: /\/nowhere\.so/ },
  );
  doctor(t, ["--module", `pkcs11:token=a?pin-value=${PIN}`]);
});

t.test(
  "a module that crashes does not take doctor with it: exit 3",
  { skip: missing("cc") ?? false },
  async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, "crash.c"), CRASHES_IN_GET_INFO);
    run("cc", ["-shared", "-fPIC", "-o", "crash.so", "crash.c"], { cwd: folder });
    const outcome = doctor(t, ["--module", join(folder, "crash.so")]);
    t.match(
      wrong(outcome, "module").find(({ severity }) => severity === "error"),
      { code: "DEVICE_ERROR" },
    );
    t.equal(outcome.status, 3);
  },
);

t.test("where no module is found, the places that were looked at are named", async (t) => {
  const [finding] = judgeModules(
    { candidates: [], findings: [], searched: ["PKCS11_MODULE_PATH is not set"], openssl: undefined },
    [],
  );
  t.match(finding, { severity: "error", message: /PKCS11_MODULE_PATH is not set/, hint: /--module/ });
});

t.test("each state of a PIN has its severity and a command that mends it", async (t) => {
  const judge = (pin: string, used = true) => {
    const token = {
      info: { label: "it's", manufacturerID: "M", model: "m", serialNumber: "1" },
      uri: "pkcs11:token=it's",
      isInitialised: true,
      isLoginRequired: true,
      pin,
      signs: { ecdsa: false, rsaPss: false, rsaPkcs1: true },
    };
    const slot = { slotDescription: "reader", manufacturerID: "M" };
    const result = {
      manufacturer: "M",
      description: "",
      version: { major: 1, minor: 0 },
      cryptokiVersion: { major: 2, minor: 40 },
    };
    const slots = [{ slot, token }, { slot }, { slot, failure: "C_GetTokenInfo: CKR_DEVICE_ERROR" }];
    const candidate = { path: "/m.so", exists: true, origin: { kind: "option", where: "--module" } };
    return judgeTokens([{ candidate, used, result: { ...result, slots } } as unknown as ExaminedModule]);
  };
  const mechanisms = /neither ECDSA nor RSA-PSS/;
  for (const [pin, severity, hint] of [
    ["ok", undefined, undefined],
    ["not initialised", "error", /--init-pin/],
    ["locked", "error", /--token-label 'it'\\''s' .*--init-pin/],
    ["to be changed", "error", /--module \/m\.so .*--change-pin/],
    ["final try", "error", /--login/],
    ["count low", "warning", /wrong PIN/],
    ["PIN pad", "warning", /from the program/],
  ] as const) {
    const found = judge(pin).filter(
      ({ severity, message }) => severity !== "ok" && /"it's"/.test(message) && !mechanisms.test(message),
    );
    t.equal(found[0]?.severity, severity, pin);
    if (hint !== undefined) t.match(found[0]?.hint, hint);
  }
  t.equal(
    judge("locked", false).some(({ severity }) => severity === "error"),
    false,
    "of a module that is not used it is a warning",
  );
  const messages = judge("ok")
    .map(({ message }) => message)
    .join("\n");
  for (const says of [
    mechanisms,
    /slot .*holds no token/,
    /"reader".* failed: C_GetTokenInfo: CKR_DEVICE_ERROR/,
  ])
    t.match(messages, says);
});

t.test("an error without a module's path is told with it", async (t) => {
  const candidate = { path: "/m.so", exists: true, origin: { kind: "option", where: "--module" } } as const;
  const result = new CredentialError("TIMEOUT", "C_Initialize did not end in time");
  const [finding] = judgeModules(
    { candidates: [candidate], findings: [], searched: [], openssl: undefined },
    [{ candidate, used: true, result }],
  );
  t.match(finding, { severity: "error", code: "TIMEOUT", message: /^\/m\.so: C_Initialize/ });
});

t.test("wrong use is refused", async (t) => {
  for (const args of [["file:x"], ["pkcs11:", "pkcs11:"], ["--format", "xml"], ["--pin", PIN]]) {
    const { status, stdout, stderr } = ddscred(["doctor", ...args]);
    t.equal(status, 2);
    t.notMatch(stdout + stderr, PIN);
  }
});

const CRASHES_IN_GET_INFO = `#include <stdlib.h>
static unsigned long good(void *ignored) { return 0; }
static unsigned long crash(void *ignored) { abort(); }
static struct { unsigned char version[2]; void *functions[68]; } list = { { 2, 40 } };
unsigned long C_GetFunctionList(void **found) {
  for (int i = 0; i < 68; i++) list.functions[i] = i < 2 ? good : crash;
  *found = &list;
  return 0;
}
`;

t.test("no store of tpm2-pkcs11 is made in anybody's home", async (t) => {
  const home = temporaryFolder(t);
  doctor(t, [], { HOME: home, TMPDIR: home });
  const left = readdirSync(home).filter((name) => /tpm2|ddscred/.test(name));
  t.strictSame(left, [], "nor does its temporary folder stay");
});
