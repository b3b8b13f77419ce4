import { join } from "node:path";
import { alternate, inTemporaryFolder, program, report, root, runProgram } from "./measure.mjs";

/** `ddscred check` on the SoftHSM example against the same checks by hand, one program after the other. */
export function run() {
  inTemporaryFolder((folder) => {
    const commands = runProgram(process.execPath, [join(root, "examples/softhsm/make.mjs"), folder]);
    const module = /--module (\S+)/.exec(commands)[1];
    const env = { ...process.env, SOFTHSM2_CONF: join(folder, "softhsm2.conf") };
    const at = { cwd: folder, env };
    const [byHand, ours] = alternate([
      () => checkByHand(module, at),
      () => runProgram(process.execPath, [program, "check", "cyclonedds.xml", "--module", module], at),
    ]);
    report(
      `ddscred check ${ours.toFixed(0)} ms / by hand ${byHand.toFixed(0)} ms`,
      ours / byHand,
      "at most 1.0",
    );
  });
}

/** What check proves, with the programs an engineer has: each object found, dates, path, key, documents. */
function checkByHand(module, at) {
  const token = ["--module", module, "--token-label", "DDSTestToken"];
  const login = [...token, "--login", "--pin", "1234"];
  const openssl = (...args) => runProgram("openssl", args, at);
  const pkcs11Tool = (...args) => runProgram("pkcs11-tool", args, at);
  for (const label of ["alice_cert", "permissions_ca"]) {
    pkcs11Tool(
      ...login,
      "--read-object",
      "--type",
      "cert",
      "--label",
      label,
      "--output-file",
      `${label}.read.der`,
    );
    openssl(
      "x509",
      "-inform",
      "DER",
      "-in",
      `${label}.read.der`,
      "-out",
      `${label}.read.pem`,
      "-subject",
      "-dates",
    );
    openssl("x509", "-in", `${label}.read.pem`, "-noout", "-checkend", "0");
  }
  openssl("x509", "-in", "identity_ca_cert.pem", "-noout", "-checkend", "0");
  openssl("verify", "-CAfile", "identity_ca_cert.pem", "alice_cert.read.pem");
  openssl("dgst", "-sha256", "-binary", "-out", "challenge.sha256", "cyclonedds.xml");
  pkcs11Tool(
    ...login,
    "--sign",
    "--mechanism",
    "ECDSA",
    "--signature-format",
    "openssl",
    "--label",
    "alice_key",
    "--input-file",
    "challenge.sha256",
    "--output-file",
    "challenge.sig",
  );
  openssl("x509", "-in", "alice_cert.read.pem", "-noout", "-pubkey", "-out", "alice.pub");
  openssl(
    "pkeyutl",
    "-verify",
    "-pubin",
    "-inkey",
    "alice.pub",
    "-in",
    "challenge.sha256",
    "-sigfile",
    "challenge.sig",
  );
  for (const document of ["governance", "permissions"]) {
    openssl(
      "smime",
      "-verify",
      "-text",
      "-in",
      `${document}.p7s`,
      "-CAfile",
      "permissions_ca.read.pem",
      "-out",
      `${document}.read.xml`,
    );
  }
}
