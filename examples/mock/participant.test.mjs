import assert from "node:assert/strict";
import test from "node:test";
import { mockDeployment } from "@ddscred/backend-mock";
import { createResolver, webCrypto } from "@ddscred/core";
import { check, readCycloneConfiguration } from "@ddscred/dds-security";

test("a participant on a token is good, and a wrong PIN is told apart", async () => {
  for (const [defects, error] of [
    [[], undefined],
    [["pin-wrong"], "PIN_INCORRECT"],
  ]) {
    const { backend, configuration } = await mockDeployment({ defects });
    const [participant] = readCycloneConfiguration(configuration, { environment: {} });
    const report = await check(participant, { resolver: createResolver([backend]), crypto: webCrypto() });
    assert.equal(report.findings.find(({ severity }) => severity === "error")?.code, error);
  }
});
