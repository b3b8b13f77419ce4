// The same deployment, written for Fast DDS and as an enclave of SROS 2.

import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ddscred, missing, temporaryFolder } from "./support/program.ts";
import { makeExample, PIN } from "./support/softhsm.ts";

const skip = missing("softhsm2-util", "pkcs11-tool", "openssl") ?? false;

t.test("a deployment whose key is on a token", { skip }, async (t) => {
  const example = makeExample(temporaryFolder(t), "ec");
  const uri = (property: string) =>
    new RegExp(`<${property}>([^<]*)<`).exec(example.configuration)?.[1]?.trim() ?? "";
  const key = uri("PrivateKey").replaceAll("&amp;", "&");
  // Fast DDS and rmw take certificates from files.
  example.openssl("version");
  const certificate = example.pkcs11Tool(
    "--read-object",
    "--type",
    "cert",
    "--label",
    "alice_cert",
    "-o",
    "alice.der",
  );
  t.type(certificate, "string");
  example.openssl("x509", "-inform", "DER", "-in", "alice.der", "-out", "alice.pem");
  example.pkcs11Tool("--read-object", "--type", "cert", "--label", "permissions_ca", "-o", "pca.der");
  example.openssl("x509", "-inform", "DER", "-in", "pca.der", "-out", "pca.pem");
  const place = (name: string) => uri(name).replace(/^file:(?:\/\/)?/, "");

  t.test("in a Fast DDS profile is good, and a wrong property is told with its line", async (t) => {
    const file = (path: string) => `file://${path.startsWith("/") ? path : join(example.folder, path)}`;
    const properties = {
      "dds.sec.auth.plugin": "builtin.PKI-DH",
      "dds.sec.access.plugin": "builtin.Access-Permissions",
      "dds.sec.crypto.plugin": "builtin.AES-GCM-GMAC",
      "dds.sec.auth.builtin.PKI-DH.identity_ca": file(place("IdentityCA")),
      "dds.sec.auth.builtin.PKI-DH.identity_certificate": file("alice.pem"),
      "dds.sec.auth.builtin.PKI-DH.private_key": key,
      "dds.sec.access.builtin.Access-Permissions.permissions_ca": file("pca.pem"),
      "dds.sec.access.builtin.Access-Permissions.governance": file(place("Governance")),
      "dds.sec.access.builtin.Access-Permissions.permissions": file(place("Permissions")),
    };
    const xml = (values: Record<string, string>) => `<dds><profiles><participant profile_name="alice">
<rtps><propertiesPolicy><properties>
${Object.entries(values)
  .map(
    ([name, value]) =>
      `<property><name>${name}</name><value>${value.replaceAll("&", "&amp;")}</value></property>`,
  )
  .join("\n")}
</properties></propertiesPolicy></rtps></participant></profiles></dds>`;
    const good = example.check(example.write("profile.xml", xml(properties)));
    t.equal(good.status, 0, JSON.stringify(good.report.findings));
    t.same(
      good.report.findings.map(({ code }) => code),
      ["PIN_INLINE"],
    );
    const soon = example.check("profile.xml", "--warn-before", "36500d");
    t.equal(soon.status, 0);
    t.same(
      soon.report.findings.filter(({ code }) => code === "EXPIRES_SOON").map(({ severity }) => severity),
      soon.report.expiry.map(() => "warning"),
      "a warning for each that ends",
    );
    const wrong = { ...properties, "dds.sec.auth.builtin.PKI-DH.private_key": key.replace("alice_key", "x") };
    const bad = example.check(example.write("wrong.xml", xml(wrong)));
    t.equal(bad.status, 1);
    t.match(bad.report.findings, [{ code: "OBJECT_NOT_FOUND", location: { line: 8 } }]);
    t.notMatch(bad.stdout + bad.stderr, `pin-value=${PIN}`);
  });

  t.test(
    "the PIN that no URI holds is the one of FASTDDS_PKCS11_PIN, for what Fast DDS reads alone",
    async (t) => {
      const withoutPin = (text: string) => text.replace(/\?pin-value=[^<"]*/g, "");
      const profile = readFileSync(join(example.folder, "profile.xml"), "utf8");
      example.write("no-pin.xml", withoutPin(profile));
      example.write("no-pin-cyclonedds.xml", withoutPin(example.configuration));
      const check = (file: string, pin: string, ...options: string[]) =>
        ddscred(["check", file, "--format", "json", "--module", example.module, ...options], {
          cwd: example.folder,
          env: { ...example.env, FASTDDS_PKCS11_PIN: pin },
        });
      const good = check("no-pin.xml", PIN);
      t.equal(good.status, 0, good.stdout);
      t.same(JSON.parse(good.stdout).findings, []);
      t.equal(good.stderr, "", "the participant has it from there too");
      t.match(check("no-pin.xml", "").stdout, "PIN_REQUIRED");
      t.match(check("no-pin-cyclonedds.xml", PIN).stdout, "PIN_REQUIRED", "Cyclone DDS does not know it");
      example.write("pin", PIN);
      t.equal(
        check("no-pin.xml", "4711-canary", "--pin-source", "file:pin").status,
        0,
        "an option goes before",
      );
      const wrong = check("no-pin.xml", "4711-canary");
      t.match(wrong.stdout, "PIN_INCORRECT");
      t.notMatch(wrong.stdout + wrong.stderr, "4711-canary");
      example.write("pin-source.xml", profile.replace(`pin-value=${PIN}`, "pin-source=file:pin"));
      t.match(JSON.parse(check("pin-source.xml", "").stdout).findings, [
        { code: "PEER_DIFFERS", peers: ["fastdds"], message: /knows no pin-source/, location: { line: 8 } },
      ]);

      // One fleet, one module, and three that name the PIN in three ways.
      const fleet = ddscred(
        [
          "check",
          "--format",
          "json",
          "--module",
          example.module,
          "no-pin.xml",
          "profile.xml",
          "no-pin-cyclonedds.xml",
        ],
        { cwd: example.folder, env: { ...example.env, FASTDDS_PKCS11_PIN: PIN } },
      );
      t.same(
        JSON.parse(fleet.stdout).map(({ ok }: { ok: boolean }) => ok),
        [true, true, false],
        "the PIN of one opens nothing for another",
      );
    },
  );

  t.test("in a keystore of SROS 2: each enclave is judged", async (t) => {
    const enclave = join(example.folder, "keystore/enclaves/talker");
    mkdirSync(enclave, { recursive: true });
    const copy = (from: string, name: string) =>
      copyFileSync(join(example.folder, from), join(enclave, name));
    copy(place("IdentityCA").split("/").at(-1) ?? "", "identity_ca.cert.pem");
    copy("alice.pem", "cert.pem");
    copy("pca.pem", "permissions_ca.cert.pem");
    copy(place("Governance").split("/").at(-1) ?? "", "governance.p7s");
    copy(place("Permissions").split("/").at(-1) ?? "", "permissions.p7s");
    writeFileSync(join(enclave, "key.p11"), `${key}\n`, { mode: 0o600 });
    for (const folder of ["keystore", "keystore/enclaves", "keystore/enclaves/talker"]) {
      const { status, report } = example.check(folder);
      t.equal(status, 0, JSON.stringify(report.findings));
      t.match(report.findings, [{ code: "PEER_DIFFERS" }, { code: "PIN_INLINE" }]);
    }
    t.equal(example.check("keystore", "--peer", "cyclonedds").status, 1, "rmw_cyclonedds reads no .p11");
    chmodSync(join(enclave, "key.p11"), 0o644);
    const open = example.check("keystore");
    t.match(open.report.findings, [{ code: "PIN_EXPOSED" }]);
    t.equal(open.status, 1);
    t.notMatch(open.stdout, `pin-value=${PIN}`);

    const empty = ddscred(["check", "tokens"], { cwd: example.folder });
    t.equal(empty.status, 1);
    t.match(empty.stdout, /CONFIG_INVALID/);
    t.match(readFileSync(join(enclave, "key.p11"), "utf8"), key);
  });
});

t.test("what check says, in the forms for other programs", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "<b>&.xml");
  writeFileSync(file, "<CycloneDDS><Domain><Security/></Domain></CycloneDDS>", { mode: 0o600 });
  const shown = (format: string) => ddscred(["check", file, "--format", format]);

  const sarif = shown("sarif");
  t.equal(sarif.status, 1);
  const { version, runs } = JSON.parse(sarif.stdout);
  t.equal(version, "2.1.0");
  const [{ tool, results }] = runs;
  t.match(tool.driver, { name: "ddscred", version: /^\d/, rules: [{ id: "PROPERTY_MISSING" }] });
  t.match(results[0], { ruleId: "PROPERTY_MISSING", level: "error", message: { text: /is missing/ } });
  const { artifactLocation, region } = results[0].locations[0].physicalLocation;
  t.equal(decodeURI(artifactLocation.uri), file);
  t.same(region, { startLine: 1, startColumn: 21 });

  const html = shown("html");
  t.equal(html.status, 1);
  t.match(html.stdout, /^<!doctype html>/);
  t.match(html.stdout, /PROPERTY_MISSING/);
  t.notMatch(html.stdout, "<b>&.xml", "names from outside are escaped");
  t.equal(shown("xml").status, 2);
});
