// Outside truth: deployments whose verdict by the specification is known. They stand beside the repository; where
// they are missing the test says so.

import { fileBackend } from "@ddscred/backend-file";
import { createResolver } from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import { check } from "@ddscred/dds-security";
import t from "tap";
import {
  configurationOf,
  deploymentsIn,
  lacksDeployments,
  type RecordedDeployment,
  unpackDeployments,
} from "./support/recorded-deployments.ts";

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

const skip = lacksDeployments;

t.test(
  "identity, signature and URI deployments are decided as the specification does",
  { skip },
  async (t) => {
    const folder = unpackDeployments(t);
    const judged = deploymentsIn(folder).filter(({ id }) => /^(?:id|sig|uri)-/.test(id));
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

async function judge(deployment: RecordedDeployment, folder: string) {
  const crypto = nodeCrypto();
  const resolver = createResolver([fileBackend()], { crypto });
  const report = await check(configurationOf(deployment, folder), {
    resolver,
    crypto,
    domain: deployment.domain,
  });
  await resolver.close();
  const findings = report.findings
    .filter(({ severity }) => severity === "error")
    .map(({ code, message }) => `${code}: ${message}`);
  return { good: report.ok, findings: findings.join("; ") };
}
