import {
  type BackendFixture,
  conformanceMaterial as material,
  type StoredPair,
} from "@ddscred/backend-conformance";
import {
  importMockKey,
  type MockBackend,
  type MockObject,
  mockBackend,
  mockToken,
} from "@ddscred/backend-mock";
import type { CredentialSource, DocumentSource, RevocationSource } from "@ddscred/core";

const keys = new Map(
  await Promise.all(
    [material.ec, material.rsa, ...material.twins].map(
      async (stored) => [stored, await importMockKey(stored.privateKey.der)] as const,
    ),
  ),
);

/** The material on a token that wants a login. */
export function fixtureOnTokens(): BackendFixture {
  return {
    source: backend(),
    supports: {
      ...NOTHING,
      documents: true,
      revocationLists: true,
      directory: true,
      keyGeneration: true,
      writing: true,
      ambiguity: true,
      login: true,
      secretsInUris: true,
    },
    uris: {
      ...fileUris,
      ecCertificate: "pkcs11:token=conformance;object=conformance-ec;type=cert",
      ecPrivateKey: `pkcs11:token=conformance;object=conformance-ec;type=private?pin-value=${PIN}`,
      rsaCertificate: "pkcs11:token=conformance;id=%DD%25;type=cert",
      rsaPrivateKey: `pkcs11:token=conformance;id=%DD%25?pin-value=${PIN}`,
      ca: "pkcs11:token=conformance;object=conformance-ca",
      missingCertificate: "pkcs11:token=conformance;object=conformance-ce",
      missingPrivateKey: `pkcs11:token=conformanc;object=conformance-ec?pin-value=${PIN}`,
      invalid: ["pkcs11:token=a;token=b", "pkcs11:object=%zz", "pkcs11:type=key", "pkcs11:?pin-value"],
      ambiguousCertificate: "pkcs11:object=conformance-twin",
      ambiguousPrivateKey: `pkcs11:object=conformance-twin?pin-value=${PIN}`,
      everything: `pkcs11:?pin-value=${PIN}`,
      newKey: `pkcs11:token=conformance;object=new-key?pin-value=${PIN}`,
      newCertificate: `pkcs11:token=conformance;object=new-key;type=cert?pin-value=${PIN}`,
      withoutPin: "pkcs11:token=conformance;object=conformance-ec",
      withWrongPin: "pkcs11:token=conformance;object=conformance-ec?pin-value=4321",
      withSecret: (secret) => [
        `pkcs11:token=missing;object=conformance-ec?pin-value=${secret}`,
        `pkcs11:token=conformance;object=%zz?pin-value=${secret}`,
        `pkcs11:token=conformance;pin-value=${secret};object=x`,
        `pkcs11:token=conformance?pin-value=${secret}%`,
        `data:,${secret}`,
        `data:application/x-pem-file;base64,${secret}%`,
      ],
    },
    unlock: (uri) => `${uri}?pin-value=${PIN}`,
  };
}

/** The material in files. */
export function fixtureOnFiles(): BackendFixture {
  return {
    source: filesOnly(backend()),
    supports: {
      ...NOTHING,
      documents: true,
      revocationLists: true,
      chains: true,
      secretsInUris: true,
    },
    uris: {
      ...fileUris,
      ecCertificate: "file:ec.pem",
      ecPrivateKey: "file:ec.key",
      rsaCertificate: "file:./rsa.pem",
      rsaPrivateKey: `data:,${encodeURIComponent(material.rsa.privateKey.pem)}`,
      ca: "file:ca.pem",
      chain: "file:chain.pem",
      missingCertificate: "file:ecc.pem",
      missingPrivateKey: "file:ecc.key",
      invalid: ["file:", "file://user@elsewhere/ec.pem", "file:%zz", "data:no-comma"],
      withSecret: (secret) => [`data:,${secret}`, `data:${secret}`, `data:;base64,${secret}%`],
    },
  };
}

/** The mock lists tokens alone; seen through this wrapper it is a source of files. */
function filesOnly(source: MockBackend): CredentialSource & DocumentSource & RevocationSource {
  return {
    name: source.name,
    schemes: ["file", "data"],
    certificates: (uri, options) => source.certificates(uri, options),
    signer: (uri, options) => source.signer(uri, options),
    document: (uri, options) => source.document(uri, options),
    revocationLists: (uri, options) => source.revocationLists(uri, options),
    close: () => source.close(),
    [Symbol.asyncDispose]: () => source.close(),
  };
}

export const PIN = "1234";

const NOTHING: BackendFixture["supports"] = {
  documents: false,
  revocationLists: false,
  directory: false,
  ecKeys: true,
  rsaKeys: true,
  keyGeneration: false,
  writing: false,
  health: false,
  chains: false,
  ambiguity: false,
  passphrases: false,
  login: false,
  secretsInUris: false,
};

const fileUris = {
  document: "file:document.p7s",
  missingDocument: "file:document.p7",
  revocationList: "file:crl.pem",
  missingRevocationList: "file:crl.p7",
};

function backend() {
  const pairs = [material.ec, material.rsa, ...material.twins];
  const { label, id, certificate } = material.ca;
  const objects: MockObject[] = [{ label, id, certificate: certificate.der }, ...pairs.flatMap(objectsOf)];
  return mockBackend({
    tokens: [mockToken({ label: "conformance", pin: PIN, objects })],
    files: {
      "ec.pem": material.ec.certificate.pem,
      "ec.key": material.ec.privateKey.pem,
      "rsa.pem": material.rsa.certificate.pem,
      "ca.pem": material.ca.certificate.pem,
      "chain.pem": material.chainPem,
      "document.p7s": material.document,
      "crl.pem": material.revocationList.pem,
    },
  });
}

function objectsOf(stored: StoredPair): MockObject[] {
  const key = keys.get(stored);
  if (key === undefined) throw new TypeError("the key was not imported");
  const { label, id, certificate } = stored;
  return [
    { label, id, key },
    { label, id, certificate: certificate.pem },
  ];
}
