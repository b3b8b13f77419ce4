import {
  type BackendFixture,
  type BackendSupport,
  type Capability,
  type FixtureMaterial,
  type FixtureUris,
  testBackend,
} from "@ddscred/backend-conformance";
import { type Pkcs11BackendOptions, type Pkcs11Source, pkcs11Backend } from "@ddscred/backend-pkcs11";
import type { CredentialDirectory, CredentialSource, HealthReport } from "@ddscred/core";
import type { Test } from "tap";

/** A token that holds the material of the conformance suite, or keys of its own and certificates for them. */
export interface TokenUnderTest {
  readonly name: string;
  /** How the module is started, in each isolation that is tested. */
  readonly options: Pkcs11BackendOptions;
  readonly label: string;
  readonly pin: string;
  readonly material?: FixtureMaterial;
  /** What the token cannot do, each with the reason. */
  readonly cannot?: Partial<Record<Capability, string>>;
  /** For a token that gives its objects names of its own. */
  readonly uris?: Partial<FixtureUris>;
  /** Called after each rule, when nobody uses the module any more. Without it the module stays loaded between rules. */
  readonly afterEach?: () => void;
}

/** The contract of a backend on one token, with the module in this process and in one of its own. */
export async function testToken(
  t: Test,
  token: TokenUnderTest,
  isolations: readonly ("inline" | "process")[] = ["inline", "process"],
): Promise<void> {
  for (const isolation of isolations) {
    await t.test(`${token.name}, ${isolation}`, async (t) => {
      for (const [what, reason] of Object.entries(token.cannot ?? {})) t.comment(`no ${what}: ${reason}`);
      if (token.afterEach === undefined) await keepLoaded(t, token, isolation);
      await testBackend({ test: (name, body) => t.test(name, body) }, () => fixture(token, isolation));
    });
  }
}

/** Some modules need seconds to start. */
async function keepLoaded(t: Test, token: TokenUnderTest, isolation: "inline" | "process"): Promise<void> {
  const keeper = pkcs11Backend({ ...token.options, isolation });
  t.teardown(() => keeper.close());
  await keeper.certificates(`${objectsOf(token)};type=cert;id=%00`).catch(() => undefined);
}

function fixture(token: TokenUnderTest, isolation: "inline" | "process"): BackendFixture {
  const { options, pin, material, cannot = {} } = token;
  const supports = Object.fromEntries(
    Object.entries(abilities).map(([name, can]) => [name, can && !(name in cannot)]),
  ) as unknown as BackendSupport;
  const offered = { ...usualUris(token), ...token.uris };
  const source = pkcs11Backend({ ...options, isolation });
  const kept = Object.entries(offered).filter(
    ([name]) => !Object.entries(urisOf).some(([of, names]) => of in cannot && names.includes(name)),
  );
  return {
    source: supports.writing ? source : reading(source),
    supports,
    unlock: (uri) => `${uri}?pin-value=${pin}`,
    uris: Object.fromEntries(kept) as unknown as FixtureUris,
    ...(material === undefined ? {} : { material }),
    ...(token.afterEach === undefined ? {} : { release: token.afterEach }),
  };
}

/** The source without what it can write, for a token that takes nothing from it. */
function reading(source: Pkcs11Source): CredentialSource & CredentialDirectory & HealthReport {
  return {
    name: source.name,
    schemes: source.schemes,
    certificates: (uri, options) => source.certificates(uri, options),
    signer: (uri, options) => source.signer(uri, options),
    list: (uri, options) => source.list(uri, options),
    diagnose: (options) => source.diagnose(options),
    close: () => source.close(),
    [Symbol.asyncDispose]: () => source.close(),
  };
}

/** What the backend can do where the token can. */
const abilities: BackendSupport = {
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
};

/** The URIs that a fixture leaves out with a capability. */
const urisOf: Partial<Record<Capability, readonly string[]>> = {
  ecKeys: ["ecCertificate", "ecPrivateKey"],
  rsaKeys: ["rsaCertificate", "rsaPrivateKey"],
  chains: ["chain"],
  ambiguity: ["ambiguousCertificate", "ambiguousPrivateKey"],
  keyGeneration: ["newKey"],
  writing: ["newCertificate"],
};

function usualUris(token: TokenUnderTest): FixtureUris {
  const { pin, cannot = {} } = token;
  const on = objectsOf(token);
  const login = `?pin-value=${pin}`;
  const first = cannot.ecKeys === undefined ? "ec" : "rsa";
  return {
    ecCertificate: `${on};object=conformance-ec;type=cert`,
    ecPrivateKey: `${on};object=conformance-ec;type=private${login}`,
    rsaCertificate: `${on};object=conformance-rsa;type=cert`,
    rsaPrivateKey: `${on};object=conformance-rsa;type=private${login}`,
    ca: `${on};object=conformance-ca;type=cert`,
    missingCertificate: `${on};object=conformance-none;type=cert`,
    missingPrivateKey: `${on};object=conformance-none;type=private${login}`,
    invalid: [
      "pkcs11:token",
      "pkcs11:token=a;token=b",
      "pkcs11:id=%zz",
      "pkcs11:token=a?pin-value=1&pin-source=file:/p",
    ],
    chain: `${on};object=conformance-chain`,
    ambiguousCertificate: `${on};object=conformance-twin;type=cert`,
    ambiguousPrivateKey: `${on};object=conformance-twin;type=private${login}`,
    everything: `${on}${login}`,
    newKey: `${on};object=new-${++fixtures}${login}`,
    newCertificate: `${on};object=new-${fixtures};type=cert${login}`,
    withoutPin: `${on};object=conformance-${first};type=private`,
    withWrongPin: `${on};object=conformance-${first};type=private?pin-value=wrong-pin`,
    withSecret: (secret) => [
      `pkcs11:token=none;object=none?pin-value=${secret}`,
      `pkcs11:token=none;object=none?pin-value=${secret}&pin-source=file:/p`,
      `pkcs11:token=none;object=none;pin-value=${secret}`,
      `pkcs11:token=none;object=none?pin-source=|echo%20${secret}`,
      `pkcs11:token=none;object=%zz?pin-value=${secret}`,
    ],
  };
}

function objectsOf({ label }: TokenUnderTest): string {
  return `pkcs11:token=${encodeURIComponent(label)}`;
}

/** So that each has free names of its own. */
let fixtures = 0;
