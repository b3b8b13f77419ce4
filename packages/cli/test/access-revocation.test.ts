// Whether an identity is revoked, or its CA trusted, in each dialect: lists and CAs made by openssl.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ddscred, missing, run, temporaryFolder } from "./support/program.ts";

const skip = missing("openssl") ?? false;
const DIALECTS = ["spec", "cyclonedds", "fastdds"] as const;

const permissionsOf = (
  name: string,
) => `<dds><permissions><grant name="g"><subject_name>CN=${name},O=Example</subject_name>
<validity><not_before>2020-01-01T00:00:00</not_before><not_after>2050-01-01T00:00:00</not_after></validity>
<allow_rule><domains><id>0</id></domains></allow_rule><default>DENY</default></grant></permissions></dds>`;

const GOVERNANCE = `<dds><domain_access_rules><domain_rule><domains><id>0</id></domains>
<allow_unauthenticated_participants>false</allow_unauthenticated_participants>
<enable_join_access_control>true</enable_join_access_control>
<discovery_protection_kind>NONE</discovery_protection_kind>
<liveliness_protection_kind>NONE</liveliness_protection_kind>
<rtps_protection_kind>NONE</rtps_protection_kind>
<topic_access_rules><topic_rule><topic_expression>*</topic_expression>
<enable_discovery_protection>true</enable_discovery_protection>
<enable_liveliness_protection>true</enable_liveliness_protection>
<enable_read_access_control>true</enable_read_access_control>
<enable_write_access_control>true</enable_write_access_control>
<metadata_protection_kind>NONE</metadata_protection_kind>
<data_protection_kind>NONE</data_protection_kind></topic_rule></topic_access_rules>
</domain_rule></domain_access_rules></dds>`;

const CONFIGURATION = `[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 365
default_crl_days = 30
policy = any
x509_extensions = leaf
copy_extensions = none
unique_subject = no
[any]
organizationName = supplied
commonName = supplied
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
`;

t.test(
  "a revoked identity, a list that is over and a CA that is not trusted allow nothing",
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const openssl = (...args: string[]) => run("openssl", args, { cwd: folder });
    writeFileSync(join(folder, "ca.cnf"), CONFIGURATION);
    writeFileSync(join(folder, "index.txt"), "");
    writeFileSync(join(folder, "serial"), "01\n");
    const key = (name: string) => [
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-keyout",
      name,
    ];
    const subject = (name: string) => ["-subj", `/O=Example/CN=${name}`];
    for (const name of ["ca", "other"]) {
      openssl(
        "req",
        "-x509",
        ...key(`${name}.key`),
        ...subject(name),
        "-days",
        "3650",
        "-out",
        `${name}.pem`,
      );
    }
    for (const name of ["alice", "bob"]) {
      openssl("req", "-new", ...key(`${name}.key`), ...subject(name), "-out", `${name}.csr`);
      openssl("ca", "-batch", "-config", "ca.cnf", "-in", `${name}.csr`, "-out", `${name}.pem`, "-notext");
      writeFileSync(join(folder, `${name}.xml`), permissionsOf(name));
    }
    openssl("ca", "-config", "ca.cnf", "-gencrl", "-out", "empty.crl");
    openssl("ca", "-config", "ca.cnf", "-revoke", "bob.pem");
    openssl("ca", "-config", "ca.cnf", "-gencrl", "-out", "bob.crl");
    writeFileSync(join(folder, "governance.xml"), GOVERNANCE);
    for (const name of ["governance", "alice", "bob"]) {
      const signer = ["-signer", "ca.pem", "-inkey", "ca.key"];
      openssl("smime", "-sign", "-text", "-in", `${name}.xml`, ...signer, "-out", `${name}.p7s`);
    }
    for (const name of ["trusted", "distrusted", "nothing"]) mkdirSync(join(folder, name));
    openssl("x509", "-in", "ca.pem", "-out", "trusted/ca.pem");
    openssl("x509", "-in", "other.pem", "-out", "distrusted/ca.pem");

    const ask = (name: string, more: Record<string, string>, at = "") => {
      const properties = {
        identity_ca: "file:ca.pem",
        identity_certificate: `file:${name}.pem`,
        private_key: `file:${name}.key`,
        permissions_ca: "file:ca.pem",
        governance: "file:governance.p7s",
        permissions: `file:${name}.p7s`,
        ...more,
      };
      const given = Object.entries(properties).flatMap(([property, value]) => [
        "--property",
        `${property}=${value}`,
      ]);
      const when = at === "" ? [] : ["--at", at];
      return DIALECTS.map((dialect) => {
        const args = [
          "access",
          ...given,
          ...when,
          "--domain",
          "0",
          "--join",
          "--dialect",
          dialect,
          "--format",
          "json",
        ];
        const { allowed, code, finding } = JSON.parse(ddscred(args, { cwd: folder }).stdout);
        return allowed === true ? "yes" : `${code}/${finding ?? code}`;
      }).join(" ");
    };
    t.equal(ask("alice", { crl: "file:bob.crl" }), "yes yes yes");
    t.equal(
      ask("bob", { crl: "file:bob.crl" }),
      "CERTIFICATE_REVOKED/CERTIFICATE_REVOKED 200/CERTIFICATE_REVOKED CERTIFICATE_REVOKED/CERTIFICATE_REVOKED",
    );
    t.equal(ask("bob", { crl: "file:empty.crl" }), "yes yes yes");
    const later = new Date(Date.now() + 40 * 86_400_000).toISOString().slice(0, 10);
    t.equal(
      ask("alice", { crl: "file:bob.crl" }, later),
      "CRL_EXPIRED/CRL_EXPIRED 200/CRL_EXPIRED CRL_EXPIRED/CRL_EXPIRED",
    );
    t.equal(ask("alice", { trusted_ca_dir: join(folder, "trusted") }), "yes yes yes");
    t.match(
      ask("alice", { trusted_ca_dir: join(folder, "distrusted") }),
      /^CA_NOT_TRUSTED\/\S+ 121\/CA_NOT_TRUSTED yes$/,
    );
  },
);
