import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import {
  CredentialError,
  comparePkcs11Uris,
  explainPkcs11Uri,
  extractPkcs11Uris,
  formatPkcs11Uri,
  matchesLibrary,
  matchesModule,
  matchesObject,
  matchesSlot,
  matchesToken,
  type Pkcs11ObjectType,
  type Pkcs11Uri,
  type Pkcs11UriAttributes,
  parsePkcs11Uri,
  Secret,
} from "@ddscred/core";
import * as fc from "fast-check";
import t from "tap";

interface Vector {
  id: string;
  kind: "parse" | "match" | "compare" | "format" | "extract";
  uri: string;
  valid: boolean;
  error?: string;
  expect?: Record<string, unknown>;
  target: "token" | "slot" | "library" | "object" | "module";
  token: Parameters<typeof matchesToken>[1];
  slot: Parameters<typeof matchesSlot>[1];
  library: Parameters<typeof matchesLibrary>[1];
  object: { CKA_LABEL: string | null; CKA_ID: string | null; CKA_CLASS: Pkcs11ObjectType };
  module: { path: string };
  match: boolean;
  a: string;
  b: string;
  equal: boolean | null;
  attributes: Record<string, unknown>;
  canonical: string | null;
  text: string;
}

const vectors = readVectors();
const skip = vectors === undefined ? "../shared/vectors/rfc7512.json is missing" : false;
const ofKind = (kind: Vector["kind"]) => (vectors ?? []).filter((vector) => vector.kind === kind);

t.test("the vectors are all there", { skip }, async (t) => {
  t.equal(vectors?.length, 246);
});

t.test("parse: every vector gives its attributes, or its rule", { skip }, async (t) => {
  for (const vector of ofKind("parse")) {
    const name = `${vector.id} ${vector.uri.slice(0, 60)}`;
    if (vector.valid) t.strictSame(plain(parsePkcs11Uri(vector.uri)), { ...NOTHING, ...vector.expect }, name);
    else {
      const error = faultOf(() => parsePkcs11Uri(vector.uri));
      t.match(error, { code: "URI_INVALID", rule: vector.error, section: /^RFC 7512 2\.[34]$/ }, name);
      t.ok(
        (error.position ?? -1) >= 0 && (error.position ?? -1) <= vector.uri.length,
        `${vector.id} has a position`,
      );
    }
  }
});

t.test("match: every vector matches as RFC 7512 2.5 says", { skip }, async (t) => {
  for (const vector of ofKind("match")) {
    const uri = parsePkcs11Uri(vector.uri);
    const matches = {
      token: () => matchesToken(uri, vector.token),
      slot: () => matchesSlot(uri, vector.slot),
      library: () => matchesLibrary(uri, vector.library),
      object: () => matchesObject(uri, objectOf(vector.object)),
      module: () => matchesModule(uri, vector.module.path),
    };
    t.equal(matches[vector.target](), vector.match, `${vector.id} ${vector.uri}`);
  }
});

t.test("compare: every vector is equal or not as RFC 7512 2.6 says, both ways", { skip }, async (t) => {
  for (const { id, a, b, equal } of ofKind("compare")) {
    // What 2.6 leaves to the application: repeated vendor attributes count in their order.
    t.equal(comparePkcs11Uris(a, b), equal ?? false, `${id} ${a} ${b}`);
    t.equal(comparePkcs11Uris(b, a), equal ?? false, `${id} ${b} ${a}`);
  }
});

t.test("format: every vector gives its canonical text, or is refused", { skip }, async (t) => {
  for (const { id, attributes, canonical } of ofKind("format")) {
    const given = attributesOf(attributes);
    if (canonical === null) t.throws(() => formatPkcs11Uri(given), { code: "URI_INVALID" }, id);
    else {
      t.equal(formatPkcs11Uri(given, { secrets: true }), canonical, id);
      t.equal(formatPkcs11Uri(parsePkcs11Uri(canonical), { secrets: true }), canonical, `${id} is canonical`);
    }
  }
});

t.test("extract: every vector's URI is found at its place", { skip }, async (t) => {
  for (const { id, text, uri } of ofKind("extract")) {
    t.strictSame(extractPkcs11Uris(text), [{ uri, position: text.indexOf("pkcs11:") }], id);
  }
});

t.test("no error of a vector that holds a PIN shows it", { skip }, async (t) => {
  const values = /((?:pin-value|pin-source|pinfile)=)[^&;]*/gi;
  let tried = 0;
  for (const { uri } of ofKind("parse").filter(({ uri }) => /pin/i.test(uri))) {
    for (const broken of ["", "&x", ";x", "%", "#", "&&", "&type=zz", "?object=\n", "&a b=c"]) {
      const withCanary = `${uri.replace(values, `$1${CANARY}`)}${broken}`;
      const shown = shownFor(withCanary);
      if (!withCanary.includes(CANARY)) continue;
      t.notMatch(shown, CANARY, withCanary);
      tried++;
    }
  }
  t.ok(tried > 100, `${tried} URIs tried`);
});

t.test("the position is that of the offending character, or of the attribute", async (t) => {
  for (const [uri, position] of [
    ["pkcs11:token=a b", 14],
    ["pkcs11:token=a;object=%zz", 22],
    ["pkcs11:token=a;token=b", 15],
    ["pkcs11:token=a;;object=b", 15],
    ["pkcs11:token=a;type=key", 15],
    ["pkcs11:token=a?pin-value=1&pin-source=file:/x", 27],
    ["PKCS11:?module-path=x.so", 8],
    ["pkcs11:object=\u{1f511}", 14],
    ["http://a", 0],
  ] as const) {
    t.equal(faultOf(() => parsePkcs11Uri(uri)).position, position, uri);
  }
});

t.test(
  "a PIN with raw separators is not quoted, not even the part that looks like an attribute",
  async (t) => {
    for (const pin of [
      "12;kanary",
      "12&kanary",
      "12&kan ary=3;4",
      "1#kanary",
      "%kanary",
      "1 kanary",
      "12&kanary=%ff",
    ]) {
      const error = faultOf(() => parsePkcs11Uri(`pkcs11:token=a?pin-value=${pin}`));
      t.notMatch(`${inspect(error)}${JSON.stringify(error)}`, /kan/, pin);
    }
    const { message, hint } = faultOf(() => parsePkcs11Uri("pkcs11:?pin-value=1^2"));
    t.notMatch(message + hint, /\^|%5E/, "not even one offending character");
  },
);

t.test("a PIN reads as a Secret, wherever it stands", async (t) => {
  const uri = parsePkcs11Uri(
    `pkcs11:token=a;pin-value=${CANARY};x-pin=${CANARY}?pin-value=${CANARY}&PIN=${CANARY}`,
  );
  t.notMatch(inspect(uri, { depth: 9 }) + JSON.stringify([...uri.vendorPath, ...uri.vendorQuery]), CANARY);
  t.equal(uri.query["pin-value"]?.reveal(), CANARY);
  t.notMatch(formatPkcs11Uri(uri), CANARY);
  t.match(formatPkcs11Uri(uri, { secrets: true }), CANARY);
});

t.test("lenient accepts the spellings from before the RFC and says which", async (t) => {
  const lenient = (uri: string) => {
    const parsed = parsePkcs11Uri(uri, { lenient: true });
    return { ...plain(parsed), aliases: parsed.aliases };
  };
  t.match(lenient("pkcs11:object-type=cert"), { path: { type: "cert" }, aliases: ["object-type"] });
  t.match(lenient("pkcs11:objecttype=secretkey"), {
    path: { type: "secret-key" },
    aliases: ["objecttype", "secretkey"],
  });
  t.match(lenient("pkcs11:manuf=x"), { path: { manufacturer: "x" }, aliases: ["manuf"] });
  t.match(lenient("pkcs11:?pinfile=/etc/pin"), { query: { "pin-source": "/etc/pin" }, aliases: ["pinfile"] });
  t.match(lenient("pkcs11:token=a;pin-value=1234;object=b"), {
    path: { token: "a", object: "b" },
    query: { "pin-value": "1234" },
    vendorPath: {},
    aliases: ["pin-value in the path"],
  });
  t.match(lenient("pkcs11:pin-source=file:/etc/pin"), { query: { "pin-source": "file:/etc/pin" } });
  t.strictSame(lenient("pkcs11:token=a").aliases, []);
  for (const twice of [
    "pkcs11:type=cert;object-type=cert",
    "pkcs11:pin-value=1?pin-value=1",
    "pkcs11:manuf=a;manufacturer=a",
  ]) {
    t.match(
      faultOf(() => parsePkcs11Uri(twice, { lenient: true })),
      { rule: "duplicate-attribute" },
      twice,
    );
  }
});

t.test(
  "matching compares in NFC, ignores padding of fields, and judges vendor attributes by 2.5",
  async (t) => {
    const token = {
      label: "e\u0301".padEnd(32),
      manufacturerID: " ".repeat(32),
      model: "m\0\0",
      serialNumber: "",
    };
    const matches = (uri: string, more = {}) => matchesToken(parsePkcs11Uri(uri), { ...token, ...more });
    t.ok(matches("pkcs11:token=%C3%A9;manufacturer=;model=m;serial=%20"));
    t.notOk(matches("pkcs11:token=%C3%A9;manufacturer=x"));
    t.ok(matches("pkcs11:token=%C3%A9?x=1"), "a vendor attribute in the query is ignored");
    t.ok(matches("pkcs11:slot-id=7"), "slot-id is not judged without a slot number");
    for (const slotId of [7, 7n, "7"]) t.ok(matches("pkcs11:slot-id=007", { slotId }));
    t.notOk(matches("pkcs11:slot-id=7", { slotId: 8n }));
    const slot = { slotDescription: "s", manufacturerID: "m" };
    t.notOk(matchesSlot(parsePkcs11Uri("pkcs11:slot-id=7"), slot), "a slot without a number is not slot 7");
    t.ok(matchesSlot(parsePkcs11Uri("pkcs11:slot-id=7;slot-description=s"), { ...slot, slotId: 7 }));
    t.notOk(
      matchesObject(parsePkcs11Uri("pkcs11:object=a"), { label: "a ", type: "cert" }),
      "labels are not padded",
    );
  },
);

t.test("module-path names a module or its folder, module-name a file without lib and suffix", async (t) => {
  const module = "/usr/lib/softhsm/libsofthsm2.so";
  for (const [query, expected] of [
    ["module-path=/usr/lib/softhsm/libsofthsm2.so", true],
    ["module-path=/usr/lib/./x/../softhsm/libsofthsm2.so", true],
    ["module-path=/usr/lib/softhsm", true],
    ["module-path=/usr/lib/softhsm/", true],
    ["module-path=/usr/lib", false],
    ["module-path=/usr/lib/softhsm/libsofthsm", false],
    ["module-name=SoftHSM2&module-path=/usr/lib/softhsm", true],
    ["module-name=softhsm&module-path=/usr/lib/softhsm", false],
    ["module-name=libsofthsm2", true],
    ["module-name=libsofthsm2.so", false],
    ["", true],
  ] as const) {
    t.equal(matchesModule(parsePkcs11Uri(`pkcs11:?${query}`), module), expected, query);
  }
});

t.test("what parse would not take is not formatted", async (t) => {
  const refused = (attributes: Pkcs11UriAttributes, rule: string) =>
    t.match(
      faultOf(() => formatPkcs11Uri(attributes)),
      { code: "URI_INVALID", rule },
      rule,
    );
  refused({ token: "x".repeat(33) }, "value-too-long");
  refused({ serial: "\u00e4" }, "bad-serial-character");
  refused({ object: "\ud800" }, "bad-utf8");
  refused({ type: "key" as Pkcs11ObjectType }, "bad-type");
  refused({ "slot-id": 2n ** 64n }, "bad-slot-id");
  refused({ "slot-id": -1n }, "bad-slot-id");
  refused({ "library-version": { major: 256, minor: 0 } }, "bad-version");
  refused({ "pin-source": "file:/x", "pin-value": new Secret("1") }, "pin-conflict");
  refused({ object: "x".repeat(16_384) }, "too-long");
  refused({ "a=b;c": "x" }, "bad-attribute-name");
  refused({ Token: "x" }, "bad-attribute-name");
  t.throws(() => formatPkcs11Uri({ token: 1n as unknown as string }), TypeError);
  t.throws(() => formatPkcs11Uri({ "pin-value": "1234" as unknown as Secret }), TypeError);
  t.equal(
    formatPkcs11Uri({ token: "a&b", object: undefined }),
    "pkcs11:token=a%26b",
    "safe to write into XML",
  );
});

t.test("an explanation names each attribute, decodes it, and holds no PIN", async (t) => {
  const explanation = explainPkcs11Uri(`pkcs11:id=%01%Ff;library-version=3;object=?pin-value=${CANARY}&x=2`);
  t.match(explanation.attributes, [
    { name: "id", component: "path", raw: "%01%Ff", decoded: "01ff", section: "RFC 7512 2.3", position: 7 },
    { name: "library-version", decoded: "3.0" },
    { name: "object", decoded: "", meaning: /CKA_LABEL/ },
    {
      name: "pin-value",
      component: "query",
      raw: "[redacted]",
      decoded: "[redacted]",
      section: "RFC 7512 2.4",
    },
    { name: "[redacted]", vendor: true, raw: "[redacted]" },
  ]);
  for (const text of [
    `pkcs11:token=a&pin-value=${CANARY}`,
    `pkcs11:token=a%3Fpin-value%3D${CANARY}`,
    `pkcs11:token=a?x-password=b&${CANARY}=c`,
  ]) {
    t.notMatch(inspect(explainPkcs11Uri(text), { depth: 9 }), CANARY, text.slice(0, 20));
  }
  t.notMatch(inspect(explanation, { depth: 9 }), CANARY);
  t.match(explanation.remarks.join(" "), /PIN stands in the URI/);
  t.match(explainPkcs11Uri("pkcs11:vendor=1").remarks.join(" "), /nothing matches/);
  const reference = explainPkcs11Uri("pkcs11:pin-source=file:/etc/pin", { lenient: true });
  t.match(reference.attributes, [{ name: "pin-source", vendor: false, decoded: "file:/etc/pin" }]);
});

t.test("extract finds only what is delimited, and is linear", async (t) => {
  t.strictSame(extractPkcs11Uris("see pkcs11:token=a and <http://x> or < pkcs11:token=b >"), [
    { uri: "pkcs11:token=b", position: 39 },
  ]);
  const started = performance.now();
  extractPkcs11Uris("<pkcs11:".repeat(200_000));
  extractPkcs11Uris(`"${" ".repeat(1_000_000)}`);
  t.ok(performance.now() - started < 20_000);
});

t.test("nothing but a CredentialError leaves the grammar, whatever the text", async (t) => {
  const pieces = fc.constantFrom(
    "pkcs11:",
    "token",
    "=",
    ";",
    "&",
    "?",
    "%",
    "%41",
    "pin-value",
    "type",
    "cert",
    "id",
    "slot-id",
    "1",
    ".",
    "\n",
    "\u00e9",
    "\ud800",
  );
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(pieces).map((list) => `pkcs11:${list.join("")}`),
  );
  fc.assert(
    fc.property(texts, fc.boolean(), (text, lenient) => {
      for (const call of [parsePkcs11Uri, explainPkcs11Uri]) {
        try {
          call(text, { lenient });
        } catch (error) {
          if (!(error instanceof CredentialError)) throw error;
        }
      }
      comparePkcs11Uris(text, "pkcs11:");
      extractPkcs11Uris(text);
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

t.test("what is formatted parses to the same attributes, and formats to the same text", async (t) => {
  fc.assert(
    fc.property(uris(), (uri) => {
      const text = formatPkcs11Uri(uri, { secrets: true });
      const parsed = parsePkcs11Uri(text);
      t.strictSame(plain(parsed), plain(uri));
      t.equal(formatPkcs11Uri(parsed, { secrets: true }), text);
    }),
    { numRuns: 300 },
  );
});

t.test("comparison is reflexive and symmetric, and blind to order and spelling", async (t) => {
  fc.assert(
    fc.property(uris(), uris(), fc.string(), (a, b, junk) => {
      const [one, two] = [formatPkcs11Uri(a, { secrets: true }), formatPkcs11Uri(b, { secrets: true })];
      const respelt = one.replace(
        /^pkcs11:([^?]*)/,
        (_, path: string) => `PKCS11:${path.split(";").toReversed().join(";")}`,
      );
      t.ok(comparePkcs11Uris(one, one) && comparePkcs11Uris(junk, junk));
      t.ok(comparePkcs11Uris(one, respelt), respelt);
      t.equal(comparePkcs11Uris(one, two), comparePkcs11Uris(two, one));
    }),
    { numRuns: 200 },
  );
});

t.test("the longest URI is read fast, and a longer one is refused", async (t) => {
  const longest = `pkcs11:${Array.from({ length: 2000 }, (_, i) => `v${i}=`).join(";")}`;
  t.ok(longest.length < 16_384);
  const started = performance.now();
  parsePkcs11Uri(longest);
  parsePkcs11Uri(`pkcs11:object=${"%41".repeat(5000)}`);
  t.match(
    faultOf(() => parsePkcs11Uri(`pkcs11:slot-id=${"0".repeat(16_000)}x`)),
    { rule: "bad-slot-id" },
  );
  t.match(
    faultOf(() => parsePkcs11Uri(`pkcs11:object=${"a".repeat(2_000_000)}`)),
    { rule: "too-long" },
  );
  t.ok(performance.now() - started < 20_000);
});

t.test("a URI that is no string is a mistake of the program", async (t) => {
  t.throws(() => parsePkcs11Uri(undefined as unknown as string), TypeError);
  t.throws(() => comparePkcs11Uris("pkcs11:", 1 as unknown as string), TypeError);
});

const CANARY = "canary7391";
const NOTHING = { path: {}, vendorPath: {}, query: {}, vendorQuery: {} };

function readVectors(): Vector[] | undefined {
  try {
    // The repository's root is three levels above the compiled test; the vectors stand beside it.
    const file = new URL("../../../../shared/vectors/rfc7512.json", import.meta.url);
    return (JSON.parse(readFileSync(file, "utf8")) as Vector[]).slice(1);
  } catch {
    return undefined;
  }
}

/** A parsed URI in the form of the vectors. */
function plain(uri: Pkcs11Uri): Record<string, unknown> {
  return {
    path: Object.fromEntries(Object.entries(uri.path).map(([name, value]) => [name, plainValue(value)])),
    vendorPath: Object.fromEntries([...uri.vendorPath].map(([name, value]) => [name, plainValue(value)])),
    query: Object.fromEntries(Object.entries(uri.query).map(([name, value]) => [name, plainValue(value)])),
    vendorQuery: Object.fromEntries(
      [...uri.vendorQuery].map(([name, values]) => [name, values.map(plainValue)]),
    ),
  };
}

function plainValue(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString("hex") };
  return typeof value === "bigint" ? value.toString() : value;
}

function attributesOf(attributes: Record<string, unknown>): Pkcs11UriAttributes {
  const entries = Object.entries(attributes).map(([name, value]) => {
    if (name === "id") return [name, new Uint8Array(Buffer.from((value as { hex: string }).hex, "hex"))];
    return [name, name === "pin-value" ? new Secret(String(value)) : value];
  });
  return Object.fromEntries(entries) as Pkcs11UriAttributes;
}

function objectOf(object: Vector["object"]): Parameters<typeof matchesObject>[1] {
  return {
    ...(object.CKA_LABEL === null ? {} : { label: object.CKA_LABEL }),
    ...(object.CKA_ID === null ? {} : { id: new Uint8Array(Buffer.from(object.CKA_ID, "hex")) }),
    type: object.CKA_CLASS,
  };
}

function faultOf(call: () => unknown): CredentialError {
  try {
    call();
  } catch (error) {
    if (error instanceof CredentialError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** Everything that a caller may print about a URI. */
function shownFor(uri: string): string {
  return [true, false]
    .map((lenient) => {
      try {
        const { vendorPath, vendorQuery, query } = parsePkcs11Uri(uri, { lenient });
        const parsed = [vendorPath, vendorQuery, query["pin-value"]]; // pin-source is text: it says where the PIN is
        return inspect([parsed, explainPkcs11Uri(uri, { lenient })], { depth: 9 });
      } catch (error) {
        return `${inspect(error)} ${JSON.stringify(error)}`;
      }
    })
    .join("\n");
}

/** Any URI that may be formatted. */
function uris(): fc.Arbitrary<Pkcs11Uri> {
  const text = (bytes: number) =>
    fc.string({ unit: "grapheme", maxLength: 12 }).filter((value) => Buffer.byteLength(value) <= bytes);
  const ascii = fc.string({ unit: "grapheme-ascii", maxLength: 16 });
  const vendor = fc.stringMatching(/^v-[A-Za-z0-9_-]{1,8}$/).filter((name) => !/pin/i.test(name));
  const byte = fc.integer({ min: 0, max: 255 });
  const optional = { requiredKeys: [] };
  return fc.record({
    path: fc.record(
      {
        token: text(32),
        manufacturer: text(32),
        serial: ascii,
        model: text(16),
        "library-manufacturer": text(32),
        "library-version": fc.record({ major: byte, minor: byte }, { noNullPrototype: true }),
        "library-description": text(32),
        object: text(99),
        type: fc.constantFrom<Pkcs11ObjectType>("public", "private", "cert", "secret-key", "data"),
        id: fc.uint8Array({ maxLength: 20 }),
        "slot-description": text(64),
        "slot-id": fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      },
      { ...optional, noNullPrototype: true },
    ),
    vendorPath: fc.array(fc.tuple(vendor, text(99)), { maxLength: 3 }).map((entries) => new Map(entries)),
    query: fc.record(
      {
        "pin-value": text(99).map((pin) => new Secret(pin)),
        "module-name": text(99),
        "module-path": text(99).map((path) => `/${path}`),
      },
      { ...optional, noNullPrototype: true },
    ),
    vendorQuery: fc
      .array(fc.tuple(vendor, fc.array(text(99), { minLength: 1, maxLength: 3 })), { maxLength: 3 })
      .map((entries) => new Map(entries)),
    aliases: fc.constant([]),
  });
}

t.test("compare takes older spellings only if told to", async (t) => {
  const [older, current] = ["pkcs11:objecttype=cert;token=a", "pkcs11:token=a;type=cert"];
  t.equal(comparePkcs11Uris(older, current), false);
  t.equal(comparePkcs11Uris(older, current, { lenient: true }), true);
});
