import {
  type Certificate,
  explainPath,
  type PathInput,
  parseCertificate,
  parseName,
  parseRevocationList,
  rfc5280Profile,
  validatePath,
  webCrypto,
} from "@ddscred/core";
import t, { type Test } from "tap";
import {
  CA_FALSE,
  CA_TRUE,
  type CertificateParts,
  certificate,
  certificateDer,
  commonName,
  ecKey,
  extension,
  hex,
  type Octets,
  oid,
  revocationListDer,
  sequence,
  serialNumber,
  tlv,
} from "./x509-support.ts";

// Input that is made to cost: it must end, with a verdict or a CredentialError, within a second. What counts is time of
// the processor, because test machines are busy; the bar here is wider than the second, because they also differ.

const BAR = 2500;
t.setTimeout(600_000);
const MIB = 1024 * 1024;
/** Milliseconds that this process has computed. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const at = new Date("2030-01-01T00:00:00Z");
const crypto = webCrypto();

const rootKey = ecKey();
const root = certificate({ subject: "root", key: rootKey, extensions: [CA_TRUE] });
const leafKey = ecKey();
const ascii = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));
const general = (tag: number, content: Octets) => tlv(0x80 | tag, content);
const directory = (name: Octets) => tlv(0xa4, name);
const subjectAltName = (...names: readonly Octets[]) => extension("2.5.29.17", sequence(...names));
const constraints = (permitted: readonly Octets[], excluded: readonly Octets[] = []) => {
  const list = (tag: number, bases: readonly Octets[]) =>
    bases.length === 0 ? [] : [tlv(tag, ...bases.map((base) => sequence(base)))];
  return extension("2.5.29.30", sequence(...list(0xa0, permitted), ...list(0xa1, excluded)), true);
};
const ca = (subject: string, issuer: string, parts: Omit<CertificateParts, "subject" | "issuer">) =>
  certificate({ extensions: [CA_TRUE], ...parts, subject, issuer });

type Given = Partial<PathInput> & Pick<PathInput, "leaf">;
const judge = async (t: Test, name: string, input: Given, expected: string) => {
  const size = [input.leaf, ...(input.intermediates ?? []), ...(input.anchors ?? [])].reduce(
    (total, { der }) => total + der.length,
    0,
  );
  t.ok(size <= 1.5 * MIB, `${name}: ${size} bytes`);
  // Read anew, so that nothing is remembered of the certificates.
  const again = (certificates: readonly Certificate[]) =>
    certificates.map(({ der }) => parseCertificate(der));
  const { anchors = [root], intermediates = [] } = input;
  const started = processorTime();
  const fresh = {
    ...input,
    leaf: parseCertificate(input.leaf.der),
    anchors: again(anchors),
    intermediates: again(intermediates),
  };
  const { path, error, rejected } = await explainPath({ at, crypto, profile: rfc5280Profile, ...fresh });
  const took = Math.round(processorTime() - started);
  t.equal(path === undefined ? `${error?.code} ${error?.rule ?? ""}`.trim() : "accepted", expected, name);
  t.ok(took < BAR, `${name}: ${took} ms`);
  t.comment(`${name}: ${took} ms, ${size} bytes`);
  t.ok(rejected.length <= 64, "what is told is bounded");
};

t.test("webs of cross-signed CAs", async (t) => {
  const keys = Array.from({ length: 50 }, () => ecKey());
  const web: Certificate[] = [];
  for (const [i, key] of keys.entries()) {
    for (const [j, signedBy] of keys.entries()) {
      if (i !== j) web.push(ca(`x${i}`, `x${j}`, { key, signedBy }));
    }
  }
  const leaf = certificate({ subject: "leaf", issuer: "x0", key: leafKey, signedBy: keys[0] ?? leafKey });
  await judge(
    t,
    "50 CAs that certify each other, no way out",
    { leaf, intermediates: web },
    "ISSUER_MISMATCH",
  );
  const way = ca("x49", "root", { key: keys[49] ?? leafKey, signedBy: rootKey });
  await judge(t, "one of them is certified by the root", { leaf, intermediates: [...web, way] }, "accepted");
  const forged = keys.map((key, i) => ca(`x${i}`, "root", { key, signedBy: leafKey }));
  await judge(
    t,
    "all of them by a forged root",
    { leaf, intermediates: [...web, ...forged] },
    "PATH_REFUSED budget",
  );
  const barred = ca("x49", "root", {
    key: keys[49] ?? leafKey,
    signedBy: rootKey,
    extensions: [CA_TRUE, constraints([general(2, ascii("example.com"))], [directory(commonName("leaf"))])],
  });
  await judge(
    t,
    "the one way out excludes the leaf",
    { leaf, intermediates: [...web, barred] },
    "PATH_REFUSED budget",
  );
  const ring = keys.map((key, i) =>
    ca(`r${i}`, `r${(i + 1) % 50}`, { key, signedBy: keys[(i + 1) % 50] ?? key }),
  );
  const onRing = certificate({ subject: "leaf", issuer: "r0", key: leafKey, signedBy: keys[0] ?? leafKey });
  await judge(t, "a ring of 50", { leaf: onRing, intermediates: ring }, "ISSUER_MISMATCH");
});

t.test("many CAs of one name", async (t) => {
  const others = ecKey();
  const namesakes = Array.from({ length: 2500 }, (_, i) =>
    certificate({ subject: "root", key: others, serial: serialNumber(i), extensions: [CA_TRUE] }),
  );
  const leaf = certificate({ subject: "leaf", issuer: "root", key: leafKey, signedBy: rootKey });
  await judge(t, "as anchors", { leaf, anchors: namesakes }, "PATH_REFUSED budget");
  await judge(t, "as intermediates below a root", { leaf, intermediates: namesakes }, "accepted");
  const expired = Array.from({ length: 2500 }, (_, i) => {
    const parts = { key: others, serial: serialNumber(i), notAfter: "250101000000Z" };
    return certificate({ subject: "root", extensions: [CA_TRUE], ...parts });
  });
  await judge(t, "expired ones cost nothing", { leaf, anchors: [...expired, root] }, "accepted");
});

t.test("name constraints against names", async (t) => {
  const dns = (count: number, suffix: string) =>
    Array.from({ length: count }, (_, i) => general(2, ascii(`n${i}.${suffix}`)));
  const key = ecKey();
  const below = (...names: readonly Octets[]) =>
    certificate({
      subject: "leaf",
      issuer: "ca",
      key: leafKey,
      signedBy: key,
      extensions: [CA_FALSE, subjectAltName(...names)],
    });
  const constrained = (...bases: readonly (readonly Octets[])[]) =>
    ca("ca", "root", {
      key,
      signedBy: rootKey,
      extensions: [CA_TRUE, constraints(bases[0] ?? [], bases[1] ?? [])],
    });
  const flood = "PATH_REFUSED budget";
  const manyNames = below(...dns(9_000, "a.example"));
  const manyDns = [constrained(dns(9_000, "b.example"))];
  await judge(
    t,
    "9,000 against 9,000 DNS names",
    { leaf: manyNames, intermediates: manyDns },
    "NAME_CONSTRAINT_VIOLATED",
  );
  const excluded = [constrained([], dns(9_000, "b.example"))];
  await judge(t, "the same, excluded", { leaf: manyNames, intermediates: excluded }, flood);
  const directories = (count: number, name: string) =>
    Array.from({ length: count }, (_, i) => directory(commonName(`${name}${i}`)));
  const manyDirectories = below(...directories(2500, "a"));
  const baseDirectories = [constrained(directories(2500, "b"))];
  await judge(
    t,
    "directory names",
    { leaf: manyDirectories, intermediates: baseDirectories },
    "NAME_CONSTRAINT_VIOLATED",
  );
  const tooMany = below(...dns(25_000, "a.example"));
  await judge(
    t,
    "more names than are read",
    { leaf: tooMany, intermediates: excluded },
    "CERTIFICATE_INVALID",
  );
  const long = directory(sequence(...Array.from({ length: 3000 }, (_, i) => commonName(`${i}`).subarray(2))));
  const wide = below(...Array.from({ length: 10 }, () => long));
  const wideBases = [constrained(Array.from({ length: 10 }, () => long))];
  await judge(t, "names of 3,000 RDNs", { leaf: wide, intermediates: wideBases }, "CERTIFICATE_INVALID");
  const addresses = below(
    ...Array.from({ length: 9_000 }, (_, i) => general(7, hex(`0a00${i.toString(16).padStart(4, "0")}`))),
  );
  const masks = [constrained(Array.from({ length: 9_000 }, () => general(7, hex("c0000000ff000000"))))];
  await judge(t, "IP addresses", { leaf: addresses, intermediates: masks }, "NAME_CONSTRAINT_VIOLATED");
});

t.test("certificate policies", async (t) => {
  const policy = (number: number) => oid(`1.2.3.${number}`);
  const policies = (count: number) =>
    extension("2.5.29.32", sequence(...Array.from({ length: count }, (_, i) => sequence(policy(i)))));
  const anyPolicy = extension("2.5.29.32", sequence(sequence(oid("2.5.29.32.0"))));
  const mappings = (pairs: readonly (readonly [number, number])[]) =>
    extension("2.5.29.33", sequence(...pairs.map(([from, to]) => sequence(policy(from), policy(to)))));
  const all = (count: number) =>
    Array.from({ length: count * count }, (_, i) => [i % count, Math.floor(i / count)] as const);
  const chain = (own: readonly Octets[], length = 10) => {
    const keys = Array.from({ length }, () => ecKey());
    const cas = keys.map((key, i) =>
      ca(`p${i}`, i === 0 ? "root" : `p${i - 1}`, {
        key,
        signedBy: keys[i - 1] ?? rootKey,
        extensions: [CA_TRUE, ...own],
      }),
    );
    const leaf = certificate({
      subject: "leaf",
      issuer: `p${length - 1}`,
      key: leafKey,
      signedBy: keys.at(-1) ?? rootKey,
      extensions: [CA_FALSE, policies(60)],
    });
    return { leaf, intermediates: cas, policies: { requireExplicit: true } };
  };
  await judge(
    t,
    "60 policies mapped to each other, 10 levels",
    chain([policies(60), mappings(all(60))]),
    "accepted",
  );
  await judge(t, "any policy, mapped", chain([anyPolicy, mappings(all(60))]), "accepted");
  await judge(t, "4,000 policies on each level", chain([policies(4000)]), "accepted");
  const refused = {
    ...chain([policies(60), mappings(all(60))]),
    policies: { requireExplicit: true, acceptable: ["1.9"] },
  };
  await judge(t, "none of them acceptable", refused, "POLICY_REFUSED");
});

t.test("large certificates and lists", async (t) => {
  const name = tlv(
    0x30,
    tlv(0x31, sequence(oid("2.5.4.3"), tlv(0x0c, new Uint8Array(MIB - 2048).fill(0x61)))),
  );
  const large = certificate({ subject: name, issuer: "root", key: leafKey, signedBy: rootKey });
  await judge(t, "a name of a mebibyte", { leaf: large }, "accepted");
  const named = tlv(0x30, tlv(0x31, sequence(oid("2.5.4.3"), tlv(0x0c, new Uint8Array(700_000).fill(0x2c)))));
  const wide = certificate({ subject: named, issuer: "root", key: leafKey, signedBy: rootKey });
  const anchors = Array.from({ length: 250 }, (_, i) =>
    certificate({ subject: "root", key: leafKey, serial: serialNumber(i), extensions: [CA_TRUE] }),
  );
  await judge(t, "a long name, refused 250 times", { leaf: wide, anchors }, "PATH_REFUSED budget");
  const leaf = certificate({
    subject: "leaf",
    issuer: "root",
    key: leafKey,
    signedBy: rootKey,
    serial: serialNumber(99_000),
  });
  const entries = Array.from({ length: 45_000 }, (_, i) => ({ serial: serialNumber(i) }));
  const der = revocationListDer({ issuer: "root", signedBy: rootKey, entries });
  t.ok(der.length > 0.9 * MIB, `a list of ${der.length} bytes`);
  const started = processorTime();
  const list = parseRevocationList(der);
  t.ok(processorTime() - started < BAR, `read in ${Math.round(processorTime() - started)} ms`);
  t.equal(list.size, 45_000);
  await judge(t, "a list of a mebibyte", { leaf, revocation: { lists: [der] } }, "accepted");
  const found = certificate({
    subject: "leaf",
    issuer: "root",
    key: leafKey,
    signedBy: rootKey,
    serial: serialNumber(44_999),
  });
  await judge(t, "its last entry", { leaf: found, revocation: { lists: [list] } }, "CERTIFICATE_REVOKED");
  const lists = Array.from({ length: 3000 }, () => revocationListDer({ issuer: "root", signedBy: leafKey }));
  await judge(t, "3,000 forged lists", { leaf, revocation: { lists } }, "PATH_REFUSED budget");
});

t.test("names whose comparison is dear", async (t) => {
  // To bring combining marks into their order takes time with the square of their number.
  for (const marks of ["\u0301\u0316", "\uff9e\u0301\u0316", "\u0301\u034f\u0316"]) {
    const text = `a${marks.repeat(Math.floor((MIB - 4096) / Buffer.from(marks).length))}`;
    const leaf = certificate({ subject: "leaf", issuer: text, key: leafKey, signedBy: rootKey });
    await judge(t, "combining marks", { leaf }, "ISSUER_MISMATCH");
  }
  const expanding = certificate({
    subject: "leaf",
    issuer: "\ufdfa".repeat(340_000),
    key: leafKey,
    signedBy: rootKey,
  });
  await judge(t, "characters that become eighteen", { leaf: expanding }, "ISSUER_MISMATCH");
});

t.test("a long name of an issuer stands once in a list, not once for each entry", async (t) => {
  const issuer = "n".repeat(500_000);
  const entries = Array.from({ length: 24_000 }, (_, i) => ({ serial: serialNumber(i) }));
  const before = process.memoryUsage().rss;
  const list = parseRevocationList(revocationListDer({ issuer, signedBy: rootKey, entries }));
  const grown = Math.round((process.memoryUsage().rss - before) / MIB);
  t.ok(grown < 400, `${grown} MiB`);
  const listed = { issuer: parseName(commonName(issuer.toUpperCase())), serialNumber: hex("40000005") };
  t.equal(list.find(listed)?.reason, "unspecified");
  t.equal(list.find({ ...listed, issuer: root.subject }), undefined, "the same number of another issuer");
  t.equal(list.find({ ...listed, serialNumber: hex("50000005") }), undefined);
});

t.test("what is judged of one certificate costs the next one nothing", async (t) => {
  const der = certificateDer({ subject: "leaf", issuer: "root", key: leafKey, signedBy: rootKey });
  const started = processorTime();
  for (let i = 0; i < 200; i += 1) {
    await validatePath({ leaf: parseCertificate(der), anchors: [root], at, crypto, profile: rfc5280Profile });
  }
  t.ok(processorTime() - started < BAR, `200 in ${Math.round(processorTime() - started)} ms`);
});
