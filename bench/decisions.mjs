// Decisions on compiled rules beside Cyclone DDS's own access control plugin, asked for the same documents in the same
// run; and what a document of a thousand grants and ten thousand rules costs.

import { spawnSync } from "node:child_process";
import { generateKeyPairSync, sign } from "node:crypto";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  encodePem,
  issueCertificate,
  nameFromText,
  parseCertificate,
  signatureSchemes,
  signDocument,
} from "../packages/core/dist/index.js";
import { nodeCrypto } from "../packages/crypto-node/dist/index.js";
import { compileAccess } from "../packages/dds-security/dist/index.js";
import { inTemporaryFolder, median, report, root, runProgram } from "./measure.mjs";

const crypto = nodeCrypto();
const at = new Date();
const YEAR = 365 * 86_400_000;

export async function run() {
  const deployment = await certificates();
  const small = await documents(deployment, 1);
  const large = await documents(deployment, 1_000);
  const own = {
    small: rateOf(small, "Topic0"),
    first: rateOf(large, "Topic0"),
    last: rateOf(large, "Topic999"),
    changing: rateOf(large, undefined),
    anew: rateOf(large, "Topic999", { partitions: [""] }),
  };
  for (const [what, rate] of Object.entries(own)) print(`ddscred, ${what}`, rate);
  const plugin = inTemporaryFolder((folder) => pluginRates(folder, deployment, { small, large }));
  if (typeof plugin === "string") {
    process.stdout.write(`  no comparison: ${plugin}\n`);
  } else {
    for (const [what, rate] of Object.entries(plugin)) print(`Cyclone DDS, ${what}`, rate);
    report("small document: ddscred / Cyclone DDS", own.small / plugin.small, "at least 1");
    report("last of 1,000 rules: ddscred / Cyclone DDS", own.last / plugin.last, "at least 20");
    report("last of 1,000, each made anew: ddscred / Cyclone DDS", own.anew / plugin.last, "at least 20");
    report("1,000 topics in turn: ddscred / Cyclone DDS's last", own.changing / plugin.last, "-");
  }
  await manyGrants(deployment);
}

const print = (what, rate) =>
  process.stdout.write(`  ${what.padEnd(58)} ${Math.round(rate).toLocaleString("en")} decisions/s\n`);

/**
 * Decisions a second in the reading of Cyclone DDS, on one topic or on a thousand in turn; the median of five. With
 * partitions nothing is remembered: each decision is made anew.
 */
function rateOf({ governance, permissions, subject }, topic, options) {
  const access = compileAccess({
    governance: governance.verified,
    permissions: permissions.verified,
    subject,
    domain: 0,
    at,
    dialect: "cyclonedds",
  });
  const names = topic === undefined ? Array.from({ length: 1_000 }, (_, i) => `Topic${i}`) : [topic];
  const rates = Array.from({ length: 5 }, () => {
    let allowed = 0;
    const start = performance.now();
    for (let i = 0; i < COUNT; i++) if (access.publish(names[i % names.length], options).allowed) allowed++;
    if (allowed !== COUNT) throw new Error("a decision is wrong");
    return COUNT / ((performance.now() - start) / 1_000);
  });
  return median(rates);
}

/** The plugin's own rates for the same documents, or why there are none. */
function pluginRates(folder, { ca, identity }, { small, large }) {
  const library = installed("libddsc0debian/libdds_security_ac.so");
  const core = installed("libddsc.so.0debian");
  if (library === undefined || core === undefined || !existsSync("/usr/include/dds/security"))
    return "Cyclone DDS is not installed (libddsc0debian, cyclonedds-dev)";
  const driver = join(folder, "driver");
  const source = join(root, "interop/cyclonedds-access/driver.c");
  const compiled = spawnSync("cc", ["-O2", "-o", driver, source, "-ldl", core], { encoding: "utf8" });
  if (compiled.status !== 0) return `the driver does not compile: ${compiled.stderr ?? compiled.error}`;
  writeFileSync(join(folder, "ca.pem"), ca.pem);
  writeFileSync(join(folder, "identity.pem"), identity.pem);
  const ask = (name, documents, topics) => {
    writeFileSync(join(folder, `${name}_governance.p7s`), documents.governance.bytes);
    writeFileSync(join(folder, `${name}_permissions.p7s`), documents.permissions.bytes);
    const files = ["ca.pem", "identity.pem", "ca.pem", `${name}_governance.p7s`, `${name}_permissions.p7s`];
    const uris = files.map((file) => `file:${join(folder, file)}`);
    const lines = topics.flatMap(([topic, count]) => Array(5).fill(`rate\t${count}\t${topic}`));
    const output = runProgram(driver, [library, "0", ...uris], { input: `${lines.join("\n")}\n` });
    const [said, ...rates] = output.trim().split("\n");
    if (said !== "ok") throw new Error(`the plugin says ${said}`);
    return topics.map((_, index) => median(rates.slice(5 * index, 5 * index + 5).map(Number)));
  };
  const [ofSmall] = ask("small", small, [["Topic0", 500_000]]);
  const [first, last] = ask("large", large, [
    ["Topic0", 500_000],
    ["Topic999", 20_000],
  ]);
  return { small: ofSmall, first, last };
}

/** A file in one of Debian's folders of libraries. */
const installed = (name) =>
  readdirSync("/usr/lib")
    .map((folder) => join("/usr/lib", folder, name))
    .find((path) => existsSync(path));

async function manyGrants({ ca, identity }) {
  const strangers = Array.from({ length: 999 }, (_, i) => grant(`CN=participant${i}`, rule("Square")));
  const own = grant(SUBJECT, Array.from({ length: 10_000 }, (_, i) => rule(`Topic${i}`)).join(""));
  const permissions = await signed(ca, permissionsOf([...strangers, own].join("")));
  const governance = await signed(ca, GOVERNANCE);
  const before = process.memoryUsage().heapUsed;
  const start = performance.now();
  const access = compileAccess({
    governance: governance.verified,
    permissions: permissions.verified,
    subject: identity.certificate.subject,
    domain: 0,
    at,
  });
  const took = performance.now() - start;
  const asked = performance.now();
  if (!access.publish("Topic9999").allowed) throw new Error("a decision is wrong");
  const size = `${(permissions.bytes.length / 1e6).toFixed(1)} MB`;
  const heap = (process.memoryUsage().heapUsed - before) / 1e6;
  process.stdout.write(
    `  1,000 grants, 10,000 rules (${size}): read and compiled in ${took.toFixed(0)} ms, ` +
      `${heap.toFixed(0)} MB more heap, first decision ${(performance.now() - asked).toFixed(2)} ms\n`,
  );
}

async function certificates() {
  const ca = key();
  const dates = { notBefore: new Date(at.getTime() - YEAR), notAfter: new Date(at.getTime() + 5 * YEAR) };
  const caName = nameFromText("CN=Bench CA,O=Example");
  const caDer = await issueCertificate(
    { subject: caName, publicKey: ca.publicKey, ca: true, ...dates },
    ca,
    crypto,
  );
  const issuer = parseCertificate(caDer);
  const publicKey = key().publicKey;
  const leaf = { subject: nameFromText(SUBJECT), publicKey, issuer, ...dates };
  const der = await issueCertificate(leaf, ca, crypto);
  return {
    ca: { certificate: issuer, signer: ca, pem: encodePem("CERTIFICATE", caDer) },
    identity: { certificate: parseCertificate(der), pem: encodePem("CERTIFICATE", der) },
  };
}

function key() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    publicKey: new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    schemes: [signatureSchemes.ecdsa_p256_sha256],
    extractable: true,
    sign: async (_scheme, message) => new Uint8Array(sign("sha256", message, privateKey)),
  };
}

async function documents({ ca, identity }, rules) {
  const text = Array.from({ length: rules }, (_, i) => rule(`Topic${i}`)).join("");
  return {
    governance: await signed(ca, GOVERNANCE),
    permissions: await signed(ca, permissionsOf(grant(SUBJECT, text))),
    subject: identity.certificate.subject,
  };
}

const signed = async ({ certificate, signer }, xml) =>
  await signDocument(new TextEncoder().encode(xml), { certificate, signer, crypto, at });

const COUNT = 1_000_000;
const SUBJECT = "CN=alice,O=Example";
const DOMAINS = "<domains><id_range><min>0</min><max>230</max></id_range></domains>";
const rule = (topic) =>
  `<allow_rule>${DOMAINS}<publish><topics><topic>${topic}</topic></topics></publish></allow_rule>`;
const grant = (subject, rules) => `<grant name="g"><subject_name>${subject}</subject_name>
<validity><not_before>2020-01-01T00:00:00</not_before><not_after>2050-01-01T00:00:00</not_after></validity>
${rules}<default>DENY</default></grant>`;
const permissionsOf = (grants) => `<dds><permissions>${grants}</permissions></dds>`;
const GOVERNANCE = `<dds><domain_access_rules><domain_rule>${DOMAINS}
<allow_unauthenticated_participants>false</allow_unauthenticated_participants>
<enable_join_access_control>true</enable_join_access_control>
<discovery_protection_kind>ENCRYPT</discovery_protection_kind>
<liveliness_protection_kind>ENCRYPT</liveliness_protection_kind>
<rtps_protection_kind>SIGN</rtps_protection_kind>
<topic_access_rules><topic_rule><topic_expression>*</topic_expression>
<enable_discovery_protection>true</enable_discovery_protection>
<enable_liveliness_protection>true</enable_liveliness_protection>
<enable_read_access_control>true</enable_read_access_control>
<enable_write_access_control>true</enable_write_access_control>
<metadata_protection_kind>ENCRYPT</metadata_protection_kind>
<data_protection_kind>ENCRYPT</data_protection_kind>
</topic_rule></topic_access_rules></domain_rule></domain_access_rules></dds>`;
