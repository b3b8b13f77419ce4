// Attributes that are written wrong: what is told of them, and that vendors' stay legal.

import t from "tap";
import { misnamedAttribute, parsePkcs11Uri, selectOne } from "../dist/index.js";

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
    message: /^no token matches "robots": "objekt" is no attribute .* did you mean object\?; there is/,
    hint: /vendor's/,
  });
});
