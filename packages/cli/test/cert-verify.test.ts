import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ddscred, root, temporaryFolder } from "./support/program.ts";

const archive = join(root, "../shared/vectors/pkits.tar.gz");
const vectors = existsSync(archive) ? {} : { skip: "the vectors pkits.tar.gz are not there" };

t.test("ddscred cert verify", vectors, async (t) => {
  const folder = temporaryFolder(t);
  execFileSync("tar", ["xzf", archive, "-C", folder]);
  const certificate = (name: string) => join(folder, "pkits/certs", `${name}.crt`);
  const list = (name: string) => join(folder, "pkits/crls", `${name}.crl`);
  const under = ["--ca", certificate("TrustAnchorRootCertificate"), "--at", "2011-04-15"];
  const good = ["--intermediate", certificate("GoodCACert")];
  const lists = ["--crl", list("TrustAnchorRootCRL"), "--crl", list("GoodCACRL")];
  const verify = (...args: string[]) => ddscred(["cert", "verify", ...args]);
  const json = (...args: string[]) => {
    const { status, stdout } = verify(...args, "--format", "json");
    return { status, report: JSON.parse(stdout) as Record<string, unknown> };
  };

  t.test("a good path is drawn from the CA down, with dates, keys and fingerprints; exit 0", async (t) => {
    const { status, stdout } = verify(
      certificate("ValidCertificatePathTest1EE"),
      ...under,
      ...good,
      ...lists,
    );
    t.equal(status, 0);
    t.match(stdout, /^good {2}CN=Valid EE Certificate Test1.*profile dds/);
    t.match(
      stdout,
      /CA {2}CN=Trust Anchor[^]*└─ intermediate CA {2}CN=Good CA[^]*└─ certificate {2}CN=Valid EE/,
    );
    t.match(stdout, /RSA 2048, 2010-01-01 to 2030-12-31, serial 01\n +SHA-256 967ed7ed2be0506b/);
    t.match(stdout, /none of them is revoked/);
  });

  t.test("json has the same: roles, certificates, findings", async (t) => {
    const { status, report } = json(certificate("ValidCertificatePathTest1EE"), ...under, ...good, ...lists);
    t.equal(status, 0);
    t.match(report, {
      ok: true,
      revocation: "checked",
      policies: ["2.16.840.1.101.3.2.1.48.1"],
      path: [{ role: "certificate", key: "RSA 2048" }, { role: "intermediate CA" }, { role: "CA" }],
      findings: [],
    });
  });

  t.test("a revoked certificate is refused with reason, date and the implementations; exit 1", async (t) => {
    const revoked = certificate("InvalidRevokedEETest3EE");
    const { status, report } = json(revoked, ...under, ...good, ...lists);
    t.equal(status, 1);
    t.match(report, {
      ok: false,
      path: [],
      findings: [
        {
          code: "CERTIFICATE_REVOKED",
          message: /since 2010-01-01T08:30:01Z, reason keyCompromise/,
          section: /6\.3\.3/,
          peers: { reject: ["cyclonedds", "fastdds"] },
        },
      ],
    });
    t.equal(json(revoked, ...under, ...good).status, 0, "without --crl nothing is said of revocation");
  });

  t.test("with --explain every path that was tried is told", async (t) => {
    const { status, report } = json(
      certificate("InvalidpathLenConstraintTest5EE"),
      ...under,
      "--explain",
      "--intermediate",
      certificate("pathLenConstraint0CACert"),
      "--intermediate",
      certificate("pathLenConstraint0subCACert"),
    );
    t.equal(status, 1);
    t.match(report, {
      findings: [{ code: "CA_INVALID", section: "RFC 5280 4.2.1.9", subject: /CN=pathLenConstraint0 CA/ }],
      rejected: [{ path: [/Test5/, /subCA/, /pathLenConstraint0 CA/], code: "CA_INVALID" }],
    });
  });

  t.test("wrong usage is 2, a file that is not there 1", async (t) => {
    t.equal(verify().status, 2);
    t.equal(verify(certificate("GoodCACert")).status, 2, "no CA");
    t.equal(verify(certificate("GoodCACert"), ...under, "--profile", "none").status, 2);
    t.equal(verify(certificate("GoodCACert"), ...under, "--at", "tomorrow").status, 2);
    t.match(json(certificate("Nothing"), ...under), {
      status: 1,
      report: { findings: [{ code: "FILE_NOT_FOUND" }] },
    });
    t.match(verify("--help"), { status: 0, stdout: /--intermediate URI/ });
  });

  t.test("profiles differ in what they demand", async (t) => {
    const profile = (name: string) => json(certificate("GoodCACert"), ...under, "--profile", name).status;
    t.equal(profile("rfc5280"), 0);
    t.equal(profile("strict"), 0);
    t.equal(profile("dds"), 1, "the keyUsage of a CA's key has no digitalSignature");
  });
});
