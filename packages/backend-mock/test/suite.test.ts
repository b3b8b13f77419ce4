import { type BackendFixture, testBackend } from "@ddscred/backend-conformance";
import type { MockBackend } from "@ddscred/backend-mock";
import {
  CredentialError,
  type CredentialSource,
  type CredentialWriter,
  type KeyGenerator,
  type Signer,
} from "@ddscred/core";
import t from "tap";
import { fixtureOnTokens, PIN } from "./fixtures.ts";

/*
 * The conformance suite itself: a backend that keeps the contract passes, and each breach of it is caught, by
 * the test that names the rule.
 */

type Breach = (
  source: CredentialSource,
  fixture: BackendFixture,
) => Partial<BackendFixture> | CredentialSource;

const breaches: readonly (readonly [name: string, caughtBy: string, breach: Breach])[] = [
  [
    "an empty list instead of an error",
    "certificates() of a URI that matches nothing",
    (source) =>
      over(source, { certificates: (uri, options) => source.certificates(uri, options).catch(() => []) }),
  ],
  [
    "the wrong certificate first",
    "certificates() gives the stored certificate",
    (source, fixture) => over(source, { certificates: () => source.certificates(fixture.uris.ca) }),
  ],
  [
    "a plain Error",
    "signer() of a URI that matches nothing",
    (source) =>
      over(source, {
        signer: (uri, options) => source.signer(uri, options).catch(() => Promise.reject(new Error("no"))),
      }),
  ],
  [
    "an empty hint",
    "signer() of a URI that matches nothing",
    (source) =>
      over(source, {
        signer: (uri, options) =>
          source
            .signer(uri, options)
            .catch((error: CredentialError) =>
              Promise.reject(new CredentialError(error.code, error.message, { hint: "", uri })),
            ),
      }),
  ],
  [
    "another key's public half",
    "a signer's public key is",
    (source) => signing(source, (key) => ({ ...key, publicKey: key.publicKey.slice(1) })),
  ],
  [
    "schemes in another order",
    "a signer's schemes are rows",
    (source) => signing(source, (key) => ({ ...key, schemes: key.schemes.toReversed() })),
  ],
  [
    "a digest signed as the message",
    "a signature in every scheme of an EC key",
    (source) =>
      signing(source, (key) => ({
        ...key,
        sign: async (scheme, message) =>
          key.sign(scheme, new Uint8Array(await crypto.subtle.digest("SHA-256", message))),
      })),
  ],
  [
    "a digest taken for one where it has the length",
    "the message is signed whole",
    (source) =>
      signing(source, (key) => ({
        ...key,
        sign: async (scheme, message, options) =>
          key.sign(scheme, message.length === 32 ? message.subarray(1) : message, options),
      })),
  ],
  [
    "any scheme is tried",
    "a scheme that is not one of the signer's",
    (source) =>
      signing(source, (key) => ({
        ...key,
        sign: (scheme, message) => key.sign(key.schemes[0] ?? scheme, message),
      })),
  ],
  [
    "signatures that get mixed",
    "32 signatures at once",
    (source) => {
      let last: Uint8Array = new Uint8Array();
      return signing(source, (key) => ({
        ...key,
        sign: async (scheme, message, options) => {
          last = message;
          await Promise.resolve();
          return key.sign(scheme, last, options);
        },
      }));
    },
  ],
  [
    "the first of several keys",
    "several keys for one URI",
    (source) =>
      over(source, {
        signer: (uri, options) =>
          source
            .signer(uri, options)
            .catch((error: CredentialError) =>
              error.code === "OBJECT_AMBIGUOUS"
                ? source.signer(`${error.candidates?.[0]}?pin-value=${PIN}`, options)
                : Promise.reject(error),
            ),
      }),
  ],
  [
    "candidates that name nothing",
    "each candidate for a certificate",
    (source) =>
      over(source, {
        certificates: (uri, options) =>
          source
            .certificates(uri, options)
            .catch((error: CredentialError) =>
              Promise.reject(
                new CredentialError(error.code, error.message, { uri, candidates: ["pkcs11:object=x"] }),
              ),
            ),
      }),
  ],
  [
    "the PIN in the message",
    "a secret in a URI is in no error",
    (source) =>
      over(source, {
        signer: (uri, options) =>
          source
            .signer(uri, options)
            .catch((error: CredentialError) =>
              Promise.reject(new CredentialError(error.code, `${error.message} at ${uri}`, { uri })),
            ),
      }),
  ],
  [
    "the PIN in the cause",
    "a secret in a URI is in no error",
    (source) =>
      over(source, {
        signer: (uri, options) =>
          source
            .signer(uri, options)
            .catch((error: CredentialError) =>
              Promise.reject(new CredentialError(error.code, error.message, { uri, cause: { uri } })),
            ),
      }),
  ],
  [
    "arguments taken as they come",
    "anything but a string for a URI",
    (source) =>
      over(source, {
        certificates: (uri, options) =>
          source.certificates(typeof uri === "string" ? uri : "pkcs11:", options),
      }),
  ],
  [
    "open after close",
    "after close() every call",
    (source) => over(source, { close: async () => undefined }),
  ],
  [
    "the signal not looked at",
    "a signal that is aborted already",
    (source) => over(source, { certificates: (uri) => source.certificates(uri) }),
  ],
  [
    "a listener left behind",
    "a call that has ended leaves no listener",
    (source) =>
      over(source, {
        certificates: (uri, options) => {
          options?.signal?.addEventListener("abort", () => undefined);
          return source.certificates(uri, options);
        },
      }),
  ],
  [
    "a document in other line ends",
    "document() gives the bytes untouched",
    (source) => {
      const { document } = source as unknown as { document: (uri: string) => Promise<Uint8Array> };
      const changed = async (uri: string) => (await document.call(source, uri)).filter((byte) => byte !== 13);
      return Object.assign(over(source, {}), { document: changed });
    },
  ],
  [
    "a second key under a name",
    "generateKeyPair() under a name that is there",
    (source) =>
      writing(source, ({ generateKeyPair }) => ({
        generateKeyPair: (uri, options) =>
          generateKeyPair(uri, options).catch(() =>
            generateKeyPair(uri.replace("new-key", "new-key-2"), options),
          ),
      })),
  ],
  [
    "a key that is left behind",
    "generateKeyPair() that is aborted",
    (source) =>
      writing(source, ({ generateKeyPair }) => ({
        generateKeyPair: (uri, { keyType, signal }) => {
          const made = generateKeyPair(uri, { keyType });
          return signal?.aborted === true
            ? made.then(() => Promise.reject(new CredentialError("ABORTED", "aborted")))
            : made;
        },
      })),
  ],
  [
    "a certificate away from its key",
    "a certificate is stored beside its key",
    (source) =>
      writing(source, ({ importCertificate }) => ({
        importCertificate: async (uri, certificate, options) => ({
          uri: (await importCertificate(uri, certificate, options)).uri,
        }),
      })),
  ],
  [
    "a certificate whose key is not asked for",
    "importCertificate() wants the certificate's key there",
    (source) =>
      writing(source, ({ importCertificate }) => ({
        importCertificate: (uri, certificate) => importCertificate(uri, certificate, { withoutKey: true }),
      })),
  ],
  [
    "an object that stays",
    "importCertificate() stores what certificates() then reads, and remove()",
    (source) => writing(source, () => ({ remove: async () => undefined })),
  ],
  [
    "the first of several objects removed",
    "remove() of what is not there, or is several",
    (source) =>
      writing(source, ({ remove }) => ({
        remove: (uri, options) =>
          remove(uri, options).catch((error: CredentialError) =>
            error.code === "OBJECT_AMBIGUOUS"
              ? remove(`${error.candidates?.[0]}?pin-value=${PIN}`, options)
              : Promise.reject(error),
          ),
      })),
  ],
  [
    "a capability that is there and not declared",
    "what the fixture declares in supports",
    (_, fixture) => ({ supports: { ...fixture.supports, revocationLists: false } }),
  ],
  [
    "a capability that is declared and not there",
    "what the fixture declares in supports",
    (_, fixture) => ({ supports: { ...fixture.supports, health: true } }),
  ],
  [
    "no word on a capability",
    "what the fixture declares in supports",
    (_source, fixture) => {
      const { login: _, ...rest } = fixture.supports;
      return { supports: rest as BackendFixture["supports"] };
    },
  ],
  [
    "a login without a PIN",
    "a key behind a login wants a PIN",
    (source) =>
      over(source, {
        signer: (uri, options) => source.signer(uri.includes("?") ? uri : `${uri}?pin-value=${PIN}`, options),
      }),
  ],
];

t.test("a backend that keeps the contract passes every test, and each is named once", async (t) => {
  const { names, failed } = await results(fixtureOnTokens);
  t.same(failed, []);
  t.equal(new Set(names).size, names.length);
});

for (const [name, caughtBy, breach] of breaches) {
  t.test(`caught: ${name}`, async (t) => {
    const { failed } = await results(() => {
      const fixture = fixtureOnTokens();
      const broken = breach(fixture.source, fixture);
      return "certificates" in broken ? { ...fixture, source: broken } : { ...fixture, ...broken };
    }, caughtBy);
    t.ok(failed.length > 0, `by "${caughtBy}"`);
  });
}

t.test("the suite wants a runner and a factory, and nothing can be skipped", async (t) => {
  await t.rejects(testBackend({} as Parameters<typeof testBackend>[0], fixtureOnTokens), TypeError);
  await t.rejects(testBackend(t, undefined as unknown as typeof fixtureOnTokens), TypeError);
  t.equal(testBackend.length, 2);
});

/** Runs the tests whose name begins so, with a runner that takes notes. */
async function results(factory: () => BackendFixture, only = "") {
  const names: string[] = [];
  const failed: string[] = [];
  await testBackend(
    {
      async test(name, body) {
        if (!name.startsWith(only)) return;
        names.push(name);
        await body().catch(() => failed.push(name));
      },
    },
    factory,
  );
  return { names, failed };
}

/** The source with some methods replaced. */
function over(source: CredentialSource, methods: Partial<CredentialSource>): CredentialSource {
  return new Proxy(source, {
    get(target, property) {
      if (Object.hasOwn(methods, property)) return Reflect.get(methods, property);
      const value: unknown = Reflect.get(target, property);
      return typeof value === "function" ? value.bind(target) : value;
    },
    set(_, property, value) {
      return Reflect.set(methods, property, value);
    },
  });
}

function signing(source: CredentialSource, change: (key: Signer) => Signer): CredentialSource {
  return over(source, { signer: async (uri, options) => change(await source.signer(uri, options)) });
}

/** The source with some methods of making and storing replaced, which are given those of the source. */
function writing(source: CredentialSource, change: (real: Writing) => Partial<Writing>): CredentialSource {
  const { generateKeyPair, importCertificate, remove } = source as MockBackend;
  const real: Writing = {
    generateKeyPair: generateKeyPair.bind(source),
    importCertificate: importCertificate.bind(source),
    remove: remove.bind(source),
  };
  return Object.assign(over(source, {}), change(real));
}

type Writing = KeyGenerator & CredentialWriter;
