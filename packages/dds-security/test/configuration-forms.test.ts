// Configurations of Fast DDS and of SROS 2: read as those read them.

import { inspect } from "node:util";
import { CredentialError } from "@ddscred/core";
import t from "tap";
import {
  type Configuration,
  configurationFromEnclave,
  type EnclaveFile,
  readConfiguration,
  readFastddsConfiguration,
} from "../dist/index.js";

const CANARY = "canary-3310";
const AUTH = "dds.sec.auth.builtin.PKI-DH";
const ACCESS = "dds.sec.access.builtin.Access-Permissions";

const plugins = {
  "dds.sec.auth.plugin": "builtin.PKI-DH",
  "dds.sec.access.plugin": "builtin.Access-Permissions",
  "dds.sec.crypto.plugin": "builtin.AES-GCM-GMAC",
};
const credentials = {
  [`${AUTH}.identity_ca`]: "file:///etc/dds/ca.pem",
  [`${AUTH}.identity_certificate`]: "file://certs/cert.pem",
  [`${AUTH}.private_key`]: `pkcs11:object=key?pin-value=${CANARY}`,
  [`${ACCESS}.permissions_ca`]: "file:///etc/dds/100%25.pem",
  [`${ACCESS}.governance`]: "file:///etc/dds/g.p7s",
  [`${ACCESS}.permissions`]: "file:///etc/dds/p.p7s",
};
const property = ([name, value]: readonly [string, string]) =>
  `<property><name>${name}</name><value>${value}</value></property>`;
const participant = (properties: Record<string, string>, head = "", attributes = "") =>
  `<participant${attributes}>${head}<rtps><propertiesPolicy><properties>
${Object.entries(properties).map(property).join("\n")}
</properties></propertiesPolicy></rtps></participant>`;
const profiles = (content: string) => `<?xml version="1.0"?>\n<dds xmlns="http://www.eprosima.com">
<profiles>${content}</profiles></dds>`;
const whole = { ...plugins, ...credentials };

const one = (xml: string, options = {}): Configuration => {
  const [configuration, ...others] = readFastddsConfiguration(xml, options);
  if (configuration === undefined || others.length > 0) throw new Error("not exactly one configuration");
  return configuration;
};
const said = ({ findings }: Configuration) =>
  findings.map(({ code, severity, property: name }) => [severity, code, name].filter(Boolean).join(" "));

t.test("a Fast DDS profile is read with the place of each value", async (t) => {
  const configuration = one(profiles(participant(whole, "<domainId>7</domainId>")), { file: "p.xml" });
  t.same(said(configuration), []);
  t.equal(configuration.form, "fastdds");
  t.equal(configuration.domain, 7);
  const ca = configuration.properties.get("dds.sec.auth.identity_ca");
  t.equal(ca?.value, "file:/etc/dds/ca.pem");
  t.equal(ca?.written, "file:///etc/dds/ca.pem");
  t.same(ca?.location, { file: "p.xml", line: 7, column: 70 });
  t.notMatch(inspect(configuration.findings), CANARY);
});

t.test("what follows file:// is the path as it stands: relative too, nothing decoded", async (t) => {
  const { properties } = one(profiles(participant(whole)));
  t.equal(properties.get("dds.sec.auth.identity_certificate")?.value, "file:certs/cert.pem");
  t.equal(properties.get("dds.sec.access.permissions_ca")?.value, "file:/etc/dds/100%2525.pem");
});

t.test("a URI that Fast DDS does not read is an error at its place", async (t) => {
  for (const uri of ["data:,x", "file:ca.pem", "pkcs11:object=ca", "FILE:///ca.pem"]) {
    const configuration = one(profiles(participant({ ...whole, [`${AUTH}.identity_ca`]: uri })));
    t.same(said(configuration), ["error URI_SCHEME_REFUSED dds.sec.auth.identity_ca"], uri);
  }
});

t.test("names that Fast DDS does not read are told with the name that it does", async (t) => {
  const { [`${AUTH}.private_key`]: key = "", ...others } = whole;
  const spec = one(profiles(participant({ ...others, "dds.sec.auth.private_key": key })));
  t.same(said(spec), ["error CONFIG_INVALID"]);
  t.match(spec.findings[0]?.hint, `${AUTH}.private_key`);
  const typo = one(profiles(participant({ ...whole, [`${AUTH}.identity_crI`]: "file:///crl.pem" })));
  t.match(typo.findings[0]?.hint, `${AUTH}.identity_crl`);
});

t.test("a plugin that is not named leaves Fast DDS without that part of security", async (t) => {
  for (const name of Object.keys(plugins)) {
    const { [name as keyof typeof whole]: _, ...others } = whole;
    t.same(said(one(profiles(participant(others)))), ["error SECURITY_MISSING"], name);
    const other = one(profiles(participant({ ...whole, [name]: "other" })));
    t.same(said(other), ["error SECURITY_MISSING"], name);
  }
});

t.test("what is missing is called by Fast DDS's name", async (t) => {
  const { [`${ACCESS}.governance`]: _, ...others } = whole;
  const configuration = one(profiles(participant(others)));
  t.same(said(configuration), ["error PROPERTY_MISSING dds.sec.access.governance"]);
  t.match(configuration.findings[0]?.message, `${ACCESS}.governance`);
});

t.test("each participant profile with security is a configuration", async (t) => {
  const text = profiles(
    participant(whole, "<domainId>1</domainId>", ' profile_name="a"') +
      participant({ "fastdds.x": "y" }, "", ' profile_name="plain"') +
      participant(whole, "<domainId>2</domainId>", ' profile_name="b"') +
      participant(whole, "", ' profile_name="any"'),
  );
  const names = (domain?: number) =>
    readFastddsConfiguration(text, { file: "p.xml", ...(domain === undefined ? {} : { domain }) }).map(
      ({ source }) => source,
    );
  t.same(names(), ["p.xml (a)", "p.xml (b)", "p.xml (any)"]);
  t.same(names(2), ["p.xml (b)", "p.xml (any)"]);
  const none = one(profiles(participant({ "fastdds.x": "y" })));
  t.same(said(none), ["error SECURITY_MISSING"]);
});

t.test("the root element tells whose configuration a file is", async (t) => {
  const form = (text: string) => readConfiguration(text, { environment: {} })[0]?.form;
  t.equal(form(profiles(participant(whole))), "fastdds");
  t.equal(form(`<profiles>${participant(whole)}</profiles>`), "fastdds");
  t.equal(form("<CycloneDDS><Domain/></CycloneDDS>"), "cyclonedds");
  for (const text of ["<policy/>", "<dds><permissions/></dds>", "", "pkcs11:object=x"]) {
    t.throws(() => form(text), { name: "CredentialError", code: "CONFIG_INVALID" }, text);
  }
  const hostile = profiles("<participant>".repeat(5000));
  t.throws(() => form(hostile), CredentialError);
});

const files = (...names: readonly string[]): EnclaveFile[] =>
  names.map((name) => ({
    name,
    uri: `file:///e/${name}`,
    ...(name.endsWith(".p11") ? { text: `pkcs11:object=${name}?pin-value=${CANARY}\n` } : {}),
  }));
const ENCLAVE = [
  "identity_ca.cert.pem",
  "cert.pem",
  "permissions_ca.cert.pem",
  "governance.p7s",
  "permissions.p7s",
];

t.test("an enclave is the files that rmw looks for", async (t) => {
  const configuration = configurationFromEnclave("e", files(...ENCLAVE, "key.pem", "other.txt"));
  t.same(said(configuration), []);
  t.equal(configuration.properties.size, 6);
  t.equal(configuration.properties.get("dds.sec.auth.private_key")?.value, "file:///e/key.pem");
  const without = configurationFromEnclave("e", files(...ENCLAVE));
  t.same(said(without), ["error PROPERTY_MISSING dds.sec.auth.private_key"]);
  t.match(without.findings[0]?.hint, /key\.pem or key\.p11/);
});

t.test("a .p11 file holds a URI, and not every rmw reads it", async (t) => {
  const configuration = configurationFromEnclave("e", files(...ENCLAVE, "key.p11"));
  t.same(said(configuration), ["warning PEER_DIFFERS dds.sec.auth.private_key"]);
  t.same(configuration.findings[0]?.peers, ["cyclonedds"]);
  t.match(configuration.properties.get("dds.sec.auth.private_key")?.value, /^pkcs11:object=key\.p11/);
  t.notMatch(inspect(configuration.findings), CANARY);
  const both = configurationFromEnclave("e", files(...ENCLAVE, "key.p11", "key.pem"));
  t.match(said(both), ["warning PROPERTY_CONFLICT dds.sec.auth.private_key", /PEER_DIFFERS/]);
  const broken = [...files(...ENCLAVE), { name: "key.p11", uri: "file:///e/key.p11", text: "-----BEGIN" }];
  t.match(said(configurationFromEnclave("e", broken)), [
    /PEER_DIFFERS/,
    "error CONFIG_INVALID dds.sec.auth.private_key",
  ]);
});
