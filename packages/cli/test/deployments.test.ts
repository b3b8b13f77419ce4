// Outside truth: deployments whose verdict by the specification is known. They stand beside the repository; where
// they are missing the test says so.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileBackend } from "@ddscred/backend-file";
import { createResolver } from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import { check, configurationFromProperties } from "@ddscred/dds-security";
import t from "tap";
import { root, temporaryFolder } from "./support/program.ts";

interface DeploymentCase {
  readonly id: string;
  readonly why: string;
  readonly domain: number;
  readonly properties: Readonly<Record<string, string>>;
  /** A map of queries, or of `check` alone; null where the specification does not decide. */
  readonly specVerdict: Readonly<Record<string, boolean>> | null;
}

/** Verdicts that we chose where the specification has none, or that are stricter than it; each with its reason. */
const chosen: Readonly<Record<string, { good: boolean; why: string }>> = {
  "sig-binary": {
    good: false,
    why: "the signed content has bare line ends, so its text/plain header is not found by any implementation",
  },
  "id-ros-cn": { good: false, why: "its permissions are for another subject than the certificate's" },
  "id-ca-v1": {
    good: true,
    why: "an anchor is trusted by being named; check warns that Fast DDS does not accept it",
  },
  "uri-trailing-space": { good: false, why: "the blank belongs to the path, and there is no such file" },
};

const archive = join(root, "../shared/vectors/deployments.tar.gz");
const skip = existsSync(archive) ? false : "the vectors are not beside the repository";

t.test(
  "identity, signature and URI deployments are decided as the specification does",
  { skip },
  async (t) => {
    const folder = join(temporaryFolder(t), "deployments");
    execFileSync("tar", ["xzf", archive, "-C", join(folder, "..")]);
    const cases: DeploymentCase[] = JSON.parse(readFileSync(join(folder, "cases.json"), "utf8"));
    const judged = cases.filter(({ id }) => /^(?:id|sig|uri)-/.test(id));
    t.ok(judged.length >= 40, `${judged.length} cases`);
    for (const deployment of judged) {
      const { good, findings } = await judge(deployment, folder);
      const wanted =
        chosen[deployment.id]?.good ?? Object.values(deployment.specVerdict ?? {}).every(Boolean);
      t.ok(deployment.specVerdict !== null || deployment.id in chosen, `${deployment.id} has a verdict`);
      t.equal(good, wanted, `${deployment.id} (${deployment.why}): ${findings}`);
    }
  },
);

async function judge({ properties, domain }: DeploymentCase, folder: string) {
  const pem = readFileSync(join(folder, "ec/identity_ca.pem"), "utf8");
  const fill = (value: string) =>
    value.replaceAll("{abs}", folder).replace("{pem}", pem).replace("{pct}", encodeURIComponent(pem));
  const entries = Object.entries(properties).map(([name, value]) => {
    if (name === "password") return { name, value };
    return { name, value: value.startsWith("RAW ") ? fill(value.slice(4)) : `file:${join(folder, value)}` };
  });
  const crypto = nodeCrypto();
  const resolver = createResolver([fileBackend()], { crypto });
  const report = await check(configurationFromProperties(entries), { resolver, crypto, domain });
  await resolver.close();
  const findings = report.findings
    .filter(({ severity }) => severity === "error")
    .map(({ code, message }) => `${code}: ${message}`);
  return { good: report.ok, findings: findings.join("; ") };
}
