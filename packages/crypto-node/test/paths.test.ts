import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CryptoProvider, explainPath, parseCertificate, rfc5280Profile, webCrypto } from "@ddscred/core";
import t from "tap";
import { nodeCrypto } from "../dist/index.js";

interface PkitsCase {
  readonly id: string;
  readonly certs: readonly string[];
  readonly crls: readonly string[];
  readonly time: string;
}

const archive = fileURLToPath(new URL("../../../../shared/vectors/pkits.tar.gz", import.meta.url));
const vectors = existsSync(archive) ? {} : { skip: "the vectors pkits.tar.gz are not there" };

t.test("both providers give the same verdict on every path of NIST PKITS", vectors, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "ddscred-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  execFileSync("tar", ["xzf", archive, "-C", folder]);
  const read = (path: string) => readFileSync(join(folder, "pkits", path));
  const { tests } = JSON.parse(read("pkits.json").toString()) as { tests: PkitsCase[] };
  const verdict = async ({ certs, crls, time }: PkitsCase, crypto: CryptoProvider) => {
    const [anchor, ...rest] = certs.map((name) => parseCertificate(read(`certs/${name}.crt`)));
    const leaf = rest.pop();
    if (anchor === undefined || leaf === undefined) throw new Error("a case has two certificates");
    const lists = crls.map((name) => read(`crls/${name}.crl`));
    const { path, error } = await explainPath({
      leaf,
      intermediates: rest,
      anchors: [anchor],
      at: new Date(time),
      crypto,
      profile: rfc5280Profile,
      revocation: { lists },
    });
    return path === undefined ? `${error?.code}: ${error?.message}` : "accepted";
  };
  const [node, web] = [nodeCrypto(), webCrypto()];
  let accepted = 0;
  for (const test of tests) {
    const [one, other] = [await verdict(test, node), await verdict(test, web)];
    if (one !== other) t.equal(one, other, test.id);
    if (one === "accepted") accepted += 1;
  }
  t.ok(accepted > 100 && accepted < tests.length, `${accepted} of ${tests.length} accepted`);
});
