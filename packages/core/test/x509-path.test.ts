import { generateKeyPairSync } from "node:crypto";
import {
  type Certificate,
  certificatesFromPem,
  ddsIdentityProfile,
  ddsPermissionsCaProfile,
  type ErrorCode,
  encodePem,
  type PathInput,
  type PathProfile,
  parseCertificate,
  rfc5280Profile,
  ValidatedPath,
  type Verifier,
  validatePath,
  webCrypto,
} from "@ddscred/core";
import t, { type Test } from "tap";
import {
  authorityKeyId,
  CA_FALSE,
  CA_TRUE,
  type CertificateParts,
  caWithPathLength,
  certificate,
  certificateDer,
  DIGITAL_SIGNATURE,
  ecKey,
  extension,
  failure,
  hex,
  KEY_CERT_SIGN,
  type KeyPair,
  needsOpenssl,
  oid,
  openssl,
  opensslSays,
  readCertificate,
  sequence,
  subjectKeyId,
  temporaryFolder,
  writePem,
} from "./x509-support.ts";

const crypto = webCrypto();
const at = new Date("2030-06-01T12:00:00Z");
const [caKey, leafKey, middleKey, otherKey] = [ecKey(), ecKey(), ecKey(), ecKey()];
const ca = certificate({ subject: "ca", key: caKey, extensions: [CA_TRUE, KEY_CERT_SIGN] });
const issued = (parts: Partial<CertificateParts> = {}): CertificateParts => ({
  subject: "leaf",
  issuer: "ca",
  key: leafKey,
  signedBy: caKey,
  extensions: [CA_FALSE, DIGITAL_SIGNATURE],
  ...parts,
});
const leaf = certificate(issued());
const authority = (parts: Partial<CertificateParts> = {}) =>
  certificate({ subject: "ca", key: caKey, extensions: [CA_TRUE, KEY_CERT_SIGN], ...parts });
const middle = (parts: Partial<CertificateParts> = {}) =>
  certificate(issued({ subject: "middle", key: middleKey, extensions: [CA_TRUE, KEY_CERT_SIGN], ...parts }));
const below = certificate(issued({ issuer: "middle", signedBy: middleKey }));

const validate = (input: Partial<PathInput> = {}) =>
  validatePath({ leaf, anchors: [ca], at, crypto, profile: ddsIdentityProfile, ...input });

async function refuses(t: Test, code: ErrorCode, message: RegExp, input: Partial<PathInput>, name: string) {
  t.match(await failure(() => validate(input)), { code, message }, name);
}

t.test("a leaf that the CA issued is accepted; the path is leaf first, anchor last", async (t) => {
  const path = await validate();
  t.same(path.certificates, [leaf, ca]);
  t.equal(path.leaf, leaf);
  t.equal(path.anchor, ca);
  t.same(path.at, at);
  t.same(path.notes, []);
  t.ok(ValidatedPath.is(path));
});

t.test("only validatePath makes a ValidatedPath", async (t) => {
  const make = ValidatedPath as unknown as new (...parts: unknown[]) => unknown;
  t.throws(() => new make({ certificates: [leaf], anchor: ca, at, notes: [] }), TypeError);
  t.throws(
    () => new make({ certificates: [leaf], anchor: ca, at, notes: [] }, Symbol("validatePath")),
    TypeError,
  );
  t.notOk(ValidatedPath.is(Object.assign({}, await validate())));
  t.notOk(ValidatedPath.is(Object.create(ValidatedPath.prototype)));
});

t.test("wrong arguments are programming mistakes", async (t) => {
  const pretended = { ...leaf, subject: ca.subject };
  await t.rejects(
    validate({ leaf: pretended }),
    TypeError,
    "a certificate that parseCertificate did not make",
  );
  await t.rejects(validate({ anchors: [pretended] }), TypeError);
  await t.rejects(validate({ intermediates: [pretended] }), TypeError);
  await t.rejects(validate({ at: new Date("never") }), TypeError);
  await t.rejects(validate({ crypto: {} as Verifier }), TypeError);
});

t.test("a signature counts only if the verifier says exactly true", async (t) => {
  const answering = (answer: unknown): Verifier => ({ verify: async () => answer as boolean });
  t.ok(await validate({ crypto: answering(true) }));
  for (const answer of [false, undefined, 1, "true", {}]) {
    await refuses(
      t,
      "SIGNATURE_INVALID",
      /leaf/,
      { crypto: answering(answer) },
      JSON.stringify(answer) ?? "undefined",
    );
  }
});

t.test("RFC 5280 6.1.3 (a)(2): every certificate is valid at the moment, the anchor too", async (t) => {
  t.ok(await validate({ at: leaf.notBefore }), "the first second");
  t.ok(await validate({ at: leaf.notAfter }), "the last second");
  const after = new Date(leaf.notAfter.getTime() + 1000);
  await refuses(t, "CERTIFICATE_EXPIRED", /CN=leaf.*2040-01-01T00:00:00Z/, { at: after }, "a second later");
  const before = new Date(leaf.notBefore.getTime() - 1);
  await refuses(t, "CERTIFICATE_NOT_YET_VALID", /CN=leaf.*2020-01-01/, { at: before }, "before");
  const old = authority({ notAfter: "250101000000Z" });
  await refuses(t, "CERTIFICATE_EXPIRED", /CN=ca/, { anchors: [old] }, "anchor expired");
  const future = authority({ notBefore: "350101000000Z" });
  await refuses(t, "CERTIFICATE_NOT_YET_VALID", /CN=ca/, { anchors: [future] }, "anchor not yet valid");
  const expired = middle({ notAfter: "250101000000Z" });
  await refuses(
    t,
    "CERTIFICATE_EXPIRED",
    /CN=middle/,
    { leaf: below, intermediates: [expired] },
    "intermediate",
  );
  const backwards = certificate(issued({ notBefore: "400101000000Z", notAfter: "200101000000Z" }));
  await refuses(t, "CERTIFICATE_NOT_YET_VALID", /CN=leaf/, { leaf: backwards }, "notAfter before notBefore");
});

t.test("intermediates are found in any order, among others that do not belong", async (t) => {
  const lowerKey = ecKey();
  const lower = certificate(
    issued({ subject: "lower", issuer: "middle", key: lowerKey, signedBy: middleKey, extensions: [CA_TRUE] }),
  );
  const deep = certificate(issued({ issuer: "lower", signedBy: lowerKey }));
  const stray = certificate({ subject: "stray", key: otherKey, extensions: [CA_TRUE] });
  const upper = middle();
  for (const intermediates of [
    [lower, upper],
    [upper, lower],
    [stray, upper, stray, ca, deep, lower, upper],
  ]) {
    const path = await validate({ leaf: deep, intermediates });
    t.same(path.certificates, [deep, lower, upper, ca]);
  }
  await refuses(
    t,
    "ISSUER_MISMATCH",
    /CN=lower.*issued by "CN=middle"/,
    { leaf: deep, intermediates: [lower] },
    "gap",
  );
});

t.test("an anchor that another CA issued is trusted by being given", async (t) => {
  const anchor = middle();
  t.same((await validate({ leaf: below, anchors: [anchor] })).certificates, [below, anchor]);
  t.same(
    (await validate({ leaf: below, anchors: [anchor, ca] })).certificates,
    [below, anchor],
    "the shortest path",
  );
});

t.test("6.1.3 (a)(4): a leaf of another CA is refused, and the names are told", async (t) => {
  const other = certificate({ subject: "other", key: otherKey, extensions: [CA_TRUE] });
  await refuses(
    t,
    "ISSUER_MISMATCH",
    /CN=leaf.*issued by "CN=ca".*given is "CN=other"/,
    { anchors: [other] },
    "other",
  );
  await refuses(t, "ISSUER_MISMATCH", /no CA was given/, { anchors: [] }, "none");
});

t.test("another CA of the same name is recognised as one", async (t) => {
  const namesake = authority({ key: otherKey });
  await refuses(
    t,
    "SIGNATURE_INVALID",
    /another CA of the same name/,
    { anchors: [namesake] },
    "no key identifiers",
  );
  const marked = certificate(issued({ extensions: [CA_FALSE, authorityKeyId(1)] }));
  const one = authority({ extensions: [CA_TRUE, subjectKeyId(1)] });
  const two = authority({ key: otherKey, extensions: [CA_TRUE, subjectKeyId(2)] });
  await refuses(
    t,
    "ISSUER_MISMATCH",
    /another CA of the same name/,
    { leaf: marked, anchors: [two] },
    "they differ",
  );
  t.equal((await validate({ leaf: marked, anchors: [two, one] })).anchor, one, "the right one is found");
  t.equal((await validate({ anchors: [namesake, ca] })).anchor, ca, "also without key identifiers");
  const lying = authority({ extensions: [CA_TRUE, subjectKeyId(2)] });
  t.ok(
    await validate({ leaf: marked, anchors: [lying] }),
    "key identifiers are hints, the signature decides",
  );
});

t.test("6.1.4 (k), (n): who issues is a CA and may sign certificates", async (t) => {
  for (const [name, extensions, message] of [
    ["CA:FALSE", [CA_FALSE], /CN=ca.*CA:FALSE.*6\.1\.4 \(k\)/],
    ["no basicConstraints", [KEY_CERT_SIGN], /no basicConstraints/],
    ["keyUsage without keyCertSign", [CA_TRUE, DIGITAL_SIGNATURE], /keyCertSign.*digitalSignature/],
  ] as const) {
    await refuses(t, "CA_INVALID", message, { anchors: [authority({ extensions })] }, `anchor: ${name}`);
    const intermediates = [middle({ extensions })];
    await refuses(t, "CA_INVALID", /CN=middle/, { leaf: below, intermediates }, `intermediate: ${name}`);
  }
  t.ok(await validate({ anchors: [authority({ extensions: [CA_TRUE] })] }), "keyUsage may be absent");
  t.ok(await validate({ leaf: below, intermediates: [middle({ extensions: [CA_TRUE] })] }));
});

t.test("a leaf cannot issue", async (t) => {
  const issuedByLeaf = certificate(
    issued({ subject: "x", issuer: "leaf", key: otherKey, signedBy: leafKey }),
  );
  await refuses(
    t,
    "CA_INVALID",
    /CN=leaf/,
    { leaf: issuedByLeaf, intermediates: [leaf] },
    "leaf as intermediate",
  );
});

t.test("4.2.1.9: pathLenConstraint counts the CAs below that are not self-issued", async (t) => {
  const limited = authority({ extensions: [caWithPathLength(0)] });
  t.ok(await validate({ anchors: [limited] }), "none below");
  const input = { leaf: below, intermediates: [middle()] };
  await refuses(t, "CA_INVALID", /CN=ca.*allows 0 CAs.*has 1/, { ...input, anchors: [limited] }, "one below");
  t.ok(await validate({ ...input, anchors: [authority({ extensions: [caWithPathLength(1)] })] }));
  const newKey = ecKey();
  const rollover = certificate(issued({ subject: "ca", key: newKey, extensions: [CA_TRUE] }));
  const underNew = certificate(issued({ signedBy: newKey }));
  const path = await validate({ leaf: underNew, intermediates: [rollover], anchors: [limited] });
  t.equal(path.certificates.length, 3, "a self-issued CA does not count");
});

t.test("an anchor of version 1 is the profile's decision, and is noted", async (t) => {
  const old = certificate({ subject: "ca", key: caKey });
  t.equal(old.version, 1);
  t.match((await validate({ anchors: [old] })).notes, [{ rule: "version-1-anchor", certificate: old }]);
  const profile: PathProfile = { ...ddsIdentityProfile, version1Anchors: "refuse" };
  await refuses(t, "CA_INVALID", /version 1/, { anchors: [old], profile }, "refused by profile");
  const oldMiddle = middle({ extensions: [] });
  await refuses(
    t,
    "CA_INVALID",
    /CN=middle.*version 1/,
    { leaf: below, intermediates: [oldMiddle] },
    "intermediate",
  );
});

t.test("a leaf that is the anchor is accepted if it is a self-signed CA, and is noted", async (t) => {
  const path = await validate({ leaf: ca, anchors: [ca] });
  t.same(path.certificates, [ca]);
  t.match(path.notes, [{ rule: "leaf-is-anchor" }]);
  const selfSigned = certificate({ subject: "leaf", key: leafKey, extensions: [CA_FALSE] });
  await refuses(t, "CA_INVALID", /CA:FALSE/, { leaf: selfSigned, anchors: [selfSigned] }, "no CA");
  const intermediate = middle();
  const both = { leaf: intermediate, anchors: [intermediate] };
  await refuses(t, "ISSUER_MISMATCH", /issued by "CN=ca"/, both, "issued by another CA");
  await refuses(
    t,
    "ISSUER_MISMATCH",
    /self-issued and is none of the CAs/,
    { leaf: selfSigned },
    "not an anchor",
  );
});

t.test("a self-issued anchor must have signed itself", async (t) => {
  const forged = authority({ signedBy: otherKey });
  await refuses(t, "SIGNATURE_INVALID", /CN=ca/, { anchors: [forged] }, "signed by another key");
  const rollover = authority({
    signedBy: otherKey,
    extensions: [CA_TRUE, subjectKeyId(1), authorityKeyId(2)],
  });
  t.ok(
    await validate({ anchors: [rollover] }),
    "unless its key identifiers say that it is signed by the old key",
  );
});

t.test("6.1.4 (o), 6.1.5 (f): a critical extension that is not understood refuses the path", async (t) => {
  const unknown = extension("1.2.3.4", hex("0500"), true);
  const harmless = extension("1.2.3.4", hex("0500"));
  const inLeaf = certificate(issued({ extensions: [unknown] }));
  await refuses(t, "EXTENSION_UNSUPPORTED", /CN=leaf.*1\.2\.3\.4/, { leaf: inLeaf }, "leaf");
  const anchors = [authority({ extensions: [CA_TRUE, unknown] })];
  await refuses(t, "EXTENSION_UNSUPPORTED", /CN=ca.*1\.2\.3\.4/, { anchors }, "anchor");
  t.ok(await validate({ leaf: certificate(issued({ extensions: [harmless] })) }), "not critical");
  const distributionPoints = extension("2.5.29.31", hex("3000"), true);
  const withPoints = certificate(issued({ extensions: [distributionPoints] }));
  await refuses(
    t,
    "EXTENSION_UNSUPPORTED",
    /cRLDistributionPoints/,
    { leaf: withPoints },
    "critical cRLDistributionPoints",
  );
});

t.test("an extension that restricts the path and is malformed refuses it, critical or not", async (t) => {
  for (const [name, dotted] of [
    ["nameConstraints", "2.5.29.30"],
    ["policyMappings", "2.5.29.33"],
    ["policyConstraints", "2.5.29.36"],
    ["inhibitAnyPolicy", "2.5.29.54"],
  ] as const) {
    for (const critical of [true, false]) {
      const empty = extension(dotted, hex("3000"), critical);
      const inCa = { anchors: [authority({ extensions: [CA_TRUE, empty] })] };
      await refuses(t, "CERTIFICATE_INVALID", new RegExp(`CN=ca.*${name}`), inCa, `${name} ${critical}`);
      const leaf = certificate(issued({ extensions: [empty] }));
      await refuses(t, "CERTIFICATE_INVALID", new RegExp(`CN=leaf.*${name}`), { leaf }, "in the leaf");
    }
  }
});

t.test("a malformed extension refuses the path, in any certificate", async (t) => {
  const broken = extension("2.5.29.15", hex("030100"));
  const inLeaf = certificate(issued({ extensions: [broken] }));
  await refuses(t, "CERTIFICATE_INVALID", /CN=leaf.*keyUsage/, { leaf: inLeaf }, "leaf");
  const anchors = [authority({ extensions: [CA_TRUE, broken] })];
  await refuses(t, "CERTIFICATE_INVALID", /CN=ca.*keyUsage/, { anchors }, "anchor");
  const brokenId = [authority({ extensions: [CA_TRUE, extension("2.5.29.14", hex("0500"))] })];
  await refuses(
    t,
    "CERTIFICATE_INVALID",
    /CN=ca.*subjectKeyIdentifier/,
    { anchors: brokenId },
    "key identifier",
  );
});

t.test("DDS-Security Table 25: the keys that an identity and its CAs may have", async (t) => {
  const node = (type: string, options: object = {}) =>
    generateKeyPairSync(type as "ec", options as { namedCurve: string }) as KeyPair;
  const allowed = /DDS Security allows RSA 2048, EC P-256, EC P-384/;
  for (const [label, key, good] of [
    ["RSA 2048", node("rsa", { modulusLength: 2048 }), true],
    ["EC P-384", ecKey("P-384"), true],
    ["RSA 1024", node("rsa", { modulusLength: 1024 }), false],
    ["RSA 3072", node("rsa", { modulusLength: 3072 }), false],
    ["EC P-521", ecKey("P-521"), false],
    ["EC secp256k1", ecKey("secp256k1"), false],
    ["EC brainpoolP256r1", ecKey("brainpoolP256r1"), false],
    ["RSASSA-PSS 2048", node("rsa-pss", { modulusLength: 2048 }), false],
    ["Ed25519", node("ed25519"), false],
    ["DSA", node("dsa", { modulusLength: 1024, divisorLength: 160 }), false],
  ] as const) {
    const certified = certificate(issued({ key }));
    if (good) t.ok(await validate({ leaf: certified }), label);
    else {
      await refuses(t, "KEY_UNSUPPORTED", new RegExp(`CN=leaf.*${label};.*`), { leaf: certified }, label);
      await refuses(t, "KEY_UNSUPPORTED", allowed, { leaf: certified }, "the allowed ones are listed");
      const anchors = [authority({ key, signedBy: caKey })];
      await refuses(t, "KEY_UNSUPPORTED", new RegExp(`CN=ca.*${label}`), { anchors }, `${label} as CA`);
    }
  }
});

t.test("a compressed point is refused as a key, not as a crash", async (t) => {
  const point = new Uint8Array(leafKey.publicKey.export({ type: "spki", format: "der" })).subarray(-65);
  const compressed = Uint8Array.of(0x03, 34, 0, 2 + ((point[64] ?? 0) & 1), ...point.subarray(1, 33));
  const spki = sequence(sequence(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")), compressed);
  await refuses(t, "KEY_UNSUPPORTED", /compressed/, { leaf: certificate(issued({ spki })) }, "leaf");
});

t.test("a leaf's key is a point of its curve", async (t) => {
  for (const curve of ["P-256", "P-384", "P-521"]) {
    const key = ecKey(curve);
    const spki = new Uint8Array(key.publicKey.export({ type: "spki", format: "der" }));
    const parts = { subject: "leaf", issuer: "ca", key, signedBy: caKey };
    const input = { anchors: [ca], at, crypto, profile: rfc5280Profile };
    t.ok(await validatePath({ leaf: certificate(parts), ...input }), curve);
    spki[spki.length - 1] = (spki.at(-1) ?? 0) ^ 1;
    const error = await failure(() => validatePath({ leaf: certificate({ ...parts, spki }), ...input }));
    t.match(error, { code: "CERTIFICATE_INVALID", subject: "CN=leaf" }, `${curve}, another y`);
  }
});

t.test("SHA-1 is refused, SHA-384 and SHA-512 are accepted with any curve", async (t) => {
  const signed = (dotted: string, hash: string) =>
    certificate(issued({ algorithm: sequence(oid(dotted)), hash }));
  t.ok(await validate({ leaf: signed("1.2.840.10045.4.3.3", "sha384") }));
  t.ok(await validate({ leaf: signed("1.2.840.10045.4.3.4", "sha512") }));
  const sha1 = signed("1.2.840.10045.4.1", "sha1");
  await refuses(t, "ALGORITHM_REFUSED", /CN=leaf.*ecdsa-with-SHA1/, { leaf: sha1 }, "leaf");
  const anchors = [authority({ algorithm: sequence(oid("1.2.840.10045.4.1")), hash: "sha1" })];
  await refuses(t, "ALGORITHM_REFUSED", /CN=ca.*ecdsa-with-SHA1/, { anchors }, "a CA's own signature");
});

t.test("a permissions CA is trusted by being named, and held to everything else", async (t) => {
  const named = (leaf: Certificate) => ({ leaf, anchors: [leaf], profile: ddsPermissionsCaProfile });
  for (const [name, extensions] of [
    ["CA:TRUE and keyCertSign", [CA_TRUE, KEY_CERT_SIGN]],
    ["digitalSignature", [CA_TRUE, DIGITAL_SIGNATURE]],
    ["no basicConstraints", [subjectKeyId(1)]],
  ] as const) {
    const accepted = authority({ extensions });
    const path = await validate(named(accepted));
    t.same([path.certificates, path.notes], [[accepted], []], name);
  }
  t.ok(await validate(named(middle())), "one that another CA issued");
  const old = certificate({ subject: "ca", key: caKey });
  t.match((await validate(named(old))).notes, [{ rule: "version-1-anchor" }], "version 1, with a note");

  const refused = async (code: ErrorCode, message: RegExp, parts: Partial<CertificateParts>, name: string) =>
    await refuses(t, code, message, named(authority(parts)), name);
  const keyAgreement = extension("2.5.29.15", hex("03020308"), true);
  await refused("CA_INVALID", /CN=ca.*CA:FALSE/, { extensions: [CA_FALSE] }, "CA:FALSE");
  await refused("CA_INVALID", /only keyAgreement/, { extensions: [keyAgreement] }, "a key for other things");
  const unknown = [CA_TRUE, extension("1.2.3.4", hex("0500"), true)];
  await refused("EXTENSION_UNSUPPORTED", /1\.2\.3\.4/, { extensions: unknown }, "critical and unknown");
  const constrained = [CA_TRUE, extension("2.5.29.30", hex("3000"))];
  await refused("CERTIFICATE_INVALID", /nameConstraints/, { extensions: constrained }, "malformed extension");
  await refused("CERTIFICATE_EXPIRED", /CN=ca/, { notAfter: "250101000000Z" }, "expired");
  await refused("CERTIFICATE_NOT_YET_VALID", /CN=ca/, { notBefore: "350101000000Z" }, "not yet valid");
  await refused("SIGNATURE_INVALID", /CN=ca/, { signedBy: otherKey }, "signed by another key");
  const sha1 = { algorithm: sequence(oid("1.2.840.10045.4.1")), hash: "sha1" };
  await refused("ALGORITHM_REFUSED", /ecdsa-with-SHA1/, sha1, "SHA-1");
  await refuses(t, "ISSUER_MISMATCH", /none of the CAs/, { ...named(ca), anchors: [] }, "not named");
});

t.test("the keys that a permissions CA may have", async (t) => {
  const rsa = (modulusLength: number) => generateKeyPairSync("rsa", { modulusLength }) as KeyPair;
  const withRsa = { algorithm: sequence(oid("1.2.840.113549.1.1.11"), hex("0500")) };
  for (const [label, key, good] of [
    ["RSA 2048", rsa(2048), true],
    ["RSA 3072", rsa(3072), true],
    ["RSA 1024", rsa(1024), false],
    ["RSA 2047", rsa(2047), false],
    ["EC P-384", ecKey("P-384"), true],
    ["EC P-521", ecKey("P-521"), true],
    ["EC secp256k1", ecKey("secp256k1"), false],
  ] as const) {
    const named = authority({ key, ...(label.startsWith("RSA") ? withRsa : {}) });
    const input = { leaf: named, anchors: [named], profile: ddsPermissionsCaProfile };
    if (good) t.ok(await validate(input), label);
    else await refuses(t, "KEY_UNSUPPORTED", new RegExp(`CN=ca.*${label};.*RSA 2048 to 8192`), input, label);
  }
});

/** Validates with each single bit of a certificate changed; the offsets that are accepted, and all codes. */
async function flipBits(der: Uint8Array, input: (changed: Certificate) => Partial<PathInput>) {
  const accepted = new Set<number>();
  const codes = new Set<string>();
  for (let bit = 0; bit < der.length * 8; bit += 1) {
    const changed = der.slice();
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    try {
      await validate(input(parseCertificate(changed)));
      accepted.add(bit >> 3);
    } catch (error) {
      if ((error as Error).name !== "CredentialError") throw error;
      codes.add((error as { code: string }).code);
    }
  }
  return { accepted: [...accepted], codes };
}

t.test("no single changed bit of a leaf is accepted", async (t) => {
  const { accepted, codes } = await flipBits(certificateDer(issued()), (changed) => ({ leaf: changed }));
  t.same(accepted, []);
  t.ok(codes.has("DER_INVALID") && codes.has("SIGNATURE_INVALID") && codes.has("ISSUER_MISMATCH"));
});

t.test(
  "no changed bit of a self-signed anchor is accepted while it says that it is self-signed",
  async (t) => {
    const { accepted } = await flipBits(ca.der, (changed) => ({ anchors: [changed] }));
    // With another issuer it is a CA that some other CA issued, and trusted by being given.
    const issuer = Buffer.from(ca.der).indexOf(ca.issuer.der);
    t.same(
      accepted.filter((offset) => offset < issuer || offset >= issuer + ca.issuer.der.length),
      [],
    );
    const { accepted: withLeaf } = await flipBits(ca.der, (changed) => ({
      leaf: changed,
      anchors: [changed],
    }));
    t.same(withLeaf, [], "as its own leaf");
  },
);

t.test("a web of cross-signed CAs ends within the budget", async (t) => {
  const keys = Array.from({ length: 8 }, () => ecKey());
  const web: Certificate[] = [];
  for (const [i, key] of keys.entries()) {
    for (const [j, signedBy] of keys.entries()) {
      if (i === j) continue;
      web.push(certificate({ subject: `x${i}`, issuer: `x${j}`, key, signedBy, extensions: [CA_TRUE] }));
    }
  }
  const [first] = keys;
  const caught = certificate(issued({ issuer: "x0", ...(first ? { signedBy: first } : {}) }));
  let count = 0;
  const counting: Verifier = {
    verify: (...parameters) => {
      count += 1;
      return crypto.verify(...parameters);
    },
  };
  await refuses(
    t,
    "ISSUER_MISMATCH",
    /CN=ca/,
    { leaf: caught, intermediates: web, crypto: counting },
    "no way out",
  );
  t.ok(count <= 64, `${count} signature checks: what leads to no anchor is not followed`);
  const forged = { issuer: "ca", signedBy: otherKey, extensions: [CA_TRUE] };
  const ways = keys.map((key, i) => certificate({ ...forged, subject: `x${i}`, key }));
  await refuses(
    t,
    "PATH_REFUSED",
    /limit.*signature is not by the key/,
    { leaf: caught, intermediates: [...web, ...ways], crypto: counting },
    "every way out is forged",
  );
  const way = certificate({
    subject: "x0",
    issuer: "ca",
    key: first ?? caKey,
    signedBy: caKey,
    extensions: [CA_TRUE],
  });
  t.ok(await validate({ leaf: caught, intermediates: [way, ...web] }), "a short path is found");
});

t.test("many CAs of one name cost no more than the budget", async (t) => {
  const namesakes = Array.from({ length: 300 }, (_, serial) =>
    authority({ key: otherKey, serial: Uint8Array.of(2, 2, 1 + (serial >> 8), serial & 0xff) }),
  );
  await refuses(t, "PATH_REFUSED", /signature checks/, { anchors: namesakes }, "300 namesakes");
  const path = await validate({ anchors: [...namesakes.slice(0, 200), ca] });
  t.equal(path.anchor, ca, "one among 200 is found");
});

t.test("a path that breaks a rule does not hide one that holds", async (t) => {
  const expired = authority({ notAfter: "250101000000Z" });
  const noCa = authority({ extensions: [CA_FALSE] });
  t.equal((await validate({ anchors: [expired, noCa, ca] })).anchor, ca);
  await refuses(
    t,
    "CERTIFICATE_EXPIRED",
    /CN=ca/,
    { anchors: [authority({ key: otherKey }), expired] },
    "best reason",
  );
});

t.test("a CA whose own certificate expired is found through another CA that certified its key", async (t) => {
  const expired = authority({ notAfter: "250101000000Z" });
  const root = certificate({ subject: "root", key: otherKey, extensions: [CA_TRUE] });
  const crossed = authority({ issuer: "root", signedBy: otherKey });
  const path = await validate({ anchors: [expired, root], intermediates: [crossed] });
  t.same(path.certificates, [leaf, crossed, root]);
});

t.test("a path of more than 16 certificates is not looked for", async (t) => {
  const chain = (length: number) => {
    const keys = Array.from({ length }, () => ecKey());
    const intermediates = keys.map((key, index) => {
      const [issuer, signedBy] = index === 0 ? ["ca", caKey] : [`${index - 1}`, keys[index - 1] ?? caKey];
      return certificate({ subject: `${index}`, issuer, key, signedBy, extensions: [CA_TRUE] });
    });
    const end = certificate(issued({ issuer: `${length - 1}`, signedBy: keys.at(-1) ?? caKey }));
    return { leaf: end, intermediates };
  };
  t.equal((await validate(chain(14))).certificates.length, 16);
  await refuses(t, "PATH_REFUSED", /longer than 16/, chain(17), "17 CAs");
});

t.test("OpenSSL agrees about paths", needsOpenssl, async (t) => {
  const folder = temporaryFolder(t);
  for (const [name, anchor, end, intermediates] of [
    ["good", ca, leaf, []],
    ["with an intermediate", ca, below, [middle()]],
    ["no CA", authority({ extensions: [CA_FALSE] }), leaf, []],
    ["namesake", authority({ key: otherKey }), leaf, []],
    ["no keyCertSign", authority({ extensions: [CA_TRUE, DIGITAL_SIGNATURE] }), leaf, []],
    ["path length", authority({ extensions: [caWithPathLength(0)] }), below, [middle()]],
    [
      "unknown critical",
      ca,
      certificate(issued({ extensions: [extension("1.2.3.4", hex("0500"), true)] })),
      [],
    ],
    ["expired", ca, certificate(issued({ notAfter: "250101000000Z" })), []],
    ["version 1 anchor", certificate({ subject: "ca", key: caKey }), leaf, []],
  ] as const) {
    writePem(folder, "ca.pem", anchor);
    writePem(folder, "leaf.pem", end);
    const untrusted = intermediates.flatMap((certified, index) => {
      writePem(folder, `${index}.pem`, certified);
      return ["-untrusted", `${index}.pem`];
    });
    const time = String(at.getTime() / 1000);
    const theirs = opensslSays(
      folder,
      "verify",
      "-attime",
      time,
      "-CAfile",
      "ca.pem",
      ...untrusted,
      "leaf.pem",
    );
    const ours = await validate({ leaf: end, anchors: [anchor], intermediates }).then(
      () => true,
      () => false,
    );
    t.equal(ours, theirs, name);
  }
});

t.test(
  "certificates that OpenSSL makes are accepted: RSA with PKCS#1 and PSS, EC",
  needsOpenssl,
  async (t) => {
    const folder = temporaryFolder(t);
    const now = new Date();
    openssl(folder, "genrsa", "-out", "rsa.pem", "2048");
    openssl(folder, "ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", "ec.pem");
    const pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"];
    for (const [caKeyFile, options] of [
      ["rsa.pem", []],
      ["rsa.pem", pss],
      ["ec.pem", ["-sha384"]],
    ] as const) {
      const subject = "/C=NL/O=DDS Test/CN=Identity CA";
      openssl(
        folder,
        "req",
        "-x509",
        "-new",
        "-key",
        caKeyFile,
        "-subj",
        subject,
        ...options,
        "-out",
        "ca.pem",
      );
      openssl(folder, "req", "-new", "-key", "ec.pem", "-subj", "/C=NL/CN=alice", "-out", "csr.pem");
      const issue = [
        "x509",
        "-req",
        "-in",
        "csr.pem",
        "-CA",
        "ca.pem",
        "-CAkey",
        caKeyFile,
        "-CAcreateserial",
      ];
      openssl(folder, ...issue, ...options, "-days", "2", "-out", "leaf.pem");
      const [leaf, anchor] = [readCertificate(folder, "leaf.pem"), readCertificate(folder, "ca.pem")];
      t.ok(
        await validate({ leaf, anchors: [anchor], at: new Date(now.getTime() + 5000) }),
        options.join(" "),
      );
      const [again] = certificatesFromPem(encodePem("CERTIFICATE", leaf.der));
      t.same(again?.der, leaf.der);
    }
  },
);
