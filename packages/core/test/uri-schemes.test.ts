import { inspect } from "node:util";
import { CredentialError, nearest, parseDataUri, parseFileUri, selectOne, uriScheme } from "@ddscred/core";
import * as fc from "fast-check";
import t from "tap";

t.test("the scheme of a URI text is lower case; a bare path has none", async (t) => {
  for (const [text, scheme] of [
    ["pkcs11:token=a", "pkcs11"],
    ["FILE:/a", "file"],
    ["data:,x", "data"],
    [" \tfile:a", "file"],
    ["a+b-c.1:x", "a+b-c.1"],
    ["/etc/key.pem", undefined],
    ["./a:b", undefined],
    ["key.pem", undefined],
    ["1a:b", undefined],
    ["", undefined],
    ["pkcs11", undefined],
    ["-----BEGIN X:", undefined],
  ] as const) {
    t.equal(uriScheme(text), scheme, text);
  }
});

t.test("file: reads the forms of RFC 8089 and the plain ones", async (t) => {
  for (const [text, path, relative] of [
    ["file:/a/b.pem", "/a/b.pem", false],
    ["file:///a/b.pem", "/a/b.pem", false],
    ["file://localhost/a", "/a", false],
    ["file://LocalHost/a", "/a", false],
    ["FILE:/a", "/a", false],
    ["file:a.pem", "a.pem", true],
    ["file:./a.pem", "./a.pem", true],
    ["file:../a.pem", "../a.pem", true],
    ["file:/a%20b", "/a b", false],
    ["file:/a b", "/a b", false],
    ["file:/a ", "/a ", false],
    ["  file:/a", "/a", false],
    ["file:/\u00e9/%C3%A9", "/\u00e9/\u00e9", false],
    ["file:/a%25b", "/a%b", false],
    ["file:/a?b#c", "/a?b#c", false],
    ["file:/a+b", "/a+b", false],
    ["file:////a", "//a", false],
    ["file:C:\\a", "C:\\a", false],
    ["file:a:b", "a:b", true],
  ] as const) {
    t.match(parseFileUri(text), { path, relative }, text);
  }
});

t.test(
  "file: takes a host for the beginning of a relative path, as DDS implementations do, and says so",
  async (t) => {
    for (const [text, path] of [
      ["file://name.pem", "name.pem"],
      ["file://certs/x.pem", "certs/x.pem"],
      ["file://server/share/x%20y.pem", "server/share/x%20y.pem"],
      ["file://a%zz", "a%zz"],
    ] as const) {
      t.match(parseFileUri(text), {
        path,
        relative: true,
        readings: [],
        remark: /RFC 8089.*host.*file:relative/,
      });
    }
    t.equal(parseFileUri("file:///a").remark, undefined);
    t.equal(parseFileUri("file:a").remark, undefined);
  },
);

t.test("file: refuses users of hosts, broken escapes, NUL and an empty path, at their place", async (t) => {
  for (const [text, rule, position, hint] of [
    ["file://user:word@host/a", "foreign-host", 7, /file:\/\/\//],
    ["file://user:word@host", "foreign-host", 7, /file:relative/],
    ["file://localhost", "empty-path", 7, /file:/],
    ["file://a/b\0", "nul-in-path", 10, /./],
    ["file://a/\ud800", "bad-utf8", 7, /./],
    ["file:", "empty-path", 5, /path/],
    ["file://", "empty-path", 7, /path/],
    ["file:/a%zz", "bad-percent-encoding", 7, /%25/],
    ["file:/a%", "bad-percent-encoding", 7, /%25/],
    ["file:/a%00", "nul-in-path", 7, /./],
    ["file:/a\0", "nul-in-path", 7, /./],
    ["file:a%2Fb", "escaped-separator", 6, /"\/"/],
    ["file:/%ff", "bad-utf8", 5, /./],
    ["file:/\ud800", "bad-utf8", 5, /./],
    ["/etc/a", "bad-scheme", 0, /file:/],
    [`file:/${"a".repeat(20_000)}`, "too-long", 16_384, /./],
  ] as const) {
    t.match(
      faultOf(() => parseFileUri(text)),
      { code: "URI_INVALID", rule, position, hint, section: /^RFC / },
      name(text),
    );
  }
});

t.test("file: says where Cyclone DDS or Fast DDS reads the text otherwise", async (t) => {
  const readings = (text: string) =>
    parseFileUri(text).readings.map(({ peer, accepted, reads }) => `${peer} ${accepted ? reads : "refuses"}`);
  const refused = "fastdds refuses";
  t.strictSame(readings("file:///a/b.pem"), []);
  t.strictSame(readings("file:///a b "), []);
  t.strictSame(readings("file:/a"), [refused]);
  t.strictSame(readings("file:a.pem"), [refused]);
  t.strictSame(readings(" file:///a"), [refused]);
  t.strictSame(readings("FILE:///a"), ["cyclonedds refuses", refused]);
  t.match(readings("file:/a%20b"), [/^cyclonedds .*"\/a%20b"/, refused]);
  t.match(readings("file:///a%20b"), [/^cyclonedds .*"\/a%20b"/, /^fastdds .*"\/a%20b"/]);
  t.match(readings("file://localhost/a"), [
    /^cyclonedds .*relative.*"localhost\/a"/,
    /^fastdds .*relative.*"localhost\/a"/,
  ]);
});

t.test("data: reads RFC 2397 and the plain form", async (t) => {
  const pem = "-----BEGIN CERTIFICATE-----\nMII+/=\n-----END CERTIFICATE-----\n";
  for (const [text, mediaType, content] of [
    ["data:,", DEFAULT_TYPE, ""],
    ["data:,a%20b+c", DEFAULT_TYPE, "a b+c"],
    ["data:,A%20brief%20note", DEFAULT_TYPE, "A brief note"],
    ["data:,a,b", DEFAULT_TYPE, "a,b"],
    ["DATA:,a", DEFAULT_TYPE, "a"],
    ["\tdata:,a", DEFAULT_TYPE, "a"],
    ["data:text/plain;charset=utf-8,%C3%A9\u00e9", "text/plain;charset=utf-8", "\u00e9\u00e9"],
    ["data:;charset=utf-8,x", "text/plain;charset=utf-8", "x"],
    ["data:;base64,aGk=", DEFAULT_TYPE, "hi"],
    ["data:application/x-pem-file;base64,aGk%3D", "application/x-pem-file", "hi"],
    ["data:;BASE64,aG\nk=\n", DEFAULT_TYPE, "hi"],
    [`data:,${pem}`, DEFAULT_TYPE, pem],
    [`data:,${pem}100%41 %zz`, DEFAULT_TYPE, `${pem}100%41 %zz`],
    [`data:,${pem.replaceAll("\n", "%0A")}`, DEFAULT_TYPE, pem],
    [`data:,${encodeURIComponent(pem)}`, DEFAULT_TYPE, pem],
    [`data:,${encodeURIComponent(pem)}\n`, DEFAULT_TYPE, `${pem}\n`],
    ["data:,-----BEGIN X----- AA+A -----END X-----", DEFAULT_TYPE, "-----BEGIN X----- AA+A -----END X-----"],
  ] as const) {
    const data = parseDataUri(text);
    t.equal(data.mediaType, mediaType, name(text));
    t.equal(Buffer.from(data.bytes).toString(), content, name(text));
  }
});

t.test("data: refuses what is neither, at its place, and shows no content", async (t) => {
  for (const [text, rule, position] of [
    [`data:${CANARY}`, "comma-missing", 5],
    [`data:-----BEGIN ${CANARY}`, "comma-missing", 5],
    [`data:${CANARY},x`, "bad-media-type", 5],
    [`data:-----BEGIN X-----\nProc-Type: 4,${CANARY}`, "bad-media-type", 5],
    [`data:,${CANARY}%zz`, "bad-percent-encoding", 6 + CANARY.length],
    [`data:;base64,${CANARY}!`, "bad-base64", 13],
    [`data:;base64,${CANARY}A`, "bad-base64", 13],
    [`file:${CANARY}`, "bad-scheme", 0],
    [`data:,${CANARY}${"a".repeat(26_000_000)}`, "too-long", 24 * 1_048_576],
  ] as const) {
    const error = faultOf(() => parseDataUri(text));
    t.match(error, { code: "URI_INVALID", rule, position, section: /^RFC / }, rule);
    t.notMatch(`${inspect(error)}${JSON.stringify(error)}`, CANARY, rule);
  }
});

t.test("data: says where Cyclone DDS reads the text otherwise; Fast DDS takes none", async (t) => {
  const readings = (text: string) =>
    parseDataUri(text).readings.map(({ peer, accepted }) => `${peer} ${accepted}`);
  t.strictSame(readings("data:,a b"), ["fastdds false"]);
  t.strictSame(readings("data:,a\n%41"), ["fastdds false"], "verbatim on both sides");
  t.strictSame(readings("data:,a%20b"), ["cyclonedds true", "fastdds false"]);
  t.strictSame(readings("data:;base64,aGk="), ["cyclonedds false", "fastdds false"]);
  t.strictSame(readings("data:text/plain,a"), ["cyclonedds false", "fastdds false"]);
  t.strictSame(readings("Data:,a"), ["cyclonedds false", "fastdds false"]);
});

t.test("nothing but a CredentialError leaves file: and data:, whatever the text", async (t) => {
  const rest = fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[ /,;%a-z0-9=+\n]{0,30}$/));
  fc.assert(
    fc.property(rest, (text) => {
      for (const call of [
        () => parseFileUri(`file:${text}`),
        () => parseDataUri(`data:${text}`),
        () => uriScheme(text),
      ]) {
        try {
          call();
        } catch (error) {
          if (!(error instanceof CredentialError)) throw error;
        }
      }
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

t.test("data: of many megabytes is read in time that grows with its length", async (t) => {
  const started = performance.now();
  t.equal(parseDataUri(`data:,${"%41".repeat(2_000_000)}`).bytes.length, 2_000_000);
  t.equal(parseDataUri(`data:;base64,${"QUJD".repeat(1_000_000)}`).bytes.length, 3_000_000);
  t.match(
    faultOf(() => parseDataUri(`data:${";a=b".repeat(1_000_000)},x`)),
    { rule: "comma-missing" },
  );
  t.match(
    faultOf(() => parseDataUri(`data:${'a/a;a="'.repeat(100)},x`)),
    { rule: "bad-media-type" },
  );
  t.ok(performance.now() - started < 20_000);
});

const describe = {
  uri: (name: string) => `pkcs11:object=${encodeURIComponent(name)}?pin-value=${CANARY}`,
  label: (name: string) => name,
};

t.test("one candidate is chosen", async (t) => {
  t.equal(selectOne(["a"], ["a", "b"], describe, { uri: "pkcs11:object=a", what: "certificate" }), "a");
});

t.test("no candidate: the error names the nearest labels that exist", async (t) => {
  const all = ["gateway-key", "robot1", "Robot-2", "robot-1-old", "camera"];
  const error = faultOf(() =>
    selectOne([], all, describe, { uri: `pkcs11:object=robot-1?pin-value=${CANARY}`, what: "private key" }),
  );
  t.match(error, { code: "OBJECT_NOT_FOUND", message: /private key.*robot1.*Robot-2/ });
  t.equal(error.candidates?.length, 3);
  t.notMatch(`${inspect(error)}${JSON.stringify(error)}`, CANARY);
  t.match(
    faultOf(() => selectOne([], [], describe, { uri: "pkcs11:token=T", what: "token" })),
    { code: "TOKEN_NOT_FOUND", message: /no token at all/ },
  );
  t.match(
    faultOf(() => selectOne([], ["T1"], describe, { uri: "pkcs11:token=T", what: "token" })),
    { message: /there is "T1"/ },
  );
  t.match(
    faultOf(() => selectOne([], [""], describe, { uri: "pkcs11:object=T", what: "certificate" })),
    { message: /without a label/ },
  );
});

t.test("several candidates: the error names three, and lists each as a full URI", async (t) => {
  const names = Array.from({ length: 12 }, (_, index) => `key ${index}`);
  const error = faultOf(() =>
    selectOne(names, names, describe, { uri: "pkcs11:type=private", what: "private key" }),
  );
  t.match(error, {
    code: "OBJECT_AMBIGUOUS",
    message: /^12 private keys match the URI: "key 0", "key 1", "key 2" and 9 more$/,
  });
  t.equal(error.candidates?.length, 12);
  t.match(error.candidates?.[11], "pkcs11:object=key%2011");
  t.notMatch(`${inspect(error)}${JSON.stringify(error)}`, CANARY);
  const tokens = faultOf(() =>
    selectOne(["a", "b"], ["a", "b"], describe, { uri: "pkcs11:", what: "token" }),
  );
  t.equal(tokens.code, "TOKEN_AMBIGUOUS");
});

t.test("of thousands, the error counts all, and makes URIs of fifty at most", async (t) => {
  const names = Array.from({ length: 5000 }, (_, index) => `key ${index}`);
  let made = 0;
  const counting = { ...describe, uri: (name: string) => `${++made}${describe.uri(name)}` };
  const many = faultOf(() => selectOne(names, names, counting, { uri: "pkcs11:", what: "certificate" }));
  t.match(many, { code: "OBJECT_AMBIGUOUS", message: /^5000 certificates match/ });
  t.equal(many.candidates?.length, 50);
  t.equal(made, 50);
  const wanted = { uri: "pkcs11:object=kex%201234", what: "private key" } as const;
  const none = faultOf(() => selectOne([], names, counting, wanted));
  t.match(none, { code: "OBJECT_NOT_FOUND", message: /nearest.*"key 1234", "key 123", "key 124"/ });
  t.equal(made, 53);
});

t.test("nearest leaves out what is not near", async (t) => {
  t.strictSame(nearest("identity_ca.pem", ["identity_ca_cert.pem", "README", "x", "permissions.p7s"]), [
    "identity_ca_cert.pem",
  ]);
});

t.test("nearest orders by edit distance, at most three, quickly among thousands", async (t) => {
  t.strictSame(nearest("robot", ["x", "robto", "ROBOT", "robots", "cobot", "robots", "unlike"]), [
    "ROBOT",
    "robots",
    "cobot",
  ]);
  t.strictSame(nearest("robot-7", ["7-robot", "tobor-7", "robbot-7", "robot-8"]), [
    "robbot-7",
    "robot-8",
    "tobor-7",
  ]);
  t.strictSame(nearest("e\u0301", ["\u00e9"]), ["\u00e9"]);
  t.strictSame(nearest("a", []), []);
  const labels = Array.from({ length: 5000 }, (_, index) =>
    `credential of participant number ${index} `.repeat(20),
  );
  const started = performance.now();
  t.equal(nearest("kredential of partizipant number 1234 kredential of partizipant", labels).length, 3);
  t.equal(nearest("credential of participant number 4711 ".repeat(20), labels).length, 3);
  t.ok(performance.now() - started < 20_000);
});

const CANARY = "canary7391";
const DEFAULT_TYPE = "text/plain;charset=US-ASCII";

/** A text as the name of an assertion. */
function name(text: string): string {
  return JSON.stringify(text.slice(0, 30));
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
