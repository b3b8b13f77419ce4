import {
  type CredentialSource,
  isCredentialDirectory,
  isCredentialWriter,
  isDocumentSource,
  isKeyGenerator,
  isRevocationSource,
  Secret,
} from "@ddscred/core";
import { credentialError, given, ok, thrownBy } from "../assert.ts";
import { check, checkOf } from "../check.ts";
import { conformanceMaterial } from "../material/material.ts";
import { collect } from "./directory.ts";

/** Letters that no URI and no message holds by chance, and that base64 and percent-encoding leave alone. */
const CANARY = "C4n4ryS3cr3tN0tT0B3S33n";

export const secrets = [
  checkOf("secretsInUris", "a secret in a URI is in no error, however it is printed", async (fixture) => {
    const uris = given(fixture.uris.withSecret, "uris.withSecret")(CANARY);
    ok(uris.length > 0, "withSecret() gives at least one URI");
    for (const uri of uris) {
      ok(uri.includes(CANARY), "withSecret() puts the secret into the URI");
      for (const [name, call] of calls(fixture.source, uri)) {
        const error = await thrownBy(call);
        if (error !== undefined) noCanary(credentialError(error, name), name);
        else ok(!MUST_FAIL.includes(name), `${name} with a URI of withSecret() fails`);
      }
    }
  }),

  check("a secret in the options is in no error", async ({ source, uris }) => {
    const passphrase = new Secret(CANARY);
    for (const uri of [uris.missingPrivateKey, uris.ca, uris.encryptedPrivateKey, ...uris.invalid]) {
      if (uri === undefined) continue;
      const error = await thrownBy(() => source.signer(uri, { passphrase }));
      ok(error !== undefined, "the call fails");
      noCanary(credentialError(error, "signer()"), "signer()");
    }
  }),
];

/** The others may take any bytes for what they read. */
const MUST_FAIL = ["certificates()", "signer()", "generateKeyPair()", "importCertificate()", "remove()"];

function calls(source: CredentialSource, uri: string): [name: string, call: () => Promise<unknown>][] {
  const list: [string, () => Promise<unknown>][] = [
    ["certificates()", () => source.certificates(uri)],
    ["signer()", () => source.signer(uri)],
  ];
  if (isDocumentSource(source)) list.push(["document()", () => source.document(uri)]);
  if (isRevocationSource(source)) list.push(["revocationLists()", () => source.revocationLists(uri)]);
  if (isCredentialDirectory(source)) list.push(["list()", () => collect(source, uri)]);
  if (isKeyGenerator(source)) {
    const keyType = "ec-p256";
    list.push(["generateKeyPair()", () => source.generateKeyPair(uri, { keyType })]);
  }
  if (isCredentialWriter(source)) {
    const { der } = conformanceMaterial.ca.certificate;
    list.push(["importCertificate()", () => source.importCertificate(uri, der)]);
    list.push(["remove()", () => source.remove(uri)]);
  }
  return list;
}

/** Looks through the error's text, stack, JSON and all properties, hidden ones and causes included. */
function noCanary(error: unknown, name: string): void {
  const texts: string[] = [];
  gather(error, texts, new Set(), 0);
  const found = texts.find((text) => text.includes(CANARY));
  ok(found === undefined, `${name}: the secret is in the error: ${found?.replaceAll(CANARY, "(it)")}`);
}

const DEPTH = 8;

function gather(value: unknown, texts: string[], seen: Set<unknown>, depth: number): void {
  if (typeof value === "string") texts.push(value);
  if (value instanceof Uint8Array) texts.push(String.fromCharCode(...value.subarray(0, 10_000)));
  if (typeof value !== "object" || value === null || seen.has(value) || depth > DEPTH) return;
  seen.add(value);
  if (value instanceof Error) texts.push(String(value), String(value.stack), JSON.stringify(value) ?? "");
  if (value instanceof Uint8Array) return;
  for (const key of Reflect.ownKeys(value)) gather(Reflect.get(value, key), texts, seen, depth + 1);
}
