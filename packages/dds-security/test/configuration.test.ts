import { inspect } from "node:util";
import { CredentialError } from "@ddscred/core";
import * as fc from "fast-check";
import t from "tap";
import {
  type Configuration,
  type CycloneOptions,
  configurationFromProperties,
  type Finding,
  readCycloneConfiguration,
  type SecurityProperty,
  securityProperties,
} from "../dist/index.js";
import { lacks, sharedText } from "./support/shared.ts";

/** A PIN that must turn up nowhere. */
const CANARY = "canary-8264";

const read = (text: string | Uint8Array, options: Partial<CycloneOptions> = {}) =>
  readCycloneConfiguration(text, { environment: {}, ...options });

function readOne(text: string, options: Partial<CycloneOptions> = {}): Configuration {
  const [configuration, ...others] = read(text, options);
  if (configuration === undefined || others.length > 0) throw new Error("not exactly one configuration");
  return configuration;
}

function refusal(text: string | Uint8Array, options: Partial<CycloneOptions> = {}): CredentialError {
  try {
    read(text, options);
  } catch (error) {
    if (error instanceof CredentialError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

/** A section in which everything required is set, with more in it. */
const section = (authentication = "", accessControl = "", rest = "") => `
<Security>
<Authentication>
<IdentityCertificate>file:cert.pem</IdentityCertificate>
<IdentityCA>file:ca.pem</IdentityCA>
<PrivateKey>file:key.pem</PrivateKey>${authentication}
</Authentication>
<AccessControl>
<PermissionsCA>file:pca.pem</PermissionsCA>
<Governance>file:g.p7s</Governance>
<Permissions>file:p.p7s</Permissions>${accessControl}
</AccessControl>${rest}
</Security>`;
const inDomain = (content: string, id = "") => `<CycloneDDS><Domain${id}>${content}</Domain></CycloneDDS>`;
const said = (findings: readonly Finding[]) => findings.map(({ code, severity }) => `${severity} ${code}`);

const page = "seeds/000_a64eba340d91322c.txt";
t.test("the example of the manual is read with the place of each value", { skip: lacks(page) }, async (t) => {
  const text = sharedText(page);
  const end = "</CycloneDDS>";
  const xml = text.slice(text.indexOf("<?xml"), text.indexOf(end) + end.length);
  const { properties, ...rest } = readOne(xml, { file: "cyclonedds.xml" });
  t.strictSame(rest, {
    form: "cyclonedds",
    source: "cyclonedds.xml",
    file: "cyclonedds.xml",
    domain: "any",
    settings: new Map(),
    findings: [],
  });
  const token = "pkcs11:token=DDSTestToken;object=";
  const expected: [SecurityProperty, string, number, number][] = [
    ["dds.sec.auth.identity_certificate", `${token}alice_cert?pin-value=1234`, 6, 38],
    ["dds.sec.auth.identity_ca", "file:identity_ca_cert.pem", 7, 29],
    ["dds.sec.auth.private_key", `${token}alice_key;type=private?pin-value=1234`, 8, 29],
    ["dds.sec.access.permissions_ca", `${token}permissions_ca?pin-value=1234`, 11, 32],
    ["dds.sec.access.governance", "file:governance.p7s", 12, 29],
    ["dds.sec.access.permissions", "file:permissions.p7s", 13, 30],
  ];
  t.equal(properties.size, expected.length);
  for (const [property, value, line, column] of expected) {
    const location = { file: "cyclonedds.xml", line, column };
    t.strictSame(properties.get(property), { value, written: value, location }, property);
  }
});

t.test("every element and attribute of the Security section is known", async (t) => {
  const more = `
<Library path="libauth" initFunction="init" finalizeFunction="fini"/>
<Password>secret</Password><TrustedCADirectory>/etc/cas</TrustedCADirectory>
<IncludeOptionalFields>true</IncludeOptionalFields>`;
  const rest = '<Cryptographic><Library path="libcrypto"/></Cryptographic>';
  const configuration = readOne(inDomain(section(more, '<Library initFunction="ac"/>', rest)));
  t.strictSame(configuration.findings, []);
  t.equal(configuration.password?.value.reveal(), "secret");
  t.match(configuration.password?.location, { line: 8, column: 11 });
  t.equal(configuration.properties.get("dds.sec.auth.trusted_ca_dir")?.value, "/etc/cas");
  t.strictSame([...configuration.settings].map(([name, { value }]) => `${name}=${value}`).sort(), [
    "dds.sec.access.library.init=ac",
    "dds.sec.auth.library.finalize=fini",
    "dds.sec.auth.library.init=init",
    "dds.sec.auth.library.path=libauth",
    "dds.sec.crypto.library.path=libcrypto",
    "org.eclipse.cyclonedds.sec.auth.include_optional_fields=true",
  ]);
});

t.test("names are compared without regard to case", async (t) => {
  const text = inDomain(section("<crl>file:crl.pem</crl>"), ' ID="ANY"').replaceAll(
    /<(\/?)(Security|PrivateKey|CycloneDDS|Domain)\b/g,
    (_, slash: string, name: string) => `<${slash}${name.toUpperCase()}`,
  );
  const { findings, properties } = readOne(text);
  t.strictSame(findings, []);
  t.equal(properties.get("dds.sec.auth.private_key")?.value, "file:key.pem");
  t.equal(properties.get("org.eclipse.cyclonedds.sec.auth.crl")?.value, "file:crl.pem");
});

t.test("what Cyclone DDS does not accept in the section is an error with its place", async (t) => {
  const rows: [string, string, RegExp][] = [
    ["an unknown element", "\n<PrivatKey>x</PrivatKey>", /element PrivatKey is unknown in <Authentication>/],
    ["an unknown attribute", '\n<CRL kind="x">file:c</CRL>', /attribute kind is unknown in <CRL>/],
    ["an unknown attribute of a library", '\n<Library file="x"/>', /attribute file is unknown/],
    ["an element twice", "\n<IdentityCA>file:b.pem</IdentityCA>", /<IdentityCA> stands twice/],
    ["text among elements", "\nhello", /text in <Authentication>/],
    ["an element in a value", "\n<CRL><b/>file:x</CRL>", /element b is unknown in <CRL>/],
    ["a flag that is none", "\n<IncludeOptionalFields>1</IncludeOptionalFields>", /neither true nor false/],
  ];
  for (const [name, content, message] of rows) {
    const { findings, properties } = readOne(inDomain(section(content)));
    t.match(
      findings,
      [{ code: "CONFIG_INVALID", severity: "error", message, location: { line: Number } }],
      name,
    );
    t.equal(findings.length, 1, name);
    t.equal(properties.get("dds.sec.auth.identity_ca")?.value, "file:ca.pem", "the first one counts");
  }
  const [unknown] = readOne(inDomain(section("\n<PrivatKey>x</PrivatKey>"))).findings;
  t.equal(unknown?.candidates?.[0], "PrivateKey", "the nearest name is offered");
});

t.test("what is required and not there is named", async (t) => {
  const without = (element: string, instead: string) =>
    readOne(inDomain(section().replace(new RegExp(`<${element}>.*</${element}>`), instead)));
  for (const { element, property, required } of securityProperties) {
    if (required === "never") continue;
    for (const instead of ["", `<${element}/>`, `<${element}>  </${element}>`]) {
      const { findings } = without(element, instead);
      t.match(findings, [{ code: "PROPERTY_MISSING", severity: "error", property }], `${element} ${instead}`);
      t.equal(findings.length, 1);
    }
  }
  const none = readOne(inDomain("<Security/>")).findings;
  t.strictSame(
    said(none),
    Array.from({ length: 6 }, () => "error PROPERTY_MISSING"),
  );
});

t.test("an empty element that is not required is one that is not there", async (t) => {
  const empty =
    "<Library path=''/><Password/><TrustedCADirectory> </TrustedCADirectory><CRL/><IncludeOptionalFields/>";
  const { findings, properties, settings, password } = readOne(inDomain(section(empty)));
  t.strictSame([findings, properties.size, settings.size, password], [[], 6, 0, undefined]);
});

t.test("CRL and TrustedCADirectory exclude each other", async (t) => {
  const both = "<CRL>file:c.pem</CRL><TrustedCADirectory>/cas</TrustedCADirectory>";
  t.match(readOne(inDomain(section(both))).findings, [
    { code: "PROPERTY_CONFLICT", severity: "error", peers: ["cyclonedds"], location: { line: 6 } },
  ]);
});

t.test("variables are expanded, and both forms are kept", async (t) => {
  const environment = { KEYS: "/keys", CYCLONEDDS_URI: "x" };
  const crl = "<CRL>file:${KEYS}/${CYCLONEDDS_DOMAIN_ID}/${CYCLONEDDS_PID}-${$}.crl</CRL>";
  const { properties, findings } = readOne(inDomain(section(crl)), { environment, domain: 7, processId: 42 });
  t.strictSame(findings, []);
  t.match(properties.get("org.eclipse.cyclonedds.sec.auth.crl"), {
    value: "file:/keys/7/42-42.crl",
    written: "file:${KEYS}/${CYCLONEDDS_DOMAIN_ID}/${CYCLONEDDS_PID}-${$}.crl",
  });
  const own = { environment: { CYCLONEDDS_DOMAIN_ID: "own" }, domain: 7 };
  const value = readOne(inDomain(section("<CRL>file:${CYCLONEDDS_DOMAIN_ID}</CRL>")), own).properties.get(
    "org.eclipse.cyclonedds.sec.auth.crl",
  )?.value;
  t.equal(value, "file:own", "the environment goes first");
});

t.test("a variable that is not set is an error that names it and its place", async (t) => {
  const property = "org.eclipse.cyclonedds.sec.auth.crl";
  const text = inDomain(section("\n<CRL>\n  pkcs11:object=a&amp;b=${TOKEN}${TOKEN}</CRL>"));
  const { findings, properties } = readOne(text, { file: "c.xml" });
  t.match(findings, [
    {
      code: "VARIABLE_UNDEFINED",
      severity: "error",
      property,
      message: "the variable TOKEN is not set",
      location: { file: "c.xml", line: 8, column: 25 },
    },
  ]);
  t.equal(findings.length, 1, "once for each variable");
  t.equal(properties.get(property)?.value, "pkcs11:object=a&b=", "what Cyclone DDS would read");
  for (const name of ["constructor", "__proto__", "toString"]) {
    t.strictSame(said(readOne(inDomain(section(`<CRL>\${${name}}</CRL>`))).findings), [
      "error VARIABLE_UNDEFINED",
    ]);
  }
});

t.test("a value that cannot be expanded is an error, and is not missing besides", async (t) => {
  const withKey = (key: string) => readOne(inDomain(section().replace("file:key.pem", key)));
  t.match(withKey("${KEY:?give a key}"), {
    findings: [{ code: "VARIABLE_UNDEFINED", message: "the variable KEY must be set: give a key" }],
  });
  for (const key of [
    "${KEY",
    "${KEY:=x}",
    `${"${X:-".repeat(20)}v${"}".repeat(20)}`,
    "${KEY:?no}",
    "${KEY}",
  ]) {
    const { findings, properties } = withKey(key);
    t.equal(findings.length, 1, key);
    t.match(
      findings,
      [{ severity: "error", property: "dds.sec.auth.private_key", location: { line: 6 } }],
      key,
    );
    t.notOk(properties.has("dds.sec.auth.private_key"), key);
  }
});

t.test("a domain uses the first section that applies to it", async (t) => {
  const domain = (id: string, key: string) =>
    `<Domain Id="${id}">${section().replace("file:key.pem", `file:${key}`)}</Domain>`;
  const keys = (text: string, options: Partial<CycloneOptions> = {}) =>
    read(`<CycloneDDS>${text}</CycloneDDS>`, options).map(
      ({ domain, properties }) => `${domain} ${properties.get("dds.sec.auth.private_key")?.value}`,
    );
  const several = domain("1", "one") + domain("2", "two") + domain("any", "any") + domain("3", "three");
  t.strictSame(keys(several), ["1 file:one", "2 file:two", "any file:any"]);
  t.strictSame(keys(several, { domain: 2 }), ["2 file:two"]);
  t.strictSame(keys(several, { domain: 3 }), ["any file:any"]);
  t.strictSame(keys(domain("${ID}", "own"), { environment: { ID: "5" } }), ["5 file:own"]);
  const twice = readOne(inDomain(section() + section()));
  t.strictSame(said(twice.findings), ["warning CONFIG_INVALID"]);
  t.match(twice.findings[0]?.location, { line: 14, column: 1 });
  for (const id of ["x", "-1", "4294967295", "1.5", ""]) {
    t.match(readOne(inDomain(section(), ` Id="${id}"`)).findings, [{ code: "CONFIG_INVALID" }], `Id ${id}`);
  }
});

t.test("a configuration without Security section says so", async (t) => {
  const missing = (text: string, domain?: number) =>
    readOne(text, domain === undefined ? {} : { domain }).findings;
  for (const text of ["<CycloneDDS/>", inDomain("<General/>"), inDomain("<!-- <Security/> -->")]) {
    t.strictSame(said(missing(text)), ["error SECURITY_MISSING"], text);
  }
  t.match(missing(inDomain(section(), ' Id="1"'), 2), [
    { code: "SECURITY_MISSING", message: "there is no Security section for domain 2" },
  ]);
});

t.test("older forms are read, with a warning", async (t) => {
  const old = section().replaceAll("Security>", "DDSSecurity>");
  for (const text of [
    inDomain(old),
    `<CycloneDDS>${old}</CycloneDDS>`,
    inDomain(`<Id>any</Id>${section()}`),
  ]) {
    const { findings, properties } = readOne(text);
    t.strictSame(said(findings), ["warning CONFIG_INVALID"]);
    t.equal(properties.size, 6);
  }
});

t.test("the short forms are for inline text: a file has CycloneDDS as its root", async (t) => {
  for (const text of [`<Domain>${section()}</Domain>`, section().trim()]) {
    t.strictSame(readOne(text).findings, []);
    t.strictSame(said(readOne(text, { file: "c.xml" }).findings), ["error CONFIG_INVALID"]);
  }
});

t.test("what is something else is called by its name", async (t) => {
  const rows: [string | Uint8Array, string][] = [
    ["", "an empty text"],
    ["  \n", "an empty text"],
    ["MIME-Version: 1.0\nContent-Type: multipart/signed", "an S/MIME document"],
    ["-----BEGIN CERTIFICATE-----\nMIIB", "PEM"],
    [Uint8Array.of(0x30, 0x82, 1, 2), "DER"],
    ["pkcs11:token=x", "a URI"],
    ["openssl_conf = openssl_init", "a configuration of OpenSSL"],
    ['{"a": 1}', "JSON"],
    ["hello", "a text that does not begin with <"],
    ["<dds><domain_access_rules/></dds>", "a governance document"],
    ["<dds><permissions/></dds>", "a permissions document"],
    ["<dds xmlns='http://www.eprosima.com'><profiles/></dds>", "a Fast DDS profile"],
    ["<profiles/>", "a Fast DDS profile"],
    ["<policy/>", "an SROS 2 policy"],
    ["<html/>", "XML with the root element html"],
  ];
  for (const [text, what] of rows) {
    t.match(refusal(text, { file: "f" }), {
      code: "CONFIG_INVALID",
      message: `this is no Cyclone DDS configuration but ${what}`,
      location: { file: "f", line: 1, column: 1 },
    });
  }
});

t.test("XML that does not parse is refused with its place", async (t) => {
  t.match(refusal("<CycloneDDS>\n<Domain></CycloneDDS>", { file: "c.xml" }), {
    code: "XML_INVALID",
    location: { file: "c.xml", line: 2 },
  });
  t.equal(
    readOne(`<!DOCTYPE CycloneDDS>${inDomain(section())}`).properties.size,
    6,
    "a plain DOCTYPE passes",
  );
  t.equal(refusal("\u00ff\u00fe<\0", {}).code, "XML_INVALID");
});

t.test("wrong arguments are a TypeError", async (t) => {
  const call = readCycloneConfiguration as (...values: unknown[]) => unknown;
  t.throws(() => call(7, { environment: {} }), TypeError);
  t.throws(() => call("<a/>", { environment: null }), TypeError);
  for (const domain of [-1, 1.5, 0xffffffff, "1"])
    t.throws(() => call("<a/>", { environment: {}, domain }), TypeError);
});

t.test("hostile configurations are judged in linear time, by CredentialError at most", async (t) => {
  const many = (count: number, piece: (index: number) => string) =>
    Array.from({ length: count }, (_, i) => piece(i));
  const texts: Record<string, string> = {
    "unknown elements": inDomain(section(many(100_000, (i) => `<x${i}/>`).join(""))),
    "the same element": inDomain(section("<CRL/>".repeat(100_000))),
    "unset variables": inDomain(section(`<CRL>${many(100_000, (i) => `\${V${i}}`).join("")}</CRL>`)),
    domains: `<CycloneDDS>${many(50_000, (i) => `<Domain Id="${i}"><Security/></Domain>`).join("")}</CycloneDDS>`,
    sections: inDomain("<Security/>".repeat(100_000)),
  };
  for (const [name, text] of Object.entries(texts)) {
    const start = performance.now();
    try {
      read(text);
    } catch (error) {
      t.type(error, CredentialError, name);
    }
    const time = performance.now() - start;
    t.ok(time < 20_000, `${name}: ${time.toFixed(0)} ms`);
  }
  const piece = fc.constantFrom(
    "<Security>",
    "</Security>",
    "<Domain Id='",
    "'>",
    "<CRL>",
    "${",
    "}",
    "&",
    "x",
  );
  const text = fc.array(piece).map((pieces) => `<CycloneDDS>${pieces.join("")}</CycloneDDS>`);
  fc.assert(
    fc.property(fc.oneof(fc.string(), text), (written) => {
      try {
        return read(written).length > 0;
      } catch (error) {
        return error instanceof CredentialError;
      }
    }),
    { numRuns: 2000 },
  );
});

t.test("no PIN and no password is in a finding, or in what is printed of the password", async (t) => {
  const uri = `pkcs11:token=x?pin-value=${CANARY}`;
  const texts = [
    inDomain(section(`<Password>${CANARY}</Password><CRL x="${CANARY}">${uri}</CRL>`)),
    inDomain(section(`<Password>\${X:?${CANARY}}</Password>`)),
    inDomain(section(`<Password>\${X${CANARY}</Password>`)),
    inDomain(section(`<CRL>${uri}\${X}</CRL><CRL>${uri}</CRL>`)),
    inDomain(section(`<CRL>\${X:?${uri}}</CRL>`)),
    inDomain(section(`<IncludeOptionalFields>${CANARY}</IncludeOptionalFields>${CANARY}`)),
  ];
  for (const text of texts) {
    for (const { findings, password } of read(text)) {
      t.ok(findings.length > 0);
      t.notMatch(JSON.stringify(findings) + inspect(findings, { depth: 9 }), CANARY);
      t.notMatch(JSON.stringify(password) + inspect(password, { depth: 9 }), CANARY);
    }
  }
  for (const text of [`<CycloneDDS><Password>${CANARY}&${CANARY}`, `<CycloneDDS>${CANARY}`, CANARY]) {
    const error = refusal(text);
    t.notMatch(JSON.stringify(error) + inspect(error), CANARY);
  }
});

t.test("a property goes by any of its names", async (t) => {
  const names = [
    "private_key",
    "dds.sec.auth.private_key",
    "PrivateKey",
    "dds.sec.auth.builtin.PKI-DH.private_key",
  ];
  for (const name of names) {
    const { properties } = configurationFromProperties([{ name, value: "file:key.pem" }]);
    t.strictSame(
      [...properties],
      [["dds.sec.auth.private_key", { value: "file:key.pem", written: "file:key.pem" }]],
    );
  }
  const crl = configurationFromProperties([
    { name: "dds.sec.auth.builtin.PKI-DH.identity_crl", value: "file:${X}" },
  ]);
  t.equal(
    crl.properties.get("org.eclipse.cyclonedds.sec.auth.crl")?.value,
    "file:${X}",
    "nothing is expanded",
  );
});

t.test("properties make the same configuration as XML", async (t) => {
  const entries = [...readOne(inDomain(section())).properties].map(([name, { value }]) => ({ name, value }));
  const configuration = configurationFromProperties([...entries, { name: "password", value: CANARY }]);
  t.strictSame(configuration.findings, []);
  t.equal(configuration.properties.size, 6);
  t.equal(configuration.domain, undefined);
  t.equal(configuration.password?.value.reveal(), CANARY);
  t.notMatch(inspect(configuration, { depth: 9 }), CANARY);
});

t.test("an unknown property is an error that offers the nearest names", async (t) => {
  const { findings } = configurationFromProperties([{ name: "dds.sec.auth.privat_key", value: CANARY }]);
  t.match(findings[0], { code: "CONFIG_INVALID", severity: "error" });
  t.equal(findings[0]?.candidates?.[0], "dds.sec.auth.private_key");
  t.notMatch(JSON.stringify(findings), CANARY);
});

t.test("of a property given twice the first counts, and that is an error", async (t) => {
  const { findings, properties } = configurationFromProperties([
    { name: "IdentityCA", value: "file:a" },
    { name: "identity_ca", value: "file:b" },
  ]);
  t.match(findings[0], { code: "CONFIG_INVALID", property: "dds.sec.auth.identity_ca" });
  t.equal(properties.get("dds.sec.auth.identity_ca")?.value, "file:a");
});

t.test("settings that name no credential are kept apart", async (t) => {
  const name = "dds.sec.auth.library.path";
  t.equal(configurationFromProperties([{ name, value: "x" }]).settings.get(name)?.value, "x");
});

t.test("nothing is quoted that may be a secret in the wrong place", async (t) => {
  const hidden = (findings: readonly Finding[], name: string) => {
    t.ok(findings.length > 0, `${name}: ${findings[0]?.message}`);
    t.notMatch(inspect(findings, { depth: 9 }), /canary/, name);
  };
  for (const name of [
    `data:,${CANARY}`,
    `password:${CANARY}`,
    `${CANARY} x`,
    `canary${"A".repeat(30)}`,
    "canary\n",
  ]) {
    const { findings } = configurationFromProperties([{ name, value: "x" }]);
    hidden(
      findings.filter(({ code }) => code === "CONFIG_INVALID"),
      name,
    );
  }
  for (const [element, text] of [
    ["Password", "ab${canary}cd"],
    ["Password", "${canary:?canary}"],
    ["Password", "ab<canary/>"],
    ["PrivateKey", "pkcs11:token=a?pin-value=12${canary}"],
    ["PrivateKey", "pkcs11:token=a?pin-value=${X:-12${canary}}"],
    ["PrivateKey", "${canary-8264}"],
    ["PrivateKey", `\${canary${"A".repeat(30)}}`],
    ["PrivateKey", "pkcs11:token=${X:?pkcs11:?pin-value=canary}"],
  ] as const) {
    const value = `<${element}>${text}</${element}>`;
    const own =
      element === "Password" ? section(value) : section().replace(/<PrivateKey>.*<\/PrivateKey>/, value);
    hidden(readOne(inDomain(own)).findings, text);
  }
  const attribute = section('<Password canary="x">a</Password>');
  hidden(readOne(inDomain(attribute)).findings, "an attribute");
});

t.test("the name of a variable that is the whole PIN is told", async (t) => {
  const pin = section().replace("file:key.pem", "pkcs11:token=a?pin-value=${PIN}");
  t.match(readOne(inDomain(pin)).findings, [{ message: "the variable PIN is not set" }]);
  const password = readOne(inDomain(section("<Password>${PASS}</Password>"))).findings;
  t.match(password, [{ message: "a variable in Password is not set" }], "a passphrase is never taken apart");
});

t.test("a password is told from one that a variable brings", async (t) => {
  const literal = (text: string) =>
    readOne(inDomain(section(`<Password>${text}</Password>`)), { environment: { P: "x" } }).password?.literal;
  t.equal(literal("x"), true);
  t.equal(literal("${P}"), false);
  t.equal(literal("${P}x"), true);
  t.equal(literal("${Q:-x}"), true);
  t.equal(literal("${Q:-${P}}"), false);
});

t.test("however much is wrong, two hundred findings and their number are told", async (t) => {
  const many = 20_000;
  const outdated = "<Id>any</Id>".repeat(many);
  const domains = [1, 2, 3].map((id) => `<Domain Id="${id}">${section()}</Domain>`).join("");
  const [first, ...others] = read(`<CycloneDDS><Domain>${outdated}</Domain>${domains}</CycloneDDS>`);
  t.equal(first?.findings.length, 201);
  t.match(first?.findings.at(-1), { severity: "warning", message: `and ${many - 200} more findings` });
  t.same(
    others.map(({ findings }) => findings),
    [[], []],
    "what concerns the whole text is told once",
  );
  for (const content of ["<IdentityCA/>".repeat(many), "<x/>".repeat(many)]) {
    const { findings } = readOne(inDomain(section(content)));
    t.match(findings.at(-1), { severity: "error", message: `and ${many - 200} more findings` });
  }
  const entries = Array.from({ length: many }, (_, index) => ({ name: `x${index}`, value: "" }));
  t.ok(configurationFromProperties(entries).findings.length < 220);
});

t.test("time is linear in a value with many variables, and in one that is nested", async (t) => {
  const long = "x".repeat(8 * 1024 * 1024);
  const unset = Array.from({ length: 100 }, (_, index) => `\${V${index}}`).join("");
  const started = performance.now();
  t.equal(readOne(inDomain(section(`<CRL>${long}${unset}</CRL>`))).findings.length, 100);
  readOne(inDomain(section(`<CRL>${"${a:-".repeat(18)}${long}${"}".repeat(18)}</CRL>`)));
  t.ok(performance.now() - started < 10_000);
});

t.test(
  "any number of blank lines may come first, and a missing section tells where there is one",
  async (t) => {
    const blank = "\n".repeat(5000);
    t.same(readOne(`${blank}${inDomain(section())}`).findings, []);
    t.same(readOne(Buffer.from(`\uFEFF${blank}${inDomain(section())}`).toString()).findings, []);
    t.match(refusal(blank), { message: /an empty text/ });
    const elsewhere = `<CycloneDDS><Domain Id="1">${section()}</Domain><Domain Id="7"/></CycloneDDS>`;
    t.match(readOne(elsewhere, { domain: 7 }).findings, [
      { code: "SECURITY_MISSING", hint: /for domain 1:/ },
    ]);
  },
);
