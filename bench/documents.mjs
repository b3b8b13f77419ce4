import { createRequire } from "node:module";
import { join } from "node:path";
import { mockPermissions, mockPki } from "../packages/backend-mock/dist/index.js";
import { parseCertificate, verifyDocument } from "../packages/core/dist/index.js";
import { nodeCrypto } from "../packages/crypto-node/dist/index.js";
import { readPermissions } from "../packages/dds-security/dist/index.js";
import { median, report, root } from "./measure.mjs";

const { SaxesParser } = createRequire(join(root, "packages/dds-security/package.json"))("saxes");

/** Verifying and reading a signed document, against the XML parser below it alone, on the same text. */
export async function run() {
  const pki = await mockPki();
  const ca = parseCertificate(pki.permissionsCa.der);
  const crypto = nodeCrypto();
  for (const [name, grants, rules, rounds] of [
    ["100 KB", 60, 10, 25],
    ["1.9 MB, 1,000 grants of 10 rules", 1000, 10, 7],
  ]) {
    const xml = document(grants, rules);
    const bytes = Buffer.from(await pki.signDocument(xml));
    const times = { ours: [], saxes: [] };
    for (let round = 0; round < rounds; round++) {
      times.saxes.push(await timed(() => new SaxesParser({ position: true }).write(xml).close()));
      times.ours.push(await timed(async () => readPermissions(await verifyDocument(bytes, { ca, crypto }))));
    }
    const [ours, saxes] = [median(times.ours), median(times.saxes)];
    const size = (xml.length / 1000).toFixed(0);
    report(
      `${name} (${size} KB): verified and read ${ours.toFixed(1)} ms / saxes ${saxes.toFixed(1)} ms`,
      ours / saxes,
      "at most 4.0",
    );
  }
}

async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Grants with rules of one topic each. */
function document(grants, rules) {
  const xml = mockPermissions({ subject: "CN=participant,O=Example", subscribe: [], publish: ["topic"] });
  const [grant] = /<grant[^]*<\/grant>/.exec(xml);
  const [rule] = /<allow_rule>[^]*<\/allow_rule>/.exec(grant);
  const many = Array.from({ length: grants }, (_, number) => {
    const written = Array.from({ length: rules }, (_, topic) =>
      rule.replace("topic<", `topic/${number}/${topic}<`),
    );
    return grant
      .replace(rule, written.join("\n        "))
      .replace("CN=participant", `CN=participant-${number}`);
  });
  return xml.replace(grant, many.join("\n    "));
}
