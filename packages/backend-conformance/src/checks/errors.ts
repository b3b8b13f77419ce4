import { credentialError, fails, failsWithTypeError, ok, thrownBy } from "../assert.ts";
import { check } from "../check.ts";
import { keyOf } from "../keys.ts";

export const errors = [
  check("a text that breaks the grammar is URI_INVALID", async ({ source, uris }) => {
    ok(uris.invalid.length > 0, "the fixture gives at least one invalid URI");
    for (const uri of uris.invalid) {
      await fails(() => source.certificates(uri), "URI_INVALID", `certificates(${JSON.stringify(uri)})`);
      await fails(() => source.signer(uri), "URI_INVALID", `signer(${JSON.stringify(uri)})`);
    }
  }),

  check("anything but a string for a URI is the caller's mistake: TypeError", async ({ source }) => {
    for (const wrong of [undefined, null, 0, {}, [], Symbol("uri")]) {
      await failsWithTypeError(() => source.certificates(wrong as string), `certificates(${typeof wrong})`);
      await failsWithTypeError(() => source.signer(wrong as string), `signer(${typeof wrong})`);
    }
  }),

  check("a URI of another scheme is refused", async ({ source }) => {
    const codes = ["URI_INVALID", "URI_SCHEME_UNKNOWN", "URI_SCHEME_REFUSED"] as const;
    for (const uri of ["ddscred-no-such-scheme:x", "https://example.com/key.pem"]) {
      await fails(() => source.certificates(uri), codes, `certificates(${uri})`);
      await fails(() => source.signer(uri), codes, `signer(${uri})`);
    }
  }),

  check("the URI of a certificate opens no key", async ({ source, uris }) => {
    await fails(() => source.signer(uris.ca), "any", "the CA has no private key here");
  }),

  check("damaged URIs give a CredentialError or an answer, never anything else", async (fixture) => {
    for (const uri of damaged(withoutPin(keyOf(fixture).certificate))) {
      const error = await thrownBy(() => fixture.source.certificates(uri));
      if (error !== undefined) credentialError(error, `certificates(${JSON.stringify(uri)})`);
    }
  }),
];

/** A damaged PIN would be a wrong one, and tokens count those. */
function withoutPin(uri: string): string {
  return /[?&]pin-/i.test(uri) ? uri.slice(0, uri.indexOf("?")) : uri;
}

/** The URI cut short everywhere, with a character put in everywhere, and made long. */
function damaged(uri: string): string[] {
  const places = Array.from(uri, (_, place) => place);
  return [
    ...places.map((place) => uri.slice(0, place)),
    ...["%", "\0", "é", ";", "?", "\ud800", " "].flatMap((character) =>
      [...places.filter((place) => place % 5 === 0), uri.length].map(
        (place) => uri.slice(0, place) + character + uri.slice(place),
      ),
    ),
    uri + uri,
    `${uri}${"a".repeat(70_000)}`,
    `${uri}${"%41".repeat(70_000)}`,
  ];
}
