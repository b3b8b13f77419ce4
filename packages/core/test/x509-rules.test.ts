import {
  type Certificate,
  ddsIdentityProfile,
  explainPath,
  type PathInput,
  rfc5280Profile,
  strictProfile,
  validatePath,
  webCrypto,
} from "@ddscred/core";
import t, { type Test } from "tap";
import {
  authorityKeyId,
  CA_FALSE,
  CA_TRUE,
  certificate,
  commonName,
  DIGITAL_SIGNATURE,
  ecKey,
  extension,
  failure,
  hex,
  integer,
  KEY_CERT_SIGN,
  type Octets,
  oid,
  revocationListDer,
  sequence,
  serialNumber,
  subjectKeyId,
  tlv,
} from "./x509-support.ts";

const crypto = webCrypto();
const at = new Date("2030-01-01T00:00:00Z");
const caKey = ecKey();
const leafKey = ecKey();
const otherKey = ecKey();
const ca = (...extensions: readonly Octets[]) =>
  certificate({ subject: "ca", key: caKey, extensions: [CA_TRUE, ...extensions] });
const plainCa = ca();
const leafOf = (...extensions: readonly Octets[]) =>
  certificate({
    subject: "leaf",
    issuer: "ca",
    key: leafKey,
    signedBy: caKey,
    extensions: [CA_FALSE, ...extensions],
  });
const validate = async (input: Partial<PathInput>) =>
  await validatePath({ leaf: leafOf(), anchors: [plainCa], at, crypto, profile: rfc5280Profile, ...input });
const refuses = async (t: Test, expected: object, input: Partial<PathInput>, name: string) =>
  t.match(await failure(() => validate(input)), expected, name);

// --- 4.2.1.10

const ascii = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));
const name = (form: string, text: string): Octets => {
  if (form === "directory") return tlv(0xa4, commonNames(...text.split(",")));
  if (form === "ip") return tlv(0x87, hex(text));
  return tlv({ email: 0x81, dns: 0x82, uri: 0x86, id: 0x88, x400: 0xa3 }[form] ?? 0, ascii(text));
};
const commonNames = (...values: readonly string[]) =>
  sequence(...values.filter((value) => value !== "").map((value) => commonName(value).subarray(2)));
const constraint = (kind: "permitted" | "excluded", form: string, base: string) =>
  extension("2.5.29.30", sequence(tlv(kind === "permitted" ? 0xa0 : 0xa1, sequence(name(form, base)))), true);

// What each base contains, and what it does not.
const SUBTREES: readonly (readonly [string, string, readonly string[], readonly string[]])[] = [
  [
    "dns",
    "example.com",
    ["example.com", "a.example.com", "A.Example.COM", "*.example.com"],
    ["badexample.com", "com"],
  ],
  ["dns", "", ["example.com"], []],
  ["email", "alice@example.com", ["alice@EXAMPLE.com"], ["Alice@example.com", "alice@a.example.com"]],
  ["email", "example.com", ["alice@example.com"], ["alice@a.example.com", "alice@badexample.com"]],
  ["email", ".example.com", ["alice@a.example.com", "b@a.b.example.com"], ["alice@example.com"]],
  [
    "uri",
    "example.com",
    ["https://example.com/a", "dds://u@EXAMPLE.com:7400"],
    ["https://a.example.com", "https://example.com@evil.org"],
  ],
  [
    "uri",
    ".example.com",
    ["https://a.example.com/"],
    ["https://example.com/", "https://evil.org/.example.com"],
  ],
  ["ip", "0a000000ff000000", ["0a010203"], ["0b010203", "20010db8000000000000000000000001"]],
  [
    "ip",
    "20010db8000000000000000000000000ffffffff000000000000000000000000",
    ["20010db8000000000000000000000001"],
    ["20010db9000000000000000000000001", "0a010203"],
  ],
  ["directory", "a,b", ["a,b", "a,b,c", "A, b "], ["b,a", "a"]],
];

t.test("4.2.1.10: a permitted subtree holds its names only, an excluded one all others", async (t) => {
  for (const [form, base, inside, outside] of SUBTREES) {
    for (const [names, isInside] of [
      [inside, true],
      [outside, false],
    ] as const) {
      for (const each of names) {
        const leaf = certificate({
          subject: sequence(),
          issuer: "ca",
          key: leafKey,
          signedBy: caKey,
          extensions: [extension("2.5.29.17", sequence(name(form, each)), true)],
        });
        const judged = async (kind: "permitted" | "excluded") => {
          const { error } = await explainPath({
            leaf,
            anchors: [ca(constraint(kind, form, base))],
            at,
            crypto,
            profile: rfc5280Profile,
          });
          return error?.code ?? "accepted";
        };
        const refused = "NAME_CONSTRAINT_VIOLATED";
        const [permitted, excluded] = isInside ? ["accepted", refused] : [refused, "accepted"];
        t.equal(await judged("permitted"), permitted, `permitted ${form} "${base}": ${each}`);
        t.equal(await judged("excluded"), excluded, `excluded ${form} "${base}": ${each}`);
      }
    }
  }
});

const nameOf = (form: string, text: string) => leafOf(extension("2.5.29.17", sequence(name(form, text))));
const constrained = (kind: "permitted" | "excluded", form: string, base: string) => ({
  anchors: [ca(constraint(kind, form, base))],
});

t.test("4.2.1.10: what cannot be compared fails closed", async (t) => {
  const violated = { code: "NAME_CONSTRAINT_VIOLATED", subject: "CN=leaf" };
  for (const uri of [
    "urn:a:b",
    "https:///path",
    "https://10.0.0.1/",
    "https://[::1]/",
    "https://a.example.com\\@x/",
  ]) {
    const input = { leaf: nameOf("uri", uri), ...constrained("excluded", "uri", "other.org") };
    await refuses(t, violated, input, `${uri} has no host to compare`);
  }
  const wildcard = {
    leaf: nameOf("dns", "*.example.com"),
    ...constrained("excluded", "dns", "a.example.com"),
  };
  await refuses(t, violated, wildcard, "a wildcard stands for an excluded name too");
  for (const [form, text] of [
    ["dns", "a..b"],
    ["email", "example.com"],
    ["ip", "0a0102"],
  ] as const) {
    const base = form === "ip" ? "0a000000ff000000" : "example.com";
    await refuses(
      t,
      violated,
      { leaf: nameOf(form, text), ...constrained("excluded", form, base) },
      `malformed ${form}`,
    );
  }
  const bases = [
    ["dns", ".example.com"],
    ["dns", "a b"],
    ["ip", "0a00000000ff00ff"],
    ["ip", "0a000000"],
    ["email", "a@"],
  ] as const;
  for (const [form, base] of bases) {
    await refuses(
      t,
      { code: "CERTIFICATE_INVALID", subject: "CN=ca" },
      constrained("permitted", form, base),
      `base ${base}`,
    );
  }
  const unknown = constrained("permitted", "id", "*");
  t.ok(await validate(unknown), "a form that is not compared, and does not occur");
  await refuses(
    t,
    { code: "EXTENSION_UNSUPPORTED" },
    { leaf: nameOf("id", "*"), ...unknown },
    "and where it occurs",
  );
  t.ok(
    await validate({ leaf: nameOf("email", "a@b.c"), ...constrained("permitted", "dns", "example.com") }),
    "other forms are free",
  );
});

t.test("4.2.1.10: no other form or string type leads around an excluded subtree", async (t) => {
  const violated = { code: "NAME_CONSTRAINT_VIOLATED", subject: "CN=leaf" };
  const text = (value: string, type: number) => tlv(0xa4, commonName(value, type));
  for (const type of [0x0c, 0x13, 0x14, 0x16, 0x1a]) {
    const leaf = leafOf(extension("2.5.29.17", sequence(text("EXCLUDED", type))));
    const input = { leaf, ...constrained("excluded", "directory", "excluded") };
    await refuses(t, violated, input, `string type ${type}`);
  }
  // An e-mail address as an otherName (RFC 9598): both constraints hold.
  const mailbox = tlv(0xa0, oid("1.3.6.1.5.5.7.8.9"), tlv(0xa0, tlv(0x0c, ascii("u@example.com"))));
  const leaf = leafOf(extension("2.5.29.17", sequence(mailbox)));
  const otherName = extension("2.5.29.30", sequence(tlv(0xa1, sequence(mailbox))), true);
  await refuses(t, { code: "EXTENSION_UNSUPPORTED" }, { leaf, anchors: [ca(otherName)] }, "as an otherName");
  await refuses(
    t,
    violated,
    { leaf, ...constrained("permitted", "email", "example.com") },
    "as an e-mail address",
  );
  t.ok(await validate({ leaf, ...constrained("permitted", "dns", "example.com") }));
});

t.test("4.2.1.10: an e-mail address in the subject counts, and self-issued CAs do not", async (t) => {
  const address = sequence(oid("1.2.840.113549.1.9.1"), tlv(0x16, ascii("alice@evil.org")));
  const leaf = certificate({
    subject: sequence(tlv(0x31, address)),
    issuer: "ca",
    key: leafKey,
    signedBy: caKey,
  });
  await refuses(
    t,
    { code: "NAME_CONSTRAINT_VIOLATED" },
    { leaf, ...constrained("permitted", "email", "example.com") },
    "subject",
  );
  const rollover = certificate({ subject: "ca", key: otherKey, signedBy: caKey, extensions: [CA_TRUE] });
  const below = certificate({ subject: "leaf", issuer: "ca", key: leafKey, signedBy: otherKey });
  const path = await validate({
    leaf: below,
    intermediates: [rollover],
    ...constrained("permitted", "directory", "leaf"),
  });
  t.equal(path.certificates.length, 3, "a self-issued CA between");
  await refuses(
    t,
    { code: "NAME_CONSTRAINT_VIOLATED" },
    { ...constrained("excluded", "directory", "leaf") },
    "the leaf",
  );
});

// --- purposes and profiles

const usage = (...purposes: readonly string[]) => extension("2.5.29.37", sequence(...purposes.map(oid)));
const CLIENT = "1.3.6.1.5.5.7.3.2";
const ANY = "2.5.29.37.0";

t.test(
  "4.2.1.12: every extendedKeyUsage below the anchor allows the purpose, where one is asked for",
  async (t) => {
    const purpose = "clientAuth";
    t.ok(await validate({ purpose }), "absent allows all");
    t.ok(await validate({ purpose, leaf: leafOf(usage(CLIENT)) }));
    t.ok(await validate({ purpose, leaf: leafOf(usage(ANY)) }));
    t.ok(await validate({ purpose: CLIENT, leaf: leafOf(usage(CLIENT)) }), "as an OID");
    const codeSigning = leafOf(usage("1.3.6.1.5.5.7.3.3"));
    t.ok(await validate({ leaf: codeSigning }), "not asked for");
    await refuses(
      t,
      { code: "PURPOSE_REFUSED", section: "RFC 5280 4.2.1.12" },
      { purpose, leaf: codeSigning },
      "another",
    );
    await refuses(
      t,
      { code: "PURPOSE_REFUSED" },
      { purpose: "codeSigning", leaf: leafOf(KEY_CERT_SIGN) },
      "keyUsage",
    );
    const middleKey = ecKey();
    const middle = (own: Octets) =>
      certificate({
        subject: "middle",
        issuer: "ca",
        key: middleKey,
        signedBy: caKey,
        extensions: [CA_TRUE, own],
      });
    const leaf = certificate({ subject: "leaf", issuer: "middle", key: leafKey, signedBy: middleKey });
    t.ok(await validate({ purpose, leaf, intermediates: [middle(usage(CLIENT))] }));
    const server = [middle(usage("1.3.6.1.5.5.7.3.1"))];
    await refuses(
      t,
      { code: "PURPOSE_REFUSED", subject: "CN=middle" },
      { purpose, leaf, intermediates: server },
      "of a CA",
    );
    await t.rejects(validate({ purpose: "telnet server" }), TypeError, "no purpose at all");
  },
);

t.test("the DDS profile: an identity signs, and each refusal tells who refuses it too", async (t) => {
  const profile = ddsIdentityProfile;
  t.ok(await validate({ profile, leaf: leafOf(DIGITAL_SIGNATURE) }));
  const keyUsage = { code: "PURPOSE_REFUSED", peers: { accept: ["cyclonedds"], reject: [] } };
  await refuses(t, keyUsage, { profile, leaf: leafOf(KEY_CERT_SIGN) }, "a keyUsage without digitalSignature");
  const on = (curve: string) => {
    const key = ecKey(curve);
    return certificate({ subject: "leaf", issuer: "ca", key, signedBy: caKey });
  };
  const unsupported = (accept: string[], reject: string[]) => ({
    code: "KEY_UNSUPPORTED",
    peers: { accept, reject },
  });
  await refuses(
    t,
    unsupported(["cyclonedds", "fastdds"], []),
    { profile, leaf: on("secp256k1") },
    "secp256k1",
  );
  await refuses(t, unsupported(["fastdds"], ["cyclonedds"]), { profile, leaf: on("P-521") }, "P-521");
  const expired = certificate({
    subject: "leaf",
    issuer: "ca",
    key: leafKey,
    signedBy: caKey,
    notAfter: "250101000000Z",
  });
  await refuses(
    t,
    { code: "CERTIFICATE_EXPIRED", peers: { reject: ["cyclonedds"] } },
    { profile, leaf: expired },
    "expired",
  );
});

t.test("the strict profile holds certificates to the form of RFC 5280 section 4", async (t) => {
  const strictCa = certificate({
    subject: "ca",
    key: caKey,
    extensions: [CA_TRUE, KEY_CERT_SIGN, subjectKeyId(1)],
  });
  const profile = strictProfile;
  const good = [authorityKeyId(1), CA_FALSE];
  const leaf = (parts: object) =>
    certificate({ subject: "leaf", issuer: "ca", key: leafKey, signedBy: caKey, extensions: good, ...parts });
  t.ok(await validate({ profile, anchors: [strictCa], leaf: leaf({}) }));
  const lateTime = sequence(tlv(0x17, ascii("200101000000Z")), tlv(0x18, ascii("20400101000000Z")));
  for (const [what, parts, section] of [
    ["no authorityKeyIdentifier", { extensions: [CA_FALSE] }, "4.2.1.1"],
    ["serial number 0", { serial: integer(0) }, "4.1.2.2"],
    ["serial number of 21 octets", { serial: tlv(0x02, new Uint8Array(21).fill(1)) }, "4.1.2.2"],
    ["an empty subject", { subject: sequence() }, "4.1.2.6"],
    ["GeneralizedTime before 2050", { validity: lateTime }, "4.1.2.5"],
    ["keyCertSign, and no CA", { extensions: [...good, KEY_CERT_SIGN] }, "4.2.1.3"],
    [
      "a malformed DNS name",
      { extensions: [...good, extension("2.5.29.17", sequence(name("dns", "a..b")))] },
      "4.2.1.6",
    ],
    [
      "name constraints, and no CA",
      { extensions: [...good, constraint("permitted", "dns", "a.b")] },
      "4.2.1.10",
    ],
    ["a critical key identifier", { extensions: [extension("2.5.29.35", hex("3003800101"), true)] }, "4.2.1"],
  ] as const) {
    const input = { anchors: [strictCa], leaf: leaf(parts) };
    t.ok(await validate(input), `${what}: section 6 has nothing against it`);
    await refuses(
      t,
      { code: "CERTIFICATE_INVALID", section: `RFC 5280 ${section}` },
      { ...input, profile },
      what,
    );
  }
  for (const [name, extensions] of [
    ["no subjectKeyIdentifier", [CA_TRUE, KEY_CERT_SIGN]],
    ["no keyUsage", [CA_TRUE, subjectKeyId(1)]],
    [
      "basicConstraints not critical",
      [extension("2.5.29.19", hex("30030101ff")), KEY_CERT_SIGN, subjectKeyId(1)],
    ],
  ] as const) {
    const anchors = [certificate({ subject: "ca", key: caKey, extensions })];
    t.ok(await validate({ anchors, leaf: leaf({}) }));
    await refuses(t, { code: "CA_INVALID", subject: "CN=ca" }, { profile, anchors, leaf: leaf({}) }, name);
  }
});

// --- revocation

const serial = serialNumber(7);
const alice = certificate({ subject: "alice", issuer: "ca", key: leafKey, signedBy: caKey, serial });
const critical = (dotted: string, value: Octets) => extension(dotted, value, true);
const number = (value: number) => extension("2.5.29.20", integer(value));
const deltaOf = (base: number) => critical("2.5.29.27", integer(base));
const reason = (code: number) => extension("2.5.29.21", tlv(0x0a, Uint8Array.of(code)));
const issuing = (...fields: readonly Octets[]) => critical("2.5.29.28", sequence(...fields));
type ListParts = Partial<Parameters<typeof revocationListDer>[0]>;
const list = (parts: ListParts = {}) => revocationListDer({ issuer: "ca", signedBy: caKey, ...parts });
const lookUp = (...lists: readonly Octets[]) => ({ leaf: alice, revocation: { lists } });

t.test("6.3: a certificate is looked up in a list of its CA", async (t) => {
  const path = await validate(lookUp(list()));
  t.equal(path.revocation, "checked");
  t.equal((await validate({ leaf: alice })).revocation, "not-asked");
  t.ok(await validate(lookUp(list({ entries: [{ serial: serialNumber(8) }] }))), "another one is revoked");
  const listed = (...extensions: readonly Octets[]) => lookUp(list({ entries: [{ serial, extensions }] }));
  const revoked = { code: "CERTIFICATE_REVOKED", subject: "CN=alice", section: /6\.3\.3/ };
  await refuses(t, { ...revoked, message: /2029-01-01.*unspecified/ }, listed(), "no reason");
  await refuses(t, { ...revoked, message: /keyCompromise/ }, listed(reason(1)), "a reason");
  await refuses(t, { ...revoked, message: /on hold/ }, listed(reason(6)), "on hold");
  t.ok(
    await validate({ ...listed(), anchors: [plainCa], leaf: leafOf() }),
    "its serial number under another name",
  );
});

t.test("6.3: a list that cannot be used says nothing, and each reason has its rule", async (t) => {
  const unusable: readonly (readonly [string, string, Octets])[] = [
    ["crl-missing", "of another CA", list({ issuer: "other", signedBy: otherKey })],
    ["crl-signature", "signed by another key", list({ signedBy: otherKey })],
    ["crl-not-yet-valid", "of later", list({ thisUpdate: "310101000000Z" })],
    ["crl-no-next-update", "without nextUpdate", list({ nextUpdate: "" })],
    ["crl-extension", "critical and unknown", list({ extensions: [critical("1.2.3", hex("0500"))] })],
    [
      "crl-extension",
      "of an entry",
      list({ entries: [{ serial: serialNumber(8), extensions: [critical("1.2.3", hex("0500"))] }] }),
    ],
    ["crl-delta", "a delta alone", list({ extensions: [deltaOf(1), number(2)] })],
    ["crl-scope", "CA certificates only", list({ extensions: [issuing(tlv(0x82, hex("ff")))] })],
    ["crl-scope", "attribute certificates only", list({ extensions: [issuing(tlv(0x85, hex("ff")))] })],
    [
      "crl-scope",
      "another distribution point",
      list({ extensions: [issuing(tlv(0xa0, tlv(0xa0, name("uri", "http://x/"))))] }),
    ],
    ["crl-reasons", "some reasons only", list({ extensions: [issuing(tlv(0x83, hex("0640")))] })],
  ];
  for (const [rule, what, der] of unusable) {
    await refuses(t, { code: "REVOCATION_UNKNOWN", rule }, lookUp(der), what);
    const path = await validate({ leaf: alice, revocation: { lists: [der], require: false } });
    t.equal(path.revocation, "incomplete", `${what}, where it is not required`);
    t.equal((await validate(lookUp(der, list()))).revocation, "checked", `${what}, beside a good one`);
  }
  const old = list({ nextUpdate: "291231235959Z" });
  await refuses(
    t,
    { code: "CRL_EXPIRED", rule: "crl-expired", message: /2029-12-31/ },
    lookUp(old),
    "out of date",
  );
  await refuses(t, { code: "REVOCATION_UNKNOWN", rule: "crl-missing" }, lookUp(), "none at all");
  const noSigning = [ca(extension("2.5.29.15", hex("03020204"), true))];
  await refuses(t, { rule: "crl-signer" }, { ...lookUp(list()), anchors: noSigning }, "a CA without cRLSign");
  await refuses(t, { code: "CRL_INVALID" }, lookUp(list().subarray(0, 90)), "no list");
});

t.test("6.3.3 (c): a delta list brings a complete one up to date", async (t) => {
  const base = (parts: ListParts = {}) => list({ ...parts, extensions: [number(5)] });
  const delta = (parts: ListParts = {}, from = 5) =>
    list({ ...parts, extensions: [deltaOf(from), number(6)] });
  t.ok(await validate(lookUp(base(), delta())));
  const revokes = { entries: [{ serial, extensions: [reason(1)] }] };
  await refuses(t, { code: "CERTIFICATE_REVOKED" }, lookUp(base(), delta(revokes)), "revoked since");
  t.ok(await validate(lookUp(base(), delta(revokes, 6))), "a delta of a later list is not for this one");
  t.ok(
    await validate(lookUp(base(), delta({ ...revokes, signedBy: otherKey }))),
    "nor one that another signed",
  );
  const held = base({ entries: [{ serial, extensions: [reason(6)] }] });
  const released = delta({ entries: [{ serial, extensions: [reason(8)] }] });
  t.ok(await validate(lookUp(held, released)), "taken off hold");
  t.ok(
    await validate(lookUp(base({ nextUpdate: "291231235959Z" }), delta())),
    "a new delta mends an old list",
  );
});

t.test("6.3.3 (f): a list may be signed by another key of the CA, below the same anchor", async (t) => {
  const signerKey = ecKey();
  const signs = extension("2.5.29.15", hex("03020102"), true);
  const signer = (parts: object) =>
    certificate({
      subject: "ca",
      issuer: "ca",
      key: signerKey,
      signedBy: caKey,
      serial: serialNumber(9),
      extensions: [signs],
      ...parts,
    });
  const signed = list({ signedBy: signerKey });
  t.ok(await validate({ ...lookUp(signed), intermediates: [signer({})] }));
  const untrusted: Certificate = signer({ signedBy: otherKey });
  await refuses(
    t,
    { rule: "crl-signer" },
    { ...lookUp(signed), intermediates: [untrusted] },
    "one that the CA did not certify",
  );
  const notForLists = signer({ extensions: [DIGITAL_SIGNATURE] });
  await refuses(
    t,
    { rule: "crl-signer" },
    { ...lookUp(signed), intermediates: [notForLists] },
    "one for other things",
  );
  const revokedSigner = list({
    entries: [{ serial: serialNumber(9) }],
    extensions: [issuing(tlv(0x83, hex("0640")))],
  });
  const input = { ...lookUp(signed, revokedSigner), intermediates: [signer({})] };
  await refuses(t, { code: "REVOCATION_UNKNOWN", rule: "crl-signer" }, input, "one that is revoked");
});

t.test("6.3.3: of several lists the newest counts, in whatever order they are given", async (t) => {
  const older = { thisUpdate: "280101000000Z" };
  const revokes = { entries: [{ serial, extensions: [reason(1)] }] };
  for (const [one, other] of [
    [list(older), list(revokes)],
    [list(revokes), list(older)],
    [list(), list(revokes)],
    [list(revokes), list()],
  ] as const) {
    await refuses(
      t,
      { code: "CERTIFICATE_REVOKED" },
      lookUp(one, other),
      "revoked since, or by one of the same age",
    );
  }
  const held = list({ ...older, entries: [{ serial, extensions: [reason(6)] }] });
  t.ok(await validate(lookUp(held, list())), "on hold before, and no more");
});

t.test("6.3.3: what a list revoked for good stays revoked, however old the list", async (t) => {
  const revokes = (number: number) => ({ entries: [{ serial, extensions: [reason(number)] }] });
  const revoked = { code: "CERTIFICATE_REVOKED" };
  for (const nextUpdate of ["290201000000Z", ""]) {
    const old = list({ ...revokes(1), nextUpdate });
    await refuses(t, revoked, lookUp(old), "alone");
    await refuses(t, revoked, lookUp(old, list()), "beside a list of the same time");
    t.ok(await validate(lookUp(old, list({ thisUpdate: "290301000000Z" }))), "a newer list is silent");
    const optional = { ...lookUp(old), revocation: { ...lookUp(old).revocation, require: false } };
    await refuses(t, revoked, optional, "where revocation is not required");
    const hold = lookUp(list({ ...revokes(6), nextUpdate }));
    const rule = nextUpdate === "" ? "crl-no-next-update" : "crl-expired";
    await refuses(t, { rule }, hold, "a hold may have ended");
  }
  const forged = list({ ...revokes(1), nextUpdate: "290201000000Z", signedBy: otherKey });
  await refuses(t, { code: "REVOCATION_UNKNOWN", rule: "crl-signature" }, lookUp(forged), "by another key");
  const later = list({ ...revokes(1), thisUpdate: "310101000000Z" });
  await refuses(t, { rule: "crl-not-yet-valid" }, lookUp(later), "a list of a later time");
});

// --- explaining

t.test("explainPath tells every candidate and why it fell, and never throws what it tells", async (t) => {
  const namesake = certificate({ subject: "ca", key: otherKey, extensions: [CA_TRUE] });
  const expired = certificate({
    subject: "ca",
    key: caKey,
    extensions: [CA_TRUE],
    notAfter: "250101000000Z",
  });
  const leaf = leafOf();
  const input = { leaf, at, crypto, profile: rfc5280Profile };
  const { path, error, rejected } = await explainPath({ ...input, anchors: [namesake, expired] });
  t.equal(path, undefined);
  t.match(error, { code: "CERTIFICATE_EXPIRED", subject: "CN=ca" });
  t.match(rejected, [
    { certificates: [leaf, namesake], error: { code: "SIGNATURE_INVALID" } },
    { certificates: [leaf, expired], error: { code: "CERTIFICATE_EXPIRED" } },
  ]);
  const good = await explainPath({ ...input, anchors: [namesake, plainCa] });
  t.same(good.path?.certificates, [leaf, plainCa]);
  t.equal(good.error, undefined);
  t.equal(good.rejected.length, 1);
  const broken = await explainPath({ ...input, anchors: [plainCa], revocation: { lists: [hex("3000")] } });
  t.match(broken, { error: { code: "CRL_INVALID" }, rejected: [] });
});
