import { testBackend } from "@ddscred/backend-conformance";
import t from "tap";
import { fixtureOnFiles, fixtureOnTokens } from "./fixtures.ts";

await t.test("pkcs11: URIs keep the contract of a backend", async (t) => {
  await testBackend(t, fixtureOnTokens);
});

await t.test("file: and data: URIs keep the contract of a backend", async (t) => {
  await testBackend(t, fixtureOnFiles);
});
