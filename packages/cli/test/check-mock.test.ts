// Faults that no software token can show, and all the others once more, on the token in memory.

import { type MockDefect, mockDefects, mockDeployment } from "@ddscred/backend-mock";
import { createResolver, type ErrorCode } from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import { check, readCycloneConfiguration } from "@ddscred/dds-security";
import t from "tap";

const crypto = nodeCrypto();

const expected: Readonly<Record<MockDefect, ErrorCode>> = {
  "identity-expired": "CERTIFICATE_EXPIRED",
  "identity-not-yet-valid": "CERTIFICATE_NOT_YET_VALID",
  "identity-of-other-ca": "ISSUER_MISMATCH",
  "identity-signature-invalid": "SIGNATURE_INVALID",
  "identity-ca-expired": "CERTIFICATE_EXPIRED",
  "certificate-missing": "OBJECT_NOT_FOUND",
  "key-missing": "OBJECT_NOT_FOUND",
  "key-mismatch": "KEY_MISMATCH",
  "pin-wrong": "PIN_INCORRECT",
  "pin-locked": "PIN_LOCKED",
  "token-removed": "TOKEN_NOT_FOUND",
  "governance-altered": "DOCUMENT_CHANGED",
  "governance-of-other-ca": "DOCUMENT_SIGNER_MISMATCH",
  "governance-without-text-header": "DOCUMENT_TEXT_HEADER_MISSING",
  "permissions-altered": "DOCUMENT_CHANGED",
  "permissions-of-other-ca": "DOCUMENT_SIGNER_MISMATCH",
  "permissions-expired": "GRANT_EXPIRED",
  "permissions-not-yet-valid": "GRANT_NOT_YET_VALID",
  "permissions-of-other-subject": "SUBJECT_MISMATCH",
};

async function errorsOf(options: Parameters<typeof mockDeployment>[0]) {
  const { backend, configuration } = await mockDeployment(options);
  const [participant] = readCycloneConfiguration(configuration, { environment: {} });
  if (participant === undefined) throw new Error("no configuration");
  const report = await check(participant, { resolver: createResolver([backend], { crypto }), crypto });
  return {
    backend,
    codes: report.findings.filter(({ severity }) => severity === "error").map(({ code }) => code),
  };
}

t.test("every defect of a deployment in memory is one error, by its own code", async (t) => {
  for (const defect of Object.keys(mockDefects) as MockDefect[]) {
    const { codes } = await errorsOf({ defects: [defect] });
    t.ok(
      codes.length > 0 && codes.every((code) => code === expected[defect]),
      `${defect}: ${codes.join(", ")}`,
    );
  }
});

t.test("a CA that is out of date is told at the CA, beside a certificate that is too", async (t) => {
  const placesOf = async (...defects: MockDefect[]) => {
    const { backend, configuration } = await mockDeployment({ defects });
    const [participant] = readCycloneConfiguration(configuration, { environment: {} });
    if (participant === undefined) throw new Error("no configuration");
    const report = await check(participant, { resolver: createResolver([backend], { crypto }), crypto });
    return report.findings.filter(({ code }) => code === "CERTIFICATE_EXPIRED");
  };
  const ca = {
    property: "dds.sec.auth.identity_ca",
    uri: /identity_ca/,
    hint: /^Make the CA's certificate anew/,
  };
  const leaf = { property: "dds.sec.auth.identity_certificate", hint: "Have it renewed by its CA." };
  t.match(await placesOf("identity-ca-expired"), [ca]);
  t.match(await placesOf("identity-expired"), [leaf]);
  const both = await placesOf("identity-ca-expired", "identity-expired");
  t.match(both, [leaf, ca]);
  t.equal(both.length, 2);
});

t.test("a wrong PIN reaches the token once, however many URIs hold it", async (t) => {
  const { backend } = await errorsOf({ defects: ["pin-wrong"] });
  t.equal(backend.count("C_Login"), 1);
});

t.test("a token that is not there is told once, with all that it is wanted for", async (t) => {
  const { backend, configuration } = await mockDeployment({ defects: ["token-removed"] });
  const [participant] = readCycloneConfiguration(configuration, { environment: {} });
  if (participant === undefined) throw new Error("no configuration");
  const report = await check(participant, { resolver: createResolver([backend], { crypto }), crypto });
  const missing = report.findings.filter(({ code }) => code === "TOKEN_NOT_FOUND");
  t.equal(missing.length, 1);
  t.match(missing[0]?.message, /\(also for PrivateKey, PermissionsCA\)$/);
});

t.test("a device that fails is no verdict about the configuration", async (t) => {
  for (const [rv, code] of [
    ["CKR_DEVICE_ERROR", "DEVICE_ERROR"],
    ["CKR_DEVICE_REMOVED", "TOKEN_REMOVED"],
    ["CKR_SESSION_HANDLE_INVALID", "SESSION_LOST"],
    ["CKR_FUNCTION_CANCELED", "TOKEN_ERROR"],
  ] as const) {
    const { codes } = await errorsOf({ faults: [{ call: "C_Sign", rv }] });
    t.same(codes, [code], rv);
  }
});

t.test("an attribute that RFC 7512 does not name is a warning at its place", async (t) => {
  const { backend, configuration } = await mockDeployment();
  const [participant] = readCycloneConfiguration(configuration.replace(";object=", ";objekt="), {
    environment: {},
  });
  if (participant === undefined) throw new Error("no configuration");
  const { findings } = await check(participant, { resolver: createResolver([backend], { crypto }), crypto });
  t.match(
    findings.find(({ code }) => code === "URI_ATTRIBUTE_UNKNOWN"),
    { severity: "warning", message: /"objekt".*did you mean object/, location: { line: Number } },
  );
});

t.test("keys that DDS Security does not allow are refused, wherever they live", async (t) => {
  for (const keyKind of ["ec-secp256k1", "rsa-4096", "ed25519"] as const) {
    const { codes } = await errorsOf({ keyKind });
    t.ok(codes.includes("KEY_UNSUPPORTED"), `${keyKind}: ${codes.join(", ")}`);
  }
});

t.test(
  "what implementations differ on is a warning; with a peer it is an error for that peer, and nothing for others",
  async (t) => {
    const { backend, configuration } = await mockDeployment({ keyKind: "ec-p384" });
    const [participant] = readCycloneConfiguration(configuration, { environment: {} });
    if (participant === undefined) throw new Error("no configuration");
    const resolver = createResolver([backend], { crypto });
    const severities = async (peer?: "cyclonedds" | "fastdds" | "spec") => {
      const { ok, findings } = await check(participant, { resolver, crypto, ...(peer && { peer }) });
      return {
        ok,
        severities: findings.flatMap(({ code, severity }) => (code === "PEER_DIFFERS" ? severity : [])),
      };
    };
    t.match(await severities(), { ok: true, severities: ["warning"] });
    t.match(await severities("cyclonedds"), { ok: false, severities: ["error"] });
    t.strictSame(await severities("spec"), { ok: true, severities: [] });
    t.strictSame(await severities("fastdds"), { ok: true, severities: [] });
  },
);
