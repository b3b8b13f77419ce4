export { ConformanceFailure } from "./assert.ts";
export type {
  BackendFactory,
  BackendFixture,
  BackendSupport,
  Capability,
  FixtureMaterial,
  FixtureUris,
} from "./fixture.ts";
export type { Encoded } from "./material/encoded.ts";
export {
  type ConformanceMaterial,
  conformanceMaterial,
  type StoredCertificate,
  type StoredPair,
} from "./material/material.ts";
export { type TestRunner, testBackend } from "./test-backend.ts";
