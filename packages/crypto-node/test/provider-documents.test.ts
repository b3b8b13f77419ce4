import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Certificate,
  type CredentialError,
  type CryptoProvider,
  certificatesFromPem,
  verifyDocument,
  webCrypto,
} from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import t from "tap";

const archive = fileURLToPath(new URL("../../../../shared/vectors/deployments.tar.gz", import.meta.url));
const skip = existsSync(archive) ? false : "../shared/vectors/deployments.tar.gz is missing";

/** What came of it: the content's length, or the error in full. */
async function outcome(bytes: Uint8Array, ca: Certificate, crypto: CryptoProvider): Promise<string> {
  return await verifyDocument(bytes, { ca, crypto }).then(
    ({ content, scheme }) => `${content.length} bytes by ${scheme.name}`,
    (error: unknown) => JSON.stringify(error as CredentialError),
  );
}

function certificate(file: string): Certificate {
  const [found] = certificatesFromPem(readFileSync(file), { file });
  if (found === undefined) throw new Error(`no certificate in ${file}`);
  return found;
}

let root = "";
if (!skip) {
  const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  execFileSync("tar", ["xzf", archive, "-C", folder]);
  root = join(folder, "deployments");
}

await t.test("every signed document has the same outcome with both providers", { skip }, async (t) => {
  const authorities = ["ec", "rsa"].map((pki) => certificate(join(root, pki, "permissions_ca.pem")));
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".p7s"),
  );
  let good = 0;
  for (const file of files) {
    const bytes = readFileSync(join(root, file));
    for (const ca of authorities) {
      const [node, web] = [await outcome(bytes, ca, nodeCrypto()), await outcome(bytes, ca, webCrypto())];
      if (node !== web) t.equal(node, web, file);
      if (node.includes("bytes by")) good += 1;
    }
  }
  t.ok(files.length > 190 && good > 180, `${good} of ${files.length} verify by one of the two authorities`);
});

await t.test("a changed document has the same outcome with both providers", { skip }, async (t) => {
  for (const pki of ["ec", "rsa"]) {
    const ca = certificate(join(root, pki, "permissions_ca.pem"));
    const bytes = readFileSync(join(root, pki, "governance.p7s"));
    const step = 7;
    for (let at = 0; at < bytes.length; at += step) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      const [node, web] = [await outcome(changed, ca, nodeCrypto()), await outcome(changed, ca, webCrypto())];
      if (node !== web) t.equal(node, web, `${pki} byte ${at}`);
    }
    t.match(await outcome(bytes, ca, nodeCrypto()), "bytes by", pki);
  }
});

await t.test(
  "a PSS salt that WebCrypto cannot read verifies on Node, and WebCrypto says why not",
  { skip },
  async (t) => {
    const ca = certificate(join(root, "rsa/permissions_ca.pem"));
    const source = join(root, "cases/base/governance.xml");
    const output = join(root, "pss.p7s");
    for (const salt of [20, 32, 222]) {
      const key = [
        "-signer",
        join(root, "rsa/permissions_ca.pem"),
        "-inkey",
        join(root, "rsa/permissions_ca.key.pem"),
      ];
      const pss = ["-keyopt", "rsa_padding_mode:pss", "-keyopt", `rsa_pss_saltlen:${salt}`];
      execFileSync("openssl", ["cms", "-sign", "-text", "-in", source, "-out", output, ...key, ...pss]);
      const bytes = readFileSync(output);
      t.match(await outcome(bytes, ca, nodeCrypto()), "rsa_pss_sha256", `node, ${salt}`);
      const web = salt === 20 ? /SIGNATURE_INVALID.*nodeCrypto/ : "rsa_pss_sha256";
      t.match(await outcome(bytes, ca, webCrypto()), web, `webcrypto, ${salt}`);
    }
  },
);
