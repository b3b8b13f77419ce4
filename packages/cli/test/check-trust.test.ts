import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ddscred, missing, run, temporaryFolder } from "./support/program.ts";

const CRL = "org.eclipse.cyclonedds.sec.auth.crl";
const FOLDER = "dds.sec.auth.trusted_ca_dir";
const IDENTITY = "dds.sec.auth.identity_certificate";

/** How Fast DDS reads a URI is not what this is about. */
const isAboutUri = ({ code, message }: Finding) => code === "PEER_DIFFERS" && message.includes("Fast DDS");

interface Finding {
  readonly code: string;
  readonly severity: string;
  readonly property?: string;
  readonly message: string;
}

const without = missing("openssl");
t.test(
  "a CRL and a trusted-CA directory are judged, each on its own property",
  without === undefined ? {} : { skip: without },
  async (t) => {
    const folder = temporaryFolder(t);
    const openssl = (...args: string[]) => run("openssl", args, { cwd: folder });
    const newCa = (name: string) => {
      openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", `${name}.key`);
      const extensions = ["-addext", "basicConstraints=critical,CA:TRUE"];
      const subject = ["-subj", `/CN=${name}`, "-days", "3650"];
      openssl(
        "req",
        "-x509",
        "-new",
        "-key",
        `${name}.key`,
        "-out",
        `${name}.pem`,
        ...subject,
        ...extensions,
      );
      writeFileSync(join(folder, `${name}.txt`), "");
      writeFileSync(
        join(folder, `${name}.cnf`),
        `[ca]\ndefault_ca=c\n[c]\ndatabase=${name}.txt\ndefault_md=sha256\ncertificate=${name}.pem\nprivate_key=${name}.key\n`,
      );
    };
    const crl = (ca: string, file: string, ...args: string[]) =>
      openssl("ca", "-config", `${ca}.cnf`, "-gencrl", "-out", file, ...args);
    newCa("ca");
    newCa("other");
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "alice.key");
    openssl("req", "-new", "-key", "alice.key", "-subj", "/CN=alice", "-out", "alice.csr");
    const issue = ["-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "7", "-days", "3000"];
    openssl("x509", "-req", "-in", "alice.csr", "-out", "alice.pem", ...issue);
    crl("ca", "good.crl", "-crldays", "1000");
    crl("other", "other.crl", "-crldays", "1000");
    crl("ca", "old.crl", "-crl_lastupdate", "20250101000000Z", "-crl_nextupdate", "20250201000000Z");
    openssl("crl", "-in", "good.crl", "-outform", "DER", "-out", "good.der");
    openssl("ca", "-config", "ca.cnf", "-revoke", "alice.pem", "-crl_reason", "keyCompromise");
    crl("ca", "revoked.crl", "-crldays", "1000");

    const check = (...properties: string[]) => {
      const all = [
        "identity_ca=file:ca.pem",
        "identity_certificate=file:alice.pem",
        "private_key=file:alice.key",
      ];
      const args = [...all, ...properties].flatMap((property) => ["--property", property]);
      const { stdout } = ddscred(["check", ...args, "--format", "json"], { cwd: folder });
      const { findings } = JSON.parse(stdout) as { findings: Finding[] };
      const concerned = [CRL, FOLDER, IDENTITY];
      return findings.filter((finding) => concerned.includes(finding.property ?? "") && !isAboutUri(finding));
    };

    t.same(check(), [], "the identity is good without");
    t.same(check(`${CRL}=file:good.crl`), [], "a current list that does not name it");
    for (const [name, value, found] of [
      [
        "revoked",
        "revoked.crl",
        { property: IDENTITY, code: "CERTIFICATE_REVOKED", message: /keyCompromise/ },
      ],
      ["out of date", "old.crl", { property: CRL, code: "CRL_EXPIRED", message: /2025-02-01/ }],
      [
        "of another CA",
        "other.crl",
        { property: CRL, code: "REVOCATION_UNKNOWN", message: /only of "CN=other"/ },
      ],
      ["in DER", "good.der", { property: CRL, code: "PEM_NOT_FOUND", message: /DER/ }],
      ["not there", "none.crl", { property: CRL, code: "FILE_NOT_FOUND" }],
    ] as const) {
      t.match(check(`${CRL}=file:${value}`), [{ severity: "error", ...found }], `CRL ${name}`);
    }

    for (const name of ["trusted", "others", "empty", "many"]) mkdirSync(join(folder, name));
    copyFileSync(join(folder, "ca.pem"), join(folder, "trusted/any.name"));
    copyFileSync(join(folder, "other.pem"), join(folder, "trusted/other.pem"));
    copyFileSync(join(folder, "other.pem"), join(folder, "others/other.pem"));
    writeFileSync(join(folder, "others/note.txt"), "no certificate");
    for (let i = 0; i <= 100; i += 1) copyFileSync(join(folder, "ca.pem"), join(folder, `many/${i}.pem`));
    t.same(check(`${FOLDER}=trusted`), [], "the identity CA is in the folder");
    t.match(check(`${FOLDER}=others`), [
      { property: FOLDER, code: "CA_NOT_TRUSTED", severity: "error", message: /CN=ca/ },
      { property: FOLDER, code: "PEER_DIFFERS", severity: "info", message: /note\.txt \(PEM_NOT_FOUND\)/ },
    ]);
    const restrictsNothing = { property: FOLDER, code: "PEER_DIFFERS", severity: "warning" };
    t.match(check(`${FOLDER}=empty`), [restrictsNothing], "an empty folder restricts nothing");
    t.match(check(`${FOLDER}=many`), [{ code: "CA_NOT_TRUSTED", message: /101 CAs.*more than 100/ }]);
    t.match(check(`${FOLDER}=nowhere`), [{ code: "FILE_NOT_FOUND", property: FOLDER }]);
    t.match(check(`${FOLDER}=ca.pem`), [{ code: "FILE_NOT_REGULAR", property: FOLDER }]);
    t.match(check(`${FOLDER}=file:trusted`), [{ code: "URI_SCHEME_REFUSED", property: FOLDER }]);
    t.match(
      check(`${FOLDER}=trusted`, `${CRL}=file:good.crl`),
      [{ code: "PROPERTY_CONFLICT", property: CRL }],
      "both at once are not accepted by Cyclone DDS",
    );
  },
);
