import { type CredentialDescription, type CredentialSource, isCredentialDirectory } from "@ddscred/core";
import { equal, fails, failsWithTypeError, given, ok, sameBytes } from "../assert.ts";
import { checkOf } from "../check.ts";
import type { BackendFixture } from "../fixture.ts";
import { keyOf, keysOf, materialOf } from "../keys.ts";

const KINDS = ["certificate", "private-key", "public-key", "secret-key", "data", "token"];

export const directory = [
  checkOf("directory", "list() describes what is there", async (fixture) => {
    const found = await everything(fixture);
    for (const [kind, count] of [
      ["certificate", certificatesOf(fixture, "with the CA's").size],
      ["private-key", certificatesOf(fixture, "of keys").size],
    ] as const) {
      ok(
        found.filter((one) => one.kind === kind).length >= count,
        `list() gives every ${kind} of the material`,
      );
    }
    for (const { kind, label, details } of found) {
      ok(KINDS.includes(kind), `${kind} is a kind`);
      equal(typeof label, "string", "label");
      for (const [name, text] of Object.entries(details)) equal(typeof text, "string", `details.${name}`);
    }
  }),

  checkOf("directory", "each listed URI names exactly that object, in list() too", async (fixture) => {
    const found = await everything(fixture);
    equal(new Set(found.map(({ uri }) => uri)).size, found.length, "no URI is listed twice");
    for (const { kind, uri } of found.filter((one) => one.kind !== "token")) {
      const again = await collect(fixture.source, fixture.unlock?.(uri) ?? uri);
      equal(again.length, 1, `objects that ${uri} (${kind}) matches`);
      equal(again[0]?.uri, uri, "the canonical URI");
    }
  }),

  checkOf("directory", "each listed certificate can be read by its URI alone", async (fixture) => {
    const wanted = certificatesOf(fixture, "with the CA's");
    for (const { uri } of (await everything(fixture)).filter((one) => one.kind === "certificate")) {
      const [first] = await fixture.source.certificates(uri);
      wanted.delete(String(first?.der));
    }
    equal(wanted.size, 0, "stored certificates that no listed URI gave");
  }),

  checkOf("directory", "list() of one object's URI gives that object", async (fixture) => {
    const { source } = fixture;
    const { certificate, stored } = keyOf(fixture);
    const found = await collect(source, certificate);
    const [description, ...others] = found.filter((one) => one.kind === "certificate");
    ok(description !== undefined && others.length === 0, "one certificate is listed");
    const [first] = await source.certificates(description.uri);
    sameBytes(first?.der, stored.certificate.der, "the certificate");
  }),

  checkOf("directory", "list() of what matches nothing is empty, not an error", async ({ source, uris }) => {
    equal((await collect(source, uris.missingCertificate)).length, 0, "objects");
  }),

  checkOf("directory", "list() may be left early and asked again", async (fixture) => {
    const { source, uris } = fixture;
    for await (const _ of lister(source).list(given(uris.everything, "uris.everything"))) break;
    ok((await everything(fixture)).length > 1, "the second list is whole");
  }),

  checkOf(
    "directory",
    "list() of an invalid URI is URI_INVALID, of no string a TypeError",
    async (fixture) => {
      const { source, uris } = fixture;
      for (const uri of uris.invalid) await fails(() => collect(source, uri), "URI_INVALID", uri);
      await failsWithTypeError(() => collect(source, null as unknown as string), "null");
    },
  ),
];

export async function collect(source: CredentialSource, uri: string): Promise<CredentialDescription[]> {
  const found: CredentialDescription[] = [];
  for await (const description of lister(source).list(uri)) found.push(description);
  return found;
}

async function everything({ source, uris }: BackendFixture): Promise<CredentialDescription[]> {
  return collect(source, given(uris.everything, "uris.everything"));
}

/** Each certificate of the material once. */
function certificatesOf(fixture: BackendFixture, which: "of keys" | "with the CA's"): Set<string> {
  const { ca, twins } = materialOf(fixture);
  const stored = [
    ...keysOf(fixture).map((key) => key.stored),
    ...(fixture.supports.ambiguity ? twins : []),
    ...(which === "of keys" ? [] : [ca]),
  ];
  return new Set(stored.map(({ certificate }) => String(certificate.der)));
}

function lister(source: CredentialSource) {
  ok(isCredentialDirectory(source), "the source has list()");
  return source;
}
