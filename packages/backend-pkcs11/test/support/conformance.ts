import {
  type BackendFixture,
  conformanceMaterial as material,
  testBackend,
} from "@ddscred/backend-conformance";
import { pkcs11Backend } from "@ddscred/backend-pkcs11";
import t from "tap";
import { certificateObject, privateKeyObject } from "./objects.ts";
import { module, PIN, skip, TokenFolder } from "./softhsm.ts";

const TOKEN = "Conformance";
const onToken = `pkcs11:token=${TOKEN}`;
const login = `?pin-value=${PIN}`;

/** The contract of a backend, on SoftHSM, with the module in this process or in one of its own. */
export async function testOnSoftHsm(isolation: "inline" | "process"): Promise<void> {
  if (skip !== false) {
    t.pass("the contract of a backend", { skip });
    return;
  }
  const folder = new TokenFolder();
  t.teardown(() => folder.remove());
  const { ca, ec, rsa, twins } = material;
  folder.add(TOKEN, [
    certificateObject(ca.certificate.der, naming(ca)),
    certificateObject(ca.certificate.der, { label: "conformance-chain", id: "c0" }),
    certificateObject(ec.certificate.der, { label: "conformance-chain", id: "c1" }),
    ...[ec, rsa, ...twins].flatMap((pair) => [
      certificateObject(pair.certificate.der, naming(pair)),
      privateKeyObject(pair.privateKey.der, naming(pair)),
    ]),
  ]);
  // The module stays loaded from one rule to the next: a process takes its time to start.
  const keeper = pkcs11Backend({ module, isolation });
  t.teardown(() => keeper.close());
  await keeper.certificates(`${onToken};object=conformance-ca`);
  await testBackend({ test: (name, body) => t.test(name, body) }, () => fixture(isolation));
}

function naming({ label, id }: { label: string; id: Uint8Array }): { label: string; id: string } {
  return { label, id: Buffer.from(id).toString("hex") };
}

function fixture(isolation: "inline" | "process"): BackendFixture {
  return {
    source: pkcs11Backend({ module, isolation }),
    supports: {
      ecKeys: true,
      rsaKeys: true,
      documents: false,
      revocationLists: false,
      directory: true,
      keyGeneration: true,
      writing: true,
      health: true,
      chains: true,
      ambiguity: true,
      passphrases: false,
      login: true,
      secretsInUris: true,
    },
    unlock: (uri) => `${uri}${login}`,
    uris: {
      ecCertificate: `${onToken};object=conformance-ec;type=cert`,
      ecPrivateKey: `${onToken};object=conformance-ec;type=private${login}`,
      rsaCertificate: `${onToken};object=conformance-rsa;type=cert`,
      rsaPrivateKey: `${onToken};object=conformance-rsa;type=private${login}`,
      ca: `${onToken};object=conformance-ca;type=cert`,
      missingCertificate: `${onToken};object=conformance-none;type=cert`,
      missingPrivateKey: `${onToken};object=conformance-none;type=private${login}`,
      invalid: [
        "pkcs11:token",
        "pkcs11:token=a;token=b",
        "pkcs11:id=%zz",
        "pkcs11:token=a?pin-value=1&pin-source=file:/p",
      ],
      chain: `${onToken};object=conformance-chain`,
      ambiguousCertificate: `${onToken};object=conformance-twin;type=cert`,
      ambiguousPrivateKey: `${onToken};object=conformance-twin;type=private${login}`,
      everything: `${onToken}${login}`,
      newKey: `${onToken};object=new-${++fixtures}${login}`,
      newCertificate: `${onToken};object=new-${fixtures};type=cert${login}`,
      withoutPin: `${onToken};object=conformance-ec;type=private`,
      withWrongPin: `${onToken};object=conformance-ec;type=private?pin-value=wrong`,
      withSecret: (secret) => [
        `pkcs11:token=none;object=none?pin-value=${secret}`,
        `pkcs11:token=none;object=none?pin-value=${secret}&pin-source=file:/p`,
        `pkcs11:token=none;object=none;pin-value=${secret}`,
        `pkcs11:token=none;object=none?pin-source=|echo%20${secret}`,
        `pkcs11:token=none;object=%zz?pin-value=${secret}`,
      ],
    },
  };
}

/** So that each has names of its own. */
let fixtures = 0;
