import { execFileSync, spawnSync } from "node:child_process";
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CredentialError,
  type CredentialSource,
  certificatesFromPem,
  createResolver,
  type DocumentSource,
  type ErrorCode,
  type Signer,
  signatureSchemes,
  webCrypto,
} from "@ddscred/core";
import t, { type Test } from "tap";
import {
  type CheckOptions,
  check,
  configurationFromProperties,
  readCycloneConfiguration,
} from "../dist/index.js";
import { lacks, unpackDeployments } from "./support/shared.ts";

/** A secret that must turn up nowhere. */
const CANARY = "canary4711";
const crypto = webCrypto();
const at = new Date("2027-01-01T00:00:00Z");

type Files = Readonly<Record<string, Uint8Array | undefined>>;

/** A source of files in memory: `file:NAME`. Keys are EC P-256; one is encrypted where its PEM says so. */
function sourceOf(files: Files): CredentialSource & DocumentSource {
  const bytes = (uri: string) => {
    const found = files[uri.replace(/^file:/, "")];
    if (found === undefined) throw new CredentialError("FILE_NOT_FOUND", "there is no such file", { uri });
    return found;
  };
  return {
    name: "memory",
    schemes: ["file", "data"],
    certificates: async (uri) =>
      certificatesFromPem(uri.startsWith("data:,") ? uri.slice("data:,".length) : bytes(uri), { uri }),
    document: async (uri) => bytes(uri),
    signer: async (uri, options): Promise<Signer> => {
      const pem = Buffer.from(bytes(uri)).toString();
      if (pem.includes("ENCRYPTED") && options?.passphrase === undefined) {
        throw new CredentialError("PASSPHRASE_REQUIRED", "the key is encrypted");
      }
      const key = createPrivateKey({ key: pem, passphrase: options?.passphrase?.reveal() ?? "" });
      const publicKey = new Uint8Array(createPublicKey(key).export({ type: "spki", format: "der" }));
      const scheme = signatureSchemes.ecdsa_p256_sha256;
      return {
        publicKey,
        schemes: [scheme],
        extractable: true,
        sign: async (_, message) => sign("sha256", message, key),
      };
    },
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

/** What a configuration of Cyclone DDS earns, as `severity CODE`, and its findings. */
async function judged(
  text: string,
  files: Files = {},
  options: Partial<CheckOptions> = {},
  environment = {},
) {
  const [configuration] = readCycloneConfiguration(text, { file: "c.xml", environment });
  if (configuration === undefined) throw new Error("no configuration");
  const resolver = createResolver([sourceOf(files)], { crypto });
  const { findings } = await check(configuration, { resolver, crypto, at, ...options });
  if (JSON.stringify(findings).includes(CANARY)) throw new Error("the secret is shown");
  return { findings, said: findings.map(({ code, severity }) => `${severity} ${code}`) };
}

const names = {
  IdentityCA: "file:identity_ca.pem",
  IdentityCertificate: "file:alice.pem",
  PrivateKey: "file:alice.key.pem",
  PermissionsCA: "file:permissions_ca.pem",
  Governance: "file:governance.p7s",
  Permissions: "file:permissions_alice.p7s",
};
function configuration(values: Partial<typeof names> & { Password?: string } = {}): string {
  const all: Record<string, string> = { ...names, ...values };
  const group = (...elements: string[]) =>
    elements.map((name) => (all[name] === undefined ? "" : `\n<${name}>${all[name]}</${name}>`)).join("");
  return `<CycloneDDS><Domain Id="any"><Security>
<Authentication>${group("IdentityCA", "IdentityCertificate", "PrivateKey", "Password")}</Authentication>
<AccessControl>${group("PermissionsCA", "Governance", "Permissions")}</AccessControl>
</Security></Domain></CycloneDDS>`;
}

/** The findings of these codes among what a text earns without any file. */
async function only(
  codes: readonly ErrorCode[],
  text: string,
  options: Partial<CheckOptions>,
  environment = {},
) {
  const { findings } = await judged(text, {}, options, environment);
  return findings.filter(({ code }) => codes.includes(code)).map(({ code, message }) => `${code} ${message}`);
}

t.test("a PIN that stands in the file is told, one that a variable brings is not", async (t) => {
  const codes = ["PIN_EXPOSED", "PIN_INLINE"] as const;
  const token = "pkcs11:token=a;object=b";
  const environment = { PIN: CANARY, KEY: `${token}?pin-value=${CANARY}`, S: "pkcs11" };
  for (const [name, value, isInFile] of [
    ["literal", `${token}?pin-value=${CANARY}`, true],
    ["a variable", `${token}?pin-value=\${PIN}`, false],
    ["a variable with a message", `${token}?pin-value=\${PIN:?set it}`, false],
    ["a variable, before more", `${token}?pin-value=\${PIN}&amp;module-name=m`, false],
    ["the whole URI is a variable", "${KEY}", false],
    ["a variable of a default", `${token}?pin-value=\${X:-\${PIN}}`, false],
    ["a part is literal", `${token}?pin-value=\${PIN}${CANARY}`, true],
    ["a default", `${token}?pin-value=\${PIN:-${CANARY}}`, true],
    ["a default of the whole URI", `\${KEY:-${token}?pin-value=${CANARY}}`, true],
    ["an alternative", `\${KEY:+${token}?pin-value=${CANARY}}`, true],
    ["the scheme is a variable", `\${S}:token=a?pin-value=${CANARY}`, true],
    ["the scheme has a default", `\${S:-pkcs11}:token=a?pin-value=${CANARY}`, true],
    ["no URI", `pkcs11:token=%zz?pin-value=${CANARY}`, true],
    ["no URI, with a variable", "pkcs11:token=%zz?pin-value=${PIN}", false],
    ["no pin-value", `${token}?pin-source=file:/pin`, false],
  ] as const) {
    const text = configuration({ PrivateKey: value });
    const place = "stands in a file that other users may read (PrivateKey)";
    const exposed = await only(codes, text, { readableByOthers: true }, environment);
    t.same(exposed, isInFile ? [`PIN_EXPOSED a PIN ${place}`] : [], `${name}, exposed`);
    const closed = await only(codes, text, {}, environment);
    const inline = "PIN_INLINE a PIN stands in the configuration (PrivateKey)";
    t.same(closed, isInFile ? [inline] : [], `${name}, closed`);
  }
});

t.test("a passphrase or a private key in a configuration that others may read is an error", async (t) => {
  const codes = ["SECRET_EXPOSED"] as const;
  const key = (label: string) => `data:,-----BEGIN ${label}-----\n${CANARY}\n-----END ${label}-----\n`;
  const environment = { PASS: CANARY, PEM: key("PRIVATE KEY") };
  for (const [name, values, told] of [
    ["a passphrase", { Password: CANARY }, "the passphrase of the private key"],
    ["a default", { Password: `\${PASS:-${CANARY}}` }, "the passphrase of the private key"],
    ["a passphrase by variable", { Password: "${PASS}" }, undefined],
    ["a key", { PrivateKey: key("PRIVATE KEY") }, "the private key"],
    ["a key by variable", { PrivateKey: "data:,${PEM}" }, undefined],
    ["a key that is encrypted", { PrivateKey: key("ENCRYPTED PRIVATE KEY") }, undefined],
    ["a certificate", { IdentityCertificate: key("CERTIFICATE") }, undefined],
  ] as const) {
    const text = configuration(values);
    const wanted = (may: string) =>
      told === undefined ? [] : [`SECRET_EXPOSED ${told} stands in a file that other users may ${may}`];
    t.same(await only(codes, text, { readableByOthers: true }, environment), wanted("read"), name);
    t.same(await only(codes, text, { writableByOthers: true }, environment), wanted("change"), name);
    t.same(await only(codes, text, {}, environment), [], `${name}, closed`);
  }
});

t.test("without a Security section nothing else is missing", async (t) => {
  const { findings, said } = await judged("<CycloneDDS><Domain/></CycloneDDS>");
  t.same(said, ["error SECURITY_MISSING"]);
  t.match(findings, [{ location: { line: 1 } }]);
});

t.test("one variable is told once, with the number of its places", async (t) => {
  const unset = configuration({ IdentityCA: "file:${A}", PrivateKey: "file:${A}", Governance: "file:${B}" });
  const { findings } = await judged(unset);
  t.match(
    findings.filter(({ code }) => code === "VARIABLE_UNDEFINED"),
    [
      { message: "the variable A is not set (also in 1 more place)", location: { line: 3 } },
      { message: "the variable B is not set" },
    ],
  );
});

t.test("a PEM text that is indented in the XML is called that", async (t) => {
  const pem = "data:,-----BEGIN CERTIFICATE-----\n  MAA=\n  -----END CERTIFICATE-----";
  const { findings } = await judged(configuration({ IdentityCA: pem }));
  const finding = findings.find(({ code }) => code === "PEM_INVALID");
  t.match(finding, { property: "dds.sec.auth.identity_ca", hint: /first column/ });
});

const skip = lacks("vectors/deployments.tar.gz");
const openssl = spawnSync("openssl", ["version"]).status === 0;

t.test("deployments with real keys", { skip }, async (t) => {
  const { read, remove } = unpackDeployments();
  t.teardown(remove);
  const file = (name: string) => read(`ec/${name}`);
  const files: Files = Object.fromEntries(
    [...Object.values(names).map((uri) => uri.slice("file:".length)), "bob.pem", "bob.key.pem"].map(
      (name) => [name, file(name)],
    ),
  );
  const joined = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

  await t.test("the deployment is good", async (t) => {
    t.same((await judged(configuration(), files)).said, []);
  });

  await t.test("others who may read an unencrypted key file are told of", async (t) => {
    const judge = async (exposure: object | undefined, text = configuration(), more: Files = {}) =>
      (await judged(text, { ...files, ...more }, { exposure: async () => exposure })).said;
    t.same(await judge({ readableByOthers: true }), ["warning KEY_EXPOSED"]);
    t.same(await judge({ writableByOthers: true }), ["warning KEY_EXPOSED"]);
    t.same(await judge({ readableByOthers: false }), []);
    t.same(await judge(undefined), []);
    const withPassword = configuration({ Password: CANARY });
    t.same(await judge({ readableByOthers: true }, withPassword), ["warning KEY_EXPOSED"], "not encrypted");
    const key = createPrivateKey(Buffer.from(file("alice.key.pem")).toString());
    const pem = key.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: CANARY });
    const encrypted = { "alice.key.pem": new Uint8Array(Buffer.from(pem)) };
    t.same(await judge({ readableByOthers: true }, withPassword, encrypted), [], "encrypted");
  });

  await t.test("the permissions CA is validated", async (t) => {
    const expired = await judged(configuration(), files, { at: new Date("2199-01-01T00:00:00Z") });
    t.match(
      expired.findings.find(({ property }) => property === "dds.sec.access.permissions_ca"),
      { code: "CERTIFICATE_EXPIRED", location: { line: 7 } },
    );
    const der = Buffer.from(file("permissions_ca.pem")).toString().split("\n");
    const body = Buffer.from(der.filter((line) => !line.startsWith("-----")).join(""), "base64");
    body[body.length - 3] = (body.at(-3) ?? 0) ^ 1;
    const altered = `-----BEGIN CERTIFICATE-----\n${body.toString("base64")}\n-----END CERTIFICATE-----\n`;
    const { findings } = await judged(configuration(), {
      ...files,
      "permissions_ca.pem": new Uint8Array(Buffer.from(altered)),
    });
    t.match(findings, [{ code: "SIGNATURE_INVALID", property: "dds.sec.access.permissions_ca" }]);
  });

  await t.test("a participant that holds the key of a CA is told of", async (t) => {
    const own = configuration({ PermissionsCA: "file:alice.pem" });
    const { findings } = await judged(own, files);
    t.match(
      findings.find(({ code }) => code === "CA_SHARED"),
      { severity: "warning", property: "dds.sec.access.permissions_ca", location: { line: 7 } },
    );
    const itself = configuration({ IdentityCertificate: "file:identity_ca.pem" });
    t.match(
      (await judged(itself, files)).findings.find(({ code }) => code === "CA_SHARED"),
      { severity: "warning", property: "dds.sec.auth.identity_certificate" },
    );
  });

  await t.test("Cyclone DDS reads the first CA of the file only", async (t) => {
    const [first, second] = [file("identity_ca.pem"), file("permissions_ca.pem")];
    const judge = async (pem: Uint8Array) =>
      (await judged(configuration(), { ...files, "identity_ca.pem": pem })).findings.filter(
        ({ code }) => code !== "CA_SHARED",
      );
    t.match(await judge(joined(second, first)), [
      { code: "PEER_DIFFERS", peers: ["cyclonedds"], property: "dds.sec.auth.identity_ca" },
    ]);
    t.same(await judge(joined(first, second)), []);
  });

  await t.test("a domain that no rule covers has its place in both files", async (t) => {
    const { findings } = await judged(configuration(), files, { domain: 4_000_000 });
    t.match(findings, [
      {
        code: "DOMAIN_NOT_COVERED",
        property: "dds.sec.access.governance",
        uri: "file:governance.p7s",
        location: { file: "c.xml", line: 8 },
        target: { file: "governance.p7s", line: Number },
      },
      { code: "DOMAIN_NOT_COVERED", target: { file: "permissions_alice.p7s", line: Number } },
    ]);
  });

  /** The permissions signed again by openssl, after an edit. */
  const signed = (edit: (xml: string) => string, ...options: readonly string[]) => {
    const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
    try {
      const put = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, name), content);
      put("ca.pem", file("permissions_ca.pem"));
      put("ca.key", file("permissions_ca.key.pem"));
      const document = Buffer.from(file("permissions_alice.p7s")).toString();
      put("x.xml", edit(/<\?xml[^]*<\/dds>/.exec(document)?.[0] ?? ""));
      const key = ["-signer", "ca.pem", "-inkey", "ca.key"];
      const where = ["-in", "x.xml", "-out", "x.p7s"];
      execFileSync("openssl", ["cms", "-sign", "-text", ...where, ...key, ...options], { cwd: folder });
      return new Uint8Array(readFileSync(join(folder, "x.p7s")));
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const needsOpenssl = openssl ? false : "openssl is not installed";

  await t.test("signatures that implementations do not accept", { skip: needsOpenssl }, async (t) => {
    const judge = async (document: Uint8Array) =>
      (await judged(configuration(), { ...files, "permissions_alice.p7s": document })).findings;
    const same = (xml: string) => xml;
    t.same(await judge(signed(same)), []);
    const differs = {
      code: "PEER_DIFFERS",
      peers: ["cyclonedds", "fastdds"],
      property: "dds.sec.access.permissions",
    };
    t.match(await judge(signed(same, "-keyid")), [{ ...differs, message: /key identifier/ }]);
    const twice = signed(same, "-nocerts", "-signer", "ca.pem", "-inkey", "ca.key");
    t.same(await judge(twice), [], "two signatures, both by the CA");
  });

  await t.test("a grant that allows nothing is told of", { skip: needsOpenssl }, async (t) => {
    const judge = async (rules: string, options: Partial<CheckOptions> = {}) => {
      const edit = (xml: string) => xml.replace(/<\/validity>[^]*?<\/grant>/, `</validity>${rules}</grant>`);
      const document = signed(edit);
      return await judged(configuration(), { ...files, "permissions_alice.p7s": document }, options);
    };
    const nothing = ["warning GRANT_ALLOWS_NOTHING"];
    for (const [name, rules, said, domain] of [
      ["no rule", DENY, nothing, undefined],
      ["no rule, ALLOW", ALLOW, [], undefined],
      ["an allow rule", rule("allow", ANY) + DENY, [], undefined],
      ["denied before", rule("deny", ANY) + rule("allow", ANY) + DENY, nothing, undefined],
      ["denied before, ALLOW", rule("deny", ANY) + ALLOW, nothing, 0],
      ["denied after", rule("allow", ANY) + rule("deny", ANY) + DENY, [], 0],
      ["denied elsewhere", rule("deny", "<id>1</id>") + rule("allow", ANY) + DENY, [], undefined],
      ["denied here", rule("deny", "<id>1</id>") + rule("allow", ANY) + DENY, nothing, 1],
      ["partly denied", rule("deny", ANY, "Square") + rule("allow", ANY) + DENY, [], 0],
      [
        "denied in pieces",
        rule("deny", LOW) + rule("deny", HIGH) + rule("allow", ANY) + DENY,
        nothing,
        undefined,
      ],
      ["far domains", rule("deny", LOW) + rule("allow", "<id>5000</id>") + DENY, [], undefined],
      ["no rule here", rule("allow", "<id>1</id>") + DENY, ["error DOMAIN_NOT_COVERED"], 0],
    ] as const) {
      const { findings } = await judge(rules, domain === undefined ? {} : { domain });
      const told = findings.filter(
        ({ code }) => code === "GRANT_ALLOWS_NOTHING" || code === "DOMAIN_NOT_COVERED",
      );
      t.same(
        told.map(({ severity, code }) => `${severity} ${code}`),
        said,
        name,
      );
    }
    const { findings } = await judge(DENY);
    t.match(findings, [{ location: { file: "c.xml", line: 9 }, target: { file: "permissions_alice.p7s" } }]);
  });
});

const DENY = "<default>DENY</default>";
const ALLOW = "<default>ALLOW</default>";
const ANY = "<id_range><min>0</min></id_range>";
const LOW = "<id_range><max>100</max></id_range>";
const HIGH = "<id_range><min>101</min></id_range>";
function rule(action: "allow" | "deny", domains: string, topic = "*"): string {
  const topics = `<topics><topic>${topic}</topic></topics>`;
  return `<${action}_rule><domains>${domains}</domains><publish>${topics}</publish><subscribe>${topics}</subscribe></${action}_rule>`;
}

t.test("a property list is judged too: what stands in it is a secret of its caller", async (t: Test) => {
  const resolver = createResolver([sourceOf({})], { crypto });
  const entries = [{ name: "private_key", value: `pkcs11:token=a?pin-value=${CANARY}` }];
  const { findings } = await check(configurationFromProperties(entries), { resolver, crypto, at });
  t.ok(findings.some(({ code }) => code === "PIN_INLINE"));
  t.notMatch(JSON.stringify(findings), CANARY);
});
