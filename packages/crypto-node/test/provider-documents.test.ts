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
  "RFC 4055 3.1: a PSS signature has just the salt that it names, with both providers",
  { skip },
  async (t) => {
    const ca = certificate(join(root, "rsa/permissions_ca.pem"));
    const source = join(root, "cases/base/governance.xml");
    const output = join(root, "pss.p7s");
    const key = [
      "-signer",
      join(root, "rsa/permissions_ca.pem"),
      "-inkey",
      join(root, "rsa/permissions_ca.key.pem"),
    ];
    for (const salt of [0, 20, 32, 48, 222]) {
      const pss = ["-keyopt", "rsa_padding_mode:pss", "-keyopt", `rsa_pss_saltlen:${salt}`];
      execFileSync("openssl", ["cms", "-sign", "-text", "-in", source, "-out", output, ...key, ...pss]);
      const bytes = readFileSync(output);
      for (const crypto of [nodeCrypto(), webCrypto()]) {
        t.match(await outcome(bytes, ca, crypto), "rsa_pss_sha256", `${crypto.name}, ${salt}`);
      }
      if (salt !== 32) continue;
      const changed = naming(31, bytes.toString("latin1"));
      for (const crypto of [nodeCrypto(), webCrypto()]) {
        t.match(await outcome(changed, ca, crypto), "SIGNATURE_INVALID", `${crypto.name}, 32 named 31`);
      }
    }
  },
);

/** A document whose signature names another length of its salt than 32; nothing that is signed is changed. */
function naming(salt: number, document: string): Uint8Array {
  const [, base64 = ""] = /base64\r?\n(?:[^\r\n]+\r?\n)*\r?\n([\s\S]*?)\r?\n\r?\n--/.exec(document) ?? [];
  const cms = Buffer.from(base64, "base64");
  const at = cms.lastIndexOf(Buffer.from("a203020120", "hex"));
  if (at < 0) throw new Error("no salt length");
  cms[at + 4] = salt;
  return Buffer.from(document.replace(base64, cms.toString("base64")), "latin1");
}
