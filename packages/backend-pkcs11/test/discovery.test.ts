import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { pkcs11Backend } from "@ddscred/backend-pkcs11";
import t from "tap";
import { discoverModules } from "../dist/discovery/discover.js";
import { examineModule } from "../dist/discovery/examine.js";
import { readOpensslConfig } from "../dist/discovery/openssl/parse.js";
import { opensslPkcs11 } from "../dist/discovery/openssl/pkcs11.js";
import { type DiscoveryWorld, thisMachine } from "../dist/discovery/world.js";
import { pinState } from "../dist/token/pin-state.js";
import { failure } from "./support/failure.ts";
import { module, PIN, skip, TokenFolder } from "./support/softhsm.ts";

const CNF = "/etc/ssl/openssl.cnf";

/** A machine that has these files, and libraries at these paths. */
function machine(
  files: Readonly<Record<string, string>>,
  { libraries = [], environment = {} }: { libraries?: string[]; environment?: Record<string, string> } = {},
): DiscoveryWorld {
  const names = [...Object.keys(files), ...libraries];
  const isFolder = (path: string) => names.some((name) => name.startsWith(`${path}/`));
  return {
    environment,
    home: "/home/alice",
    architecture: "x86_64-linux-gnu",
    readFile: async (path) => {
      const text = files[path];
      if (text === undefined) return { isMissing: !isFolder(path), reason: "there is no such file" };
      return { text };
    },
    listFolder: async (path) =>
      names
        .filter((name) => name.slice(0, name.lastIndexOf("/")) === path)
        .map((name) => name.slice(path.length + 1)),
    exists: async (path) => names.includes(path) || isFolder(path),
    isFolder: async (path) => isFolder(path),
    realPath: async (path) => path,
  };
}

async function read(
  text: string,
  others: Record<string, string> = {},
  environment: Record<string, string> = {},
) {
  const config = await readOpensslConfig(CNF, machine({ [CNF]: text, ...others }, { environment }));
  const value = (section: string, name: string) => config.sections.get(section)?.get(name)?.value;
  return { ...config, value };
}

/** The two examples of the manual page, as they stand there. */
const manual = manualExamples();

t.test("the ENGINE of the manual page leads to its module", { skip: manual.skip }, async (t) => {
  const { engines, providers, findings } = opensslPkcs11(await read(manual.engine));
  t.same(findings, []);
  t.same(providers, []);
  t.equal(engines.length, 1);
  t.match(engines[0], {
    id: "pkcs11",
    modulePath: { value: "/usr/lib/pkcs11/opensc-pkcs11.so", file: CNF, line: 11 },
  });
});

t.test(
  "the provider of the manual page is activated and leads to its module",
  { skip: manual.skip },
  async (t) => {
    const { engines, providers, findings } = opensslPkcs11(await read(manual.provider));
    t.same(findings, []);
    t.same(engines, []);
    t.same(
      providers.map(({ name, isForPkcs11, activate }) => [name, isForPkcs11, activate?.value]),
      [
        ["default", false, "1"],
        ["pkcs11", true, "1"],
      ],
    );
    t.match(providers[1], {
      module: { value: "/usr/lib/ossl-modules/pkcs11.so" },
      modulePath: { value: "/usr/lib/pkcs11/opensc-pkcs11.so" },
    });
  },
);

t.test("values are read as OpenSSL reads them (config(5))", async (t) => {
  const text = [
    'x = "hello # there" end   # comment',
    "q = a'it'b`c\"d`e\\#f\\\\g  ",
    "  spaced.name/x\t=\ttab",
    "[ my sec ]",
    "y = one\\",
    " two",
    "z = 5\\\\",
    "other::w = ${default::x}|$x",
    "[s]",
    "my_var = inner",
    "v = $my_var-${s::my_var}$(ENV::FOO)",
    "v = last ${v}",
  ].join("\n");
  const { value, fault } = await read(text, {}, { FOO: "bar" });
  t.equal(fault, undefined);
  t.equal(value("default", "x"), "hello # there end");
  t.equal(value("default", "q"), String.raw`aitbc"de#f\g`);
  t.equal(value("default", "spaced.name/x"), "tab");
  t.equal(value("my sec", "y"), "one two");
  t.equal(value("my sec", "z"), "5\\");
  t.equal(value("other", "w"), "hello # there end|hello # there end");
  t.equal(value("s", "v"), "last inner-innerbar");
});

t.test("OpenSSL itself reads the same values", { skip: noOpenssl() }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const before = `x = X y\nhash = a\\#b\n[other]\nw = W\nw = W2\np\\\n = joined\n[default]\n`;
  const expressions = [
    "plain words",
    "  trimmed  ",
    '"quoted # no comment" # comment',
    String.raw`a\"b\'c\\d`,
    "'single $x'",
    "$x.$hash",
    "${x}y$(x)y",
    "${other::w}$(other::w)$other::w",
    "${ENV::DDSCRED_TEST}",
    "$ENV::DDSCRED_TEST/z",
    "${other::x}",
    "${other::p}",
    '"open quote',
    "`back` tick",
    "con\\\ntinued",
    "two\\\\",
    "mixed'q'\"r\"s",
    "$x$x$x",
    "$nothing",
    "${x",
    "$(x}",
    "${other::nothing}",
    "$",
    "a$",
  ];
  for (const expression of expressions) {
    const text = `${before}asn1 = UTF8:<${expression}>\n`;
    const file = join(folder, "x.cnf");
    writeFileSync(file, text);
    const env = { ...process.env, DDSCRED_TEST: "test", OPENSSL_CONF: "/dev/null" };
    const said = spawnSync("openssl", ["asn1parse", "-genconf", file], { env, encoding: "utf8" });
    const theirs = said.status === 0 ? /UTF8STRING +:([^]*)\n$/.exec(said.stdout)?.[1] : undefined;
    const ours = await read(text, {}, { DDSCRED_TEST: "test" });
    const value = ours.fault === undefined ? ours.value("default", "asn1")?.slice("UTF8:".length) : undefined;
    t.equal(value, theirs, expression);
  }
});

t.test("what OpenSSL cannot read is a fault with its line, and what stood before is given", async (t) => {
  for (const [text, line] of [
    ["a = 1\nno equal sign\nb = 2", 2],
    ["a = 1\n[section\nb = 2", 2],
    ["a = 1\nb = $undefined", 2],
    ["a = 1\nb = ${a", 2],
    ["a = 1\n.pragma nothing", 2],
    ["a = 1\n\\\n\\\n? ! x", 2],
  ] as const) {
    const { fault, value } = await read(text);
    t.equal(fault?.line, line, text);
    t.equal(value("default", "a"), "1");
    t.equal(value("default", "b"), undefined);
  }
  t.match((await readOpensslConfig("/nowhere", machine({}))).fault, { file: "/nowhere" });
});

t.test("a fault repeats nothing of the line: it may hold a PIN", async (t) => {
  for (const line of [`PIN = ab$${PIN.replaceAll("-", "_")}`, `PIN ${PIN}`, `[${PIN}`, `PIN = \${${PIN}`]) {
    const { fault } = await read(line);
    t.ok(fault);
    t.notMatch(JSON.stringify(fault), /canary/);
  }
});

t.test(
  ".include reads files and folders, relative ones where OPENSSL_CONF_INCLUDE or includedir says",
  async (t) => {
    const others = {
      "/etc/ssl/conf.d/b.cnf": "[s]\nb = B",
      "/etc/ssl/conf.d/a.conf": "[s]\na = A",
      "/etc/ssl/conf.d/c.txt": "[s]\nc = C",
      "/etc/ssl/one.cnf": "one = $before",
    };
    for (const [text, environment] of [
      ["before = 1\n.include /etc/ssl/one.cnf\n.include = /etc/ssl/conf.d\nafter = in-s", {}],
      ["before = 1\n.pragma includedir:/etc/ssl\n.include one.cnf\n.include conf.d\nafter = in-s", {}],
      ["before = 1\n.include one.cnf\n.include=conf.d\nafter = in-s", { OPENSSL_CONF_INCLUDE: "/etc/ssl" }],
    ] as const) {
      const { value, fault, files } = await read(text, others, environment);
      t.equal(fault, undefined);
      t.equal(value("default", "one"), "1");
      t.same(
        ["a", "b", "c"].map((name) => value("s", name)),
        ["A", "B", undefined],
      );
      t.equal(value("s", "after"), "in-s");
      t.same(files, [CNF, "/etc/ssl/one.cnf", "/etc/ssl/conf.d/a.conf", "/etc/ssl/conf.d/b.cnf"]);
    }
    t.equal(
      (await read("a = 1\n.include /missing\nb = 2")).fault,
      undefined,
      "a missing file is nothing wrong",
    );
  },
);

t.test("hostile configurations end in a fault, soon", async (t) => {
  const doubling = Array.from({ length: 40 }, (_, n) => `a${n + 1} = $a${n}$a${n}`).join("\n");
  const begin = performance.now();
  for (const text of [
    `.include ${CNF}`,
    `a0 = 0123456789\n${doubling}`,
    `a = ${"x".repeat(60_000)}\n${"b = $a\n".repeat(100_000)}`,
    "a = 1\n".repeat(100_000),
    `a = ${"\\\\".repeat(500_000)}`,
    `[${" x".repeat(400_000)}`,
    `${"\\a".repeat(400_000)} x`,
    `a = ${"'".repeat(400_000)}$`,
    "x\\\n".repeat(200_000),
    `${" ".repeat(900_000)}x`,
  ]) {
    t.ok((await read(text)).fault, text.slice(0, 40));
  }
  t.ok(performance.now() - begin < 20_000);
});

t.test("a configuration may be no text at all", async (t) => {
  for (const bytes of ["\0\0\0", "\uFEFF", "", "\r\n\r\n", "\uFFFD\uFFFD = 1"]) {
    await read(bytes);
  }
  t.equal((await read("\uFEFFa = 1\r\nb = 2\r\n")).value("default", "b"), "2");
  t.equal((await read("a = 1\0junk\nb = 2")).value("default", "a"), "1");
});

t.test("sections that nothing leads to, or that are missing, are findings with their place", async (t) => {
  const unreachable = await read("[pkcs11_section]\nMODULE_PATH = /m.so\n");
  t.match(opensslPkcs11(unreachable), {
    engines: [],
    findings: [
      { severity: "warning", location: { file: CNF, line: 2 }, hint: /before the first \[section\]/ },
    ],
  });
  const missing = await read("openssl_conf = init\n[init]\nproviders = p\n");
  t.match(opensslPkcs11(missing).findings, [{ severity: "error", message: /\[p\]/, location: { line: 3 } }]);
});

t.test("where a PIN stands is said, and not what it is", async (t) => {
  const text = `openssl_conf = i\n[i]\nengines = e\nproviders = p\n[e]\npkcs11 = es\n[es]\nMODULE_PATH = /m\nPIN = ${PIN}\n[p]\npkcs11 = ps\n[ps]\npkcs11-module-token-pin = ${PIN}\n`;
  const world = machine({ [CNF]: text });
  const discovery = await discoverModules({ world });
  t.equal(discovery.openssl?.engines[0]?.pinAt?.line, 9);
  t.equal(discovery.openssl?.providers[0]?.pinAt?.line, 13);
  t.notMatch(JSON.stringify(discovery), PIN);
});

const sections = (provider: string, engine = ""): string =>
  `openssl_conf = i\n[i]\nproviders = p\nengines = e\n[p]\npkcs11 = ps\n[ps]\n${provider}\n[e]\npkcs11 = es\n[es]\ndynamic_path = /pkcs11.so\n${engine}\n`;

t.test("what a module is started with is found where the machine's configuration states it", async (t) => {
  const files = {
    [CNF]: sections(
      "pkcs11-module-path = /provider.so\npkcs11-module-init-args = \"configDir='sql:/provider' a\"",
      "INIT_ARGS = configDir='sql:/engine'\nMODULE_PATH = /engine.so",
    ),
    "/usr/share/p11-kit/modules/a.module": "module: /a.so\nx-init-reserved: overridden",
    "/etc/pkcs11/modules/a.module": "x-init-reserved: configDir='sql:/a' secret=canary-parameters",
    "/usr/share/p11-kit/modules/b.module": "module: /b.so\nx-init-reserved:",
    "/usr/share/p11-kit/modules/c.module": "module: /c.so\nx-init-reserved: before\0after",
  };
  const world = machine(files, { libraries: ["/provider.so", "/engine.so", "/a.so", "/b.so", "/c.so"] });
  const discovery = await discoverModules({ world });
  t.same(
    discovery.candidates.map(({ path, parameters }) => [path, parameters?.text.reveal(), parameters?.where]),
    [
      ["/engine.so", "configDir=sql:/engine", `INIT_ARGS at ${CNF}:14`],
      ["/provider.so", "configDir='sql:/provider' a", `pkcs11-module-init-args at ${CNF}:9`],
      [
        "/a.so",
        "configDir='sql:/a' secret=canary-parameters",
        "x-init-reserved in /etc/pkcs11/modules/a.module",
      ],
      ["/b.so", undefined, undefined],
      ["/c.so", "before", "x-init-reserved in /usr/share/p11-kit/modules/c.module"],
    ],
  );
  t.same(discovery.findings, []);
  t.notMatch(inspect(discovery, { depth: 9 }) + JSON.stringify(discovery), /canary|configDir/);
});

t.test("parameters belong to a module's file, and reach no other", async (t) => {
  const nss = "module: /nss.so\nx-init-reserved: ";
  const texts = async (
    files: Record<string, string>,
    environment: Record<string, string>,
    options: { option?: string; parameters?: string; uri?: string } = {},
  ) => {
    const world = machine(files, { libraries: ["/nss.so", "/other.so"], environment });
    const { candidates, findings } = await discoverModules({ world, ...options });
    const found = candidates.map(({ path, parameters }) => `${path} ${parameters?.text.reveal() ?? "-"}`);
    return [...found, ...findings.map(({ severity }) => severity)];
  };
  const kit = (text: string, name = "a") => ({ [`/etc/pkcs11/modules/${name}.module`]: `${nss}${text}` });
  const both = { ...kit("one"), "/etc/pkcs11/modules/b.module": "module: /other.so" };
  const PKCS11_MODULE_PATH = "/nss.so";

  t.same(await texts(both, { PKCS11_MODULE_PATH }), ["/nss.so one", "/nss.so one", "/other.so -"]);
  t.same(await texts(both, {}, { option: "/nss.so" }), ["/nss.so one", "/nss.so one", "/other.so -"]);
  t.same(await texts(both, {}, { uri: "/nss.so" }), ["/nss.so one", "/nss.so one", "/other.so -"]);

  const parameters = "mine";
  t.same(await texts(both, {}, { option: "/other.so", parameters }), [
    "/other.so mine",
    "/nss.so one",
    "/other.so mine",
  ]);
  t.same(await texts(both, { PKCS11_MODULE_PATH }, { parameters }), [
    "/nss.so mine",
    "/nss.so mine",
    "/other.so -",
  ]);
  t.same(await texts(both, { PKCS11_MODULE_PATH }, { parameters, option: "/nowhere.so" }), [
    "/nowhere.so -",
    "/nss.so one",
    "/nss.so one",
    "/other.so -",
  ]);
  t.same(await texts(both, {}, { parameters }), ["/nss.so one", "/other.so -"], "nobody named one");

  t.same(await texts({ ...kit("one"), ...kit("two", "b") }, {}), ["/nss.so one", "/nss.so one", "warning"]);
  t.same(await texts({ ...kit("one"), ...kit("one", "b") }, {}), ["/nss.so one", "/nss.so one"]);

  const environment = { PKCS11_MODULE_PATH: "/other.so", PKCS11_PROVIDER_MODULE: "/nss.so" };
  const cnf = (...args: [string, string?]) => ({ [CNF]: sections(...args) });
  t.same(
    await texts(cnf("pkcs11-module-init-args = p", "INIT_ARGS = e"), environment),
    ["/other.so e", "/nss.so p"],
    "a section without a module means that of its variable",
  );
  t.same(
    await texts(cnf("pkcs11-module-init-args = p\npkcs11-module-path = /provider.so"), environment),
    ["/other.so -", "/nss.so -", "/provider.so p"],
    "one with a module does not mean another",
  );
});

t.test("modules are found by option, URI, environment, openssl.cnf and p11-kit, in this order", async (t) => {
  const world = machine(
    {
      [CNF]:
        "openssl_conf = i\n[i]\nproviders = p\nengines = e\n[p]\npkcs11 = ps\n[ps]\npkcs11-module-path = /provider.so\n[e]\npkcs11 = es\n[es]\ndynamic_path = /engine_pkcs11.so\nMODULE_PATH = /engine.so\n",
      "/usr/share/p11-kit/modules/b.module": "# comment\nmodule: b.so\n",
      "/usr/share/p11-kit/modules/a.module": "module:/usr/lib/a.so",
      "/usr/share/p11-kit/modules/high.module": "module: /high.so\npriority: 5",
      "/usr/share/p11-kit/modules/trust.module": "module: trust.so\ntrust-policy: yes",
      "/usr/share/p11-kit/modules/remote.module": "remote: |ssh host p11-kit remote",
      "/usr/share/p11-kit/modules/other.module": "module: /other.so\nenable-in: firefox, ssh",
      "/usr/share/p11-kit/modules/not-us.module": "module: /not-us.so\ndisable-in: ddscred",
      "/usr/share/p11-kit/modules/README": "module: /readme.so",
      "/etc/pkcs11/modules/a.module": "priority: -1",
      "/home/alice/.config/pkcs11/modules/mine.module": "module: /mine.so",
    },
    {
      libraries: ["/option.so", "/usr/lib/x86_64-linux-gnu/pkcs11/b.so", "/usr/lib/x86_64-linux-gnu/bare.so"],
      environment: { PKCS11_PROVIDER_MODULE: "bare.so", PKCS11_MODULE_PATH: "/from-environment.so" },
    },
  );
  const { candidates, findings } = await discoverModules({ option: "/option.so", uri: "/uri.so", world });
  t.same(findings, []);
  t.same(
    candidates.map(({ path, origin, exists }) => [origin.kind, path, exists]),
    [
      ["option", "/option.so", true],
      ["uri", "/uri.so", false],
      ["environment", "/from-environment.so", false],
      ["environment", "/usr/lib/x86_64-linux-gnu/bare.so", true],
      ["engine", "/engine.so", false],
      ["provider", "/provider.so", false],
      ["p11-kit", "/high.so", false],
      ["p11-kit", "/usr/lib/x86_64-linux-gnu/pkcs11/b.so", true],
      ["p11-kit", "/mine.so", false],
      ["p11-kit", "/usr/lib/a.so", false],
    ],
  );
  t.match(candidates[5]?.origin.where, `${CNF}:8`);
  t.equal(candidates[7]?.origin.where, "/usr/share/p11-kit/modules/b.module");
});

t.test("OPENSSL_CONF decides which configuration is read, also where it is not there", async (t) => {
  const world = (path: string) =>
    machine({ "/mine.cnf": "a", [CNF]: "b" }, { environment: { OPENSSL_CONF: path } });
  t.match((await discoverModules({ world: world("/mine.cnf") })).openssl, {
    files: ["/mine.cnf"],
    isReadable: false,
  });
  const { openssl } = await discoverModules({ world: world("/nowhere.cnf") });
  t.match(openssl, { isReadable: false });
  t.match(openssl?.findings, [{ severity: "error", location: { file: "/nowhere.cnf" } }]);
  t.equal((await discoverModules({ world: world("") })).openssl, undefined);
});

t.test("on a machine without anything, discovery says where it looked", async (t) => {
  const { candidates, searched } = await discoverModules({ world: machine({}) });
  t.same(candidates, []);
  for (const place of [/PKCS11_MODULE_PATH/, /PKCS11_PROVIDER_MODULE/, /openssl\.cnf/, /p11-kit/])
    t.match(searched.join(), place);
});

t.test("a URI that stands where a path belongs shows no PIN", async (t) => {
  const environment = { PKCS11_MODULE_PATH: `pkcs11:token=a?pin-value=${PIN}` };
  t.notMatch(JSON.stringify(await discoverModules({ world: machine({}, { environment }) })), PIN);
});

t.test("this machine's files are read within limits, and nothing odd stops the search", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const world = thisMachine({ HOME: folder });
  writeFileSync(join(folder, "large"), Buffer.alloc((1 << 20) + 1));
  execFileSync("mkfifo", [join(folder, "pipe")]);
  for (const path of ["large", "pipe", ".", "missing"]) {
    t.match(await world.readFile(join(folder, path)), { isMissing: path === "missing", reason: String });
  }
  t.match(await world.readFile("/dev/zero"), { isMissing: false });
  t.same(await world.listFolder(join(folder, "missing")), []);
});

t.test("the state of a PIN is the worst that the flags tell", async (t) => {
  const initialised = 0x8;
  for (const [flags, state] of [
    [0, "not initialised"],
    [initialised, "ok"],
    [initialised | 0x100, "PIN pad"],
    [initialised | 0x1_0100, "count low"],
    [initialised | 0x3_0000, "final try"],
    [initialised | 0x8_0000, "to be changed"],
    [initialised | 0x7_0000, "locked"],
  ] as const) {
    t.equal(pinState(flags), state);
  }
});

t.test("on SoftHSM", { skip }, async (t) => {
  const folder = new TokenFolder();
  t.teardown(() => folder.remove());
  folder.add("discovered");

  t.test("a module tells about itself, its tokens and what they can sign", async (t) => {
    const { slots, ...rest } = await examineModule(module);
    t.match(rest, {
      manufacturer: "SoftHSM",
      version: { major: 2 },
      cryptokiVersion: { major: 2, minor: 40 },
    });
    const tokens = slots.flatMap(({ token }) => (token === undefined ? [] : [token]));
    t.match(
      tokens.find(({ isInitialised }) => isInitialised),
      {
        info: { label: "discovered", manufacturerID: "SoftHSM project" },
        uri: /^pkcs11:token=discovered;/,
        isLoginRequired: true,
        pin: "ok",
        signs: { ecdsa: true, rsaPss: true, rsaPkcs1: true },
      },
    );
    t.match(
      tokens.find(({ isInitialised }) => !isInitialised),
      { pin: "not initialised" },
    );
  });

  t.test("a wrong PIN shows as a low count", async (t) => {
    const backend = pkcs11Backend({ module, isolation: "inline" });
    await failure(backend.signer(`pkcs11:token=discovered;object=x?pin-value=${PIN}x`));
    await backend.close();
    const { slots } = await examineModule(module);
    t.match(slots.find(({ token }) => token?.isInitialised)?.token, { pin: "count low" });
  });

  t.test("a backend that may look for its module uses the one of the environment", async (t) => {
    process.env["PKCS11_PROVIDER_MODULE"] = module;
    t.teardown(() => delete process.env["PKCS11_PROVIDER_MODULE"]);
    const backend = pkcs11Backend({ discover: true, isolation: "inline" });
    for await (const { label } of backend.list("pkcs11:token=discovered")) t.equal(label, "discovered");
    t.match(await failure(backend.certificates("pkcs11:token=discovered;object=x")), {
      code: "OBJECT_NOT_FOUND",
    });
    t.match(await failure(backend.certificates("pkcs11:?module-name=nowhere")), { code: "MODULE_REQUIRED" });
    // Another module may know a token of the same name, and would get its PIN.
    process.env["PKCS11_MODULE_PATH"] = "/nowhere/module.so";
    t.teardown(() => delete process.env["PKCS11_MODULE_PATH"]);
    await using misspelt = pkcs11Backend({ discover: true, isolation: "inline" });
    t.match(await failure(misspelt.certificates("pkcs11:token=discovered;object=x")), {
      code: "MODULE_NOT_FOUND",
      message: /PKCS11_MODULE_PATH/,
    });
    await backend.close();
    t.equal((await failure(pkcs11Backend().certificates("pkcs11:token=discovered"))).code, "MODULE_REQUIRED");
  });
});

t.test("what is no module is told apart when it is examined", async (t) => {
  t.equal((await failure(examineModule("/nowhere.so"))).code, "MODULE_NOT_FOUND");
  t.equal((await failure(examineModule("/etc/passwd"))).code, "MODULE_NOT_PKCS11");
});

function manualExamples(): { engine: string; provider: string; skip: string | false } {
  const page = new URL("../../../../shared/seeds/000_a64eba340d91322c.txt", import.meta.url);
  if (!existsSync(page))
    return { engine: "", provider: "", skip: "the manual page is not beside the repository" };
  const text = readFileSync(page, "utf8");
  const examples = [...text.matchAll(/^openssl_conf = [^]*?(?=\n\n(?:Adjust|PKCS#11 module))/gm)].map(
    ([example]) => example,
  );
  return { engine: examples[0] ?? "", provider: examples[1] ?? "", skip: false };
}

function noOpenssl(): string | false {
  return spawnSync("openssl", ["version"]).status === 0 ? false : "openssl is not installed";
}
