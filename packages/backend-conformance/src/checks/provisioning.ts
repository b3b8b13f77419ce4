import {
  type CredentialSource,
  type CredentialWriter,
  createResolver,
  isCredentialDirectory,
  isCredentialWriter,
  isKeyGenerator,
  issueCertificate,
  type KeyGenerator,
  type NewKeyType,
  nameFromText,
  type StoredKeyPair,
  webCrypto,
} from "@ddscred/core";
import { credentialError, equal, fails, failsWithTypeError, given, ok, sameBytes } from "../assert.ts";
import { checkOf } from "../check.ts";
import type { BackendFixture } from "../fixture.ts";
import { encoded, latin1Bytes } from "../material/encoded.ts";
import { strangeCa, strangeCertificate } from "../material/strangers.ts";
import { Switch } from "../switch.ts";
import { NOT_FOUND } from "./certificates.ts";
import { collect } from "./directory.ts";
import { verifies } from "./sign.ts";
import { rowsInOrder } from "./signer.ts";

const message = latin1Bytes("signed by a key that was just made");

export const provisioning = [
  checkOf(
    "keyGeneration",
    "generateKeyPair() makes a key that signs, stays and is found by its URI",
    (fixture) =>
      withNewKey(fixture, async (made) => {
        await verifies(made, message);
        rowsInOrder(made, fixture.supports.ecKeys ? { keyType: "ec", curve: "P-256" } : { keyType: "rsa" });
        ok(made.extractable !== true, "the key cannot leave its place");
        ok(made.protection.sensitive !== false, "the key cannot be read out");
        const opened = await fixture.source.signer(unlocked(fixture, made.uri));
        sameBytes(opened.publicKey, made.publicKey, "the public key of the URI's key");
        await verifies(opened, message);
        if (!isCredentialDirectory(fixture.source)) return;
        const listed = await collect(fixture.source, unlocked(fixture, made.uri));
        equal(listed.map(({ uri }) => uri).join(), made.uri, "what list() gives for the key's URI");
      }),
  ),

  checkOf("keyGeneration", "generateKeyPair() under a name that is there is OBJECT_EXISTS", (fixture) =>
    withNewKey(fixture, async (made) => {
      await fails(() => generate(fixture), "OBJECT_EXISTS", "the same name again");
      const opened = await fixture.source.signer(unlocked(fixture, made.uri));
      sameBytes(opened.publicKey, made.publicKey, "the key of the name");
    }),
  ),

  checkOf("keyGeneration", "of two who make a key under one name at once, one makes it", async (fixture) => {
    const both = await Promise.allSettled([generate(fixture), generate(fixture)]);
    const made = both.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
    for (const one of made) await removeKey(fixture, one);
    equal(made.length, 1, "keys made");
    const refused = both.find((one) => one.status === "rejected");
    await fails(() => Promise.reject(refused?.reason), "OBJECT_EXISTS", "the other one");
  }),

  checkOf("keyGeneration", "generateKeyPair() that is aborted leaves no key behind", async (fixture) => {
    const signal = new Switch();
    signal.abort();
    await fails(() => generate(fixture, signal), "ABORTED", "a signal that is aborted already");
    const late = new Switch();
    const running = generate(fixture, late);
    await Promise.resolve();
    late.abort();
    // It may have ended just before.
    const outcome = await running.then((made) => removeKey(fixture, made), credentialErrorOf);
    if (outcome !== undefined) equal(outcome.code, "ABORTED", "aborted while it runs");
    await withNewKey(fixture, (made) => verifies(made, message));
  }),

  checkOf("keyGeneration", "generateKeyPair() judges its arguments", async (fixture) => {
    const { source, uris } = fixture;
    const options = { keyType: keyTypeOf(fixture) };
    await failsWithTypeError(
      () => generator(source).generateKeyPair(null as unknown as string, options),
      "null",
    );
    const unknown = { keyType: "rsa-512" as NewKeyType };
    const uri = given(uris.newKey, "uris.newKey");
    await failsWithTypeError(() => generator(source).generateKeyPair(uri, unknown), "an unknown keyType");
    for (const invalid of uris.invalid) {
      await fails(() => generator(source).generateKeyPair(invalid, options), "URI_INVALID", invalid);
    }
  }),

  checkOf(
    "writing",
    "importCertificate() stores what certificates() then reads, and remove() removes",
    async (fixture) => {
      const { source, uris } = fixture;
      const uri = given(uris.newCertificate, "uris.newCertificate");
      const { der } = encoded(strangeCa);
      const imported = await writer(source).importCertificate(uri, der);
      for (const name of [uri, imported.uri]) {
        const [first] = await source.certificates(name);
        sameBytes(first?.der, der, "the certificate");
      }
      equal(imported.privateKeyUri, undefined, "the private key of a certificate that has none there");
      await writer(source).remove(unlocked(fixture, imported.uri));
      await fails(() => source.certificates(uri), NOT_FOUND, "after remove()");
      await fails(() => writer(source).remove(unlocked(fixture, imported.uri)), NOT_FOUND, "remove() again");
    },
  ),

  checkOf(
    "writing",
    "importCertificate() refuses a certificate that is there, and a name that is",
    async (fixture) => {
      const { source, uris } = fixture;
      const uri = given(uris.newCertificate, "uris.newCertificate");
      const { der } = encoded(strangeCa);
      await withImported(fixture, der, {}, async () => {
        await fails(() => writer(source).importCertificate(uri, der), "OBJECT_EXISTS", "the same again");
        const other = encoded(strangeCertificate).der;
        const call = () => writer(source).importCertificate(uri, other, { withoutKey: true });
        await fails(call, "OBJECT_EXISTS", "another certificate under the same name");
      });
    },
  ),

  checkOf(
    "writing",
    "importCertificate() wants the certificate's key there, unless told otherwise",
    async (fixture) => {
      const { source, uris } = fixture;
      const uri = given(uris.newCertificate, "uris.newCertificate");
      const { der } = encoded(strangeCertificate);
      await fails(
        () => writer(source).importCertificate(uri, der),
        "KEY_MISMATCH",
        "no key of this certificate",
      );
      await withImported(fixture, der, { withoutKey: true }, async (name) => {
        const [first] = await source.certificates(name);
        sameBytes(first?.der, der, "the certificate");
      });
    },
  ),

  checkOf(
    "writing",
    "importCertificate() stores nothing that is no certificate",
    async ({ source, uris }) => {
      const uri = given(uris.newCertificate, "uris.newCertificate");
      const { der } = encoded(strangeCa);
      const no = ["DER_INVALID", "CERTIFICATE_INVALID"] as const;
      for (const bytes of [new Uint8Array(), Uint8Array.of(0x30, 0), der.subarray(1), der.subarray(0, -1)]) {
        await fails(() => writer(source).importCertificate(uri, bytes), no, `${bytes.length} bytes`);
      }
      const text = strangeCa as unknown as Uint8Array;
      await failsWithTypeError(() => writer(source).importCertificate(uri, text), "a text");
      await fails(() => source.certificates(uri), NOT_FOUND, "afterwards");
    },
  ),

  checkOf("writing", "importCertificate() and remove() that are aborted change nothing", async (fixture) => {
    const { source, uris } = fixture;
    const uri = given(uris.newCertificate, "uris.newCertificate");
    const { der } = encoded(strangeCa);
    const signal = new Switch();
    signal.abort();
    await fails(
      () => writer(source).importCertificate(uri, der, { signal }),
      "ABORTED",
      "importCertificate()",
    );
    await fails(() => source.certificates(uri), NOT_FOUND, "afterwards");
    await withImported(fixture, der, {}, async (name) => {
      await fails(() => writer(source).remove(unlocked(fixture, name), { signal }), "ABORTED", "remove()");
      const [first] = await source.certificates(name);
      sameBytes(first?.der, der, "the certificate");
    });
  }),

  checkOf("writing", "remove() of what is not there, or is several, removes nothing", async (fixture) => {
    const { source, uris } = fixture;
    const missing = unlocked(fixture, uris.missingCertificate);
    await fails(() => writer(source).remove(missing), NOT_FOUND, "no match");
    const several = uris.ambiguousCertificate;
    if (several === undefined) return;
    const call = () => writer(source).remove(unlocked(fixture, several));
    const { candidates = [] } = await fails(call, "OBJECT_AMBIGUOUS", "several matches");
    ok(candidates.length > 1, "the candidates are named");
    for (const candidate of candidates) await source.certificates(candidate);
  }),

  checkOf(
    "writing",
    "a certificate is stored beside its key: both open as one credential",
    async (fixture) => {
      const { source, uris } = fixture;
      if (!isKeyGenerator(source)) return;
      await withNewKey(fixture, async (made) => {
        const der = await certificateFor(made);
        const uri = given(uris.newCertificate, "uris.newCertificate");
        const imported = await writer(source).importCertificate(uri, der);
        try {
          equal(imported.privateKeyUri, made.uri, "the private key of the certificate");
          const names = { certificate: imported.uri, privateKey: unlocked(fixture, made.uri) };
          const { certificate } = await createResolver([source]).credential(names, {
            proofOfPossession: true,
          });
          sameBytes(certificate.der, der, "the certificate");
        } finally {
          await writer(source).remove(unlocked(fixture, imported.uri));
        }
      });
    },
  ),
];

const credentialErrorOf = (error: unknown) => credentialError(error, "generateKeyPair()");

/** Makes a key, and removes it afterwards where that can be done. */
async function withNewKey(
  fixture: BackendFixture,
  run: (made: StoredKeyPair) => Promise<void>,
): Promise<void> {
  const made = await generate(fixture);
  try {
    await run(made);
  } finally {
    await removeKey(fixture, made);
  }
}

async function removeKey(fixture: BackendFixture, { uri, publicKeyUri }: StoredKeyPair): Promise<void> {
  const { source } = fixture;
  if (!isCredentialWriter(source)) return;
  await source.remove(unlocked(fixture, uri));
  if (publicKeyUri !== undefined) await source.remove(unlocked(fixture, publicKeyUri));
  await fails(() => source.signer(unlocked(fixture, uri)), NOT_FOUND, "the key after remove()");
}

async function withImported(
  fixture: BackendFixture,
  der: Uint8Array,
  options: { withoutKey?: boolean },
  run: (uri: string) => Promise<void>,
): Promise<void> {
  const to = given(fixture.uris.newCertificate, "uris.newCertificate");
  const { uri } = await writer(fixture.source).importCertificate(to, der, options);
  try {
    await run(uri);
  } finally {
    await writer(fixture.source).remove(unlocked(fixture, uri));
  }
}

async function certificateFor(key: StoredKeyPair): Promise<Uint8Array> {
  const subject = nameFromText("CN=conformance new,O=ddscred");
  const validity = { notBefore: new Date("2020-01-01"), notAfter: new Date("2046-01-01") };
  return issueCertificate({ subject, publicKey: key.publicKey, ...validity }, key, webCrypto());
}

function generate(fixture: BackendFixture, signal?: Switch): Promise<StoredKeyPair> {
  const uri = given(fixture.uris.newKey, "uris.newKey");
  const options = { keyType: keyTypeOf(fixture), ...(signal === undefined ? {} : { signal }) };
  return generator(fixture.source).generateKeyPair(uri, options);
}

const keyTypeOf = ({ supports }: BackendFixture): NewKeyType => (supports.ecKeys ? "ec-p256" : "rsa-2048");

const unlocked = ({ unlock }: BackendFixture, uri: string): string =>
  uri.includes("?") ? uri : (unlock?.(uri) ?? uri);

function generator(source: CredentialSource): KeyGenerator {
  return source as CredentialSource & KeyGenerator;
}

function writer(source: CredentialSource): CredentialWriter {
  return source as CredentialSource & CredentialWriter;
}
