import {
  createResolver,
  isKeyGenerator,
  issueCertificate,
  nameFromText,
  type StoredKeyPair,
  webCrypto,
} from "@ddscred/core";
import { equal, fails, failsWithTypeError, given, ok, sameBytes } from "../assert.ts";
import { checkOf } from "../check.ts";
import type { BackendFixture } from "../fixture.ts";
import { encoded } from "../material/encoded.ts";
import { strangeCa, strangeCertificate } from "../material/strangers.ts";
import { Switch } from "../switch.ts";
import { NOT_FOUND } from "./certificates.ts";
import { unlocked, withNewKey, writer } from "./provisioning.ts";

export const writing = [
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
    await fails(() => source.certificates(several), "OBJECT_AMBIGUOUS", "several match afterwards too");
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
