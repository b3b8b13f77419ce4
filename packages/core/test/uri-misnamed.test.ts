// Attributes that are written wrong: what is told of them, and that vendors' stay legal.

import t from "tap";
import { misnamedAttribute, misnamedQuery, parsePkcs11Uri, selectOne } from "../dist/index.js";

t.test("what keeps a URI from matching anything is told in words", async (t) => {
  for (const [uri, told] of [
    ["pkcs11:token=robots;objekt=alice", /^"objekt" is no attribute of RFC 7512.*did you mean object\?$/],
    ["pkcs11:tokn=robots", /did you mean token\?/],
    ["pkcs11:token=robots;pin-value=canary", /^pin-value stands in the path, and belongs behind "\?"$/],
    ["pkcs11:token=robots;PIN-source=canary", /belongs behind/],
    ["pkcs11:token=robots,object=alice", /did you mean ";" for "," before object=\?/],
    ["pkcs11:token=robots;x-vendor-thing=1", /^"x-vendor-thing" is no attribute/],
    ["pkcs11:token=robots;12345678=1", /^one in the path is no attribute/],
    ["pkcs11:token=robots,fleet;object=a", undefined],
    ["pkcs11:token=robots?x-vendor=1", undefined],
  ] as const) {
    const found = misnamedAttribute(parsePkcs11Uri(uri));
    if (told === undefined) t.equal(found, undefined, uri);
    else t.match(found, told, uri);
    t.notMatch(found ?? "", /canary/);
  }
});

t.test("where nothing matches, that is why", async (t) => {
  const uri = "pkcs11:token=robots;objekt=alice";
  const names = { uri: (label: string) => `pkcs11:token=${label}`, label: (label: string) => label };
  t.throws(() => selectOne([], ["robots", "CA"], names, { uri, what: "token" }), {
    code: "TOKEN_NOT_FOUND",
    message: /^no token matches the URI: "objekt" is no attribute .* did you mean object\?$/,
    hint: /uri parse/,
  });
});

t.test("an attribute of the query that is written wrong is told, and a vendor's is not", async (t) => {
  for (const [uri, told] of [
    ["pkcs11:token=robots?pinvalue=canary", '"pinvalue" is ignored; did you mean pin-value?'],
    ["pkcs11:token=robots?pin=canary", '"pin" is ignored; did you mean pin-value?'],
    ["pkcs11:token=robots?pin_source=file:x", '"pin_source" is ignored; did you mean pin-source?'],
    ["pkcs11:token=robots?module-pth=/x.so", '"module-pth" is ignored; did you mean module-path?'],
    ["pkcs11:token=robots?x-vendor=1", undefined],
    ["pkcs11:token=robots?pin-value=canary", undefined],
  ] as const)
    t.equal(misnamedQuery(parsePkcs11Uri(uri)), told, uri);
});
