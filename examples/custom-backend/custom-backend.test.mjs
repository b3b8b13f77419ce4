import { conformanceMaterial as material, testBackend } from "@ddscred/backend-conformance";
import { createResolver } from "@ddscred/core";
import { kmsBackend } from "ddscred-backend-kms";
import t from "tap";
import { memoryKms } from "./memory-kms.mjs";

const { ec, rsa, ca, chainPem } = material;
const client = memoryKms({
  "team/ec": { certificate: ec.certificate.pem, privateKey: ec.privateKey.pem },
  "team/rsa": { certificate: rsa.certificate.pem, privateKey: rsa.privateKey.pem },
  "team/chain": { certificate: chainPem, privateKey: ec.privateKey.pem },
  ca: { certificate: ca.certificate.pem },
});

await t.test("the backend keeps the contract", (t) =>
  testBackend(t, () => ({
    source: kmsBackend(client),
    supports: {
      ecKeys: true,
      rsaKeys: true,
      chains: true,
      documents: false,
      revocationLists: false,
      directory: false,
      keyGeneration: false,
      writing: false,
      health: false,
      ambiguity: false,
      passphrases: false,
      login: false,
      secretsInUris: false,
    },
    uris: {
      ecCertificate: "kms:team/ec",
      ecPrivateKey: "kms:team/ec",
      rsaCertificate: "kms:team/rsa",
      rsaPrivateKey: "kms:team/rsa",
      ca: "kms:ca",
      chain: "kms:team/chain",
      missingCertificate: "kms:team/ecc",
      missingPrivateKey: "kms:team/ecc",
      invalid: ["kms:", "kms:a b", "kms:%zz"],
    },
  })),
);

await t.test("a resolver opens a credential of the service", async (t) => {
  const resolver = createResolver([kmsBackend(client)]);
  t.teardown(() => resolver.close());
  const uris = { certificate: "kms:team/ec", privateKey: "kms:team/ec" };
  const { signer } = await resolver.credential(uris, { proofOfPossession: true });
  t.equal(signer.extractable, false);
});

await t.test("a service that is down is an error that may pass", async (t) => {
  const down = async () => {
    throw Object.assign(new Error("503"), { name: "ServiceUnavailable" });
  };
  const backend = kmsBackend({ getCertificate: down, getPublicKey: down, sign: down });
  await t.rejects(backend.signer("kms:team/ec"), { code: "DEVICE_ERROR", retryable: true });
});
