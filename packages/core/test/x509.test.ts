import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  attributeType,
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  formatName,
  isParsedCertificate,
  keyUsage,
  nameFromText,
  namesEqual,
  parseCertificate,
  parseName,
  parsePublicKeyInfo,
  readDer,
  signatureSchemeOf,
  subjectAltName,
  subjectKeyIdentifier,
  subjectMatches,
} from "@ddscred/core";
import t from "tap";
import {
  CA_TRUE,
  certificate,
  certificateDer,
  commonName,
  DIGITAL_SIGNATURE,
  ecKey,
  extension,
  failure,
  hex,
  integer,
  needsOpenssl,
  oid,
  openssl,
  readCertificate,
  sequence,
  temporaryFolder,
  tlv,
} from "./x509-support.ts";

const key = ecKey();
const bytes = (text: string) => new Uint8Array(Buffer.from(text));

t.test("a certificate is decoded as node:crypto reads it", async (t) => {
  const der = certificateDer({
    subject: "alice",
    issuer: "ca",
    key,
    extensions: [CA_TRUE],
    serial: hex("02020080"),
  });
  const read = parseCertificate(der);
  const node = new X509Certificate(der);
  t.same(read.der, der);
  t.equal(read.version, 3);
  t.equal(formatName(read.subject), node.subject);
  t.equal(formatName(read.issuer), node.issuer);
  t.equal(read.notBefore.getTime(), Date.parse(node.validFrom));
  t.equal(read.notAfter.getTime(), Date.parse(node.validTo));
  t.same(read.publicKey.spki, new Uint8Array(node.publicKey.export({ type: "spki", format: "der" })));
  t.same(read.serialNumber, hex("0080"), "leading zeros are kept");
  t.match(read.signatureAlgorithm, { oid: "1.2.840.10045.4.3.2" });
  t.match(read.extensions, [{ oid: "2.5.29.19", critical: true, value: hex("30030101ff") }]);
  t.equal(readDer(read.tbs).end, read.tbs.length);
});

t.test("a certificate does not change with the bytes it was read from", async (t) => {
  const der = Buffer.from(certificateDer({ subject: "alice", key }));
  const read = parseCertificate(der);
  der.fill(0);
  t.equal(read.der[0], 0x30);
  t.ok(Object.isFrozen(read));
  t.ok(isParsedCertificate(read));
  t.notOk(isParsedCertificate({ ...read }));
});

t.test("version 1 has no extensions; serial numbers may be zero or negative", async (t) => {
  t.equal(certificate({ subject: "a", key }).version, 1);
  t.equal(certificate({ subject: "a", key, version: tlv(0xa0, integer(1)) }).version, 2);
  t.same(certificate({ subject: "a", key, serial: integer(0) }).serialNumber, Uint8Array.of(0));
  t.same(certificate({ subject: "a", key, serial: integer(0xff) }).serialNumber, Uint8Array.of(0xff));
});

t.test("what breaks RFC 5280 4.1 is no certificate", async (t) => {
  const one = extension("1.2.3.4", hex("0500"));
  const utc = (text: string) => tlv(0x17, bytes(text));
  for (const [name, parts] of [
    ["the two algorithms differ", { outerAlgorithm: sequence(oid("1.2.840.10045.4.3.3")) }],
    ["they differ in parameters only", { outerAlgorithm: sequence(oid("1.2.840.10045.4.3.2"), hex("0500")) }],
    ["an extension is there twice", { extensions: [one, CA_TRUE, one] }],
    ["extensions in version 1", { extensions: [one], version: undefined }],
    ["extensions in version 2", { extensions: [one], version: tlv(0xa0, integer(1)) }],
    ["version 4", { version: tlv(0xa0, integer(3)) }],
    ["version 1, written", { version: tlv(0xa0, integer(0)) }],
    ["a time with an offset", { validity: sequence(utc("200101000000+0000"), utc("400101000000Z")) }],
    ["a date that is none", { notAfter: "400230000000Z" }],
    ["one time only", { validity: sequence(utc("200101000000Z")) }],
    ["an empty RDN", { subject: sequence(tlv(0x31)) }],
    ["a UTF8String that is none", { subject: sequence(tlv(0x31, sequence(oid("2.5.4.3"), hex("0c01ff")))) }],
    ["a BMPString of odd length", { subject: sequence(tlv(0x31, sequence(oid("2.5.4.3"), hex("1e0141")))) }],
    ["a key that is not whole octets", { spki: sequence(sequence(oid("1.3.101.112")), hex("03020700")) }],
  ] as const) {
    const error = await failure(() => parseCertificate(certificateDer({ subject: "a", key, ...parts })));
    t.equal(error.code, "CERTIFICATE_INVALID", name);
  }
});

t.test("a byte behind the end and a length that is not minimal are DER_INVALID", async (t) => {
  const der = certificateDer({ subject: "a".repeat(64), key });
  t.equal((await failure(() => parseCertificate(Uint8Array.of(...der, 0)))).code, "DER_INVALID");
  t.equal(der[1], 0x82, "the length has two octets");
  const longer = Uint8Array.of(0x30, 0x83, 0, ...der.subarray(2));
  t.ok(new X509Certificate(longer), "OpenSSL reads it");
  t.equal((await failure(() => parseCertificate(longer))).code, "DER_INVALID");
  t.equal((await failure(() => parseCertificate(new Uint8Array()))).code, "DER_INVALID");
});

t.test("no single changed byte of a certificate makes anything but a CredentialError", async (t) => {
  const der = certificateDer({ subject: "a", key, extensions: [CA_TRUE, DIGITAL_SIGNATURE] });
  for (let at = 0; at < der.length; at += 1) {
    for (const mask of [0x01, 0x20, 0x80, 0xff]) {
      const changed = der.slice();
      changed[at] = (changed[at] ?? 0) ^ mask;
      try {
        const read = parseCertificate(changed);
        for (const decode of [basicConstraints, keyUsage]) decode(read);
        formatName(read.subject);
      } catch (error) {
        if ((error as Error).name !== "CredentialError") t.fail(`byte ${at} ^ ${mask}: ${String(error)}`);
      }
    }
  }
  t.pass();
});

t.test("public keys are named by kind, size and curve", async (t) => {
  const spki = (type: string, options: object = {}) => {
    const pair = generateKeyPairSync(type as "ec", options as { namedCurve: string });
    return new Uint8Array(pair.publicKey.export({ type: "spki", format: "der" }));
  };
  for (const [der, expected] of [
    [spki("ec", { namedCurve: "P-256" }), { keyType: "ec", bits: 256, curve: "P-256", label: "EC P-256" }],
    [spki("ec", { namedCurve: "P-384" }), { keyType: "ec", bits: 384, curve: "P-384" }],
    [spki("ec", { namedCurve: "P-521" }), { keyType: "ec", bits: 521, curve: "P-521" }],
    [spki("ec", { namedCurve: "secp256k1" }), { keyType: "ec", curve: undefined, label: "EC secp256k1" }],
    [spki("ec", { namedCurve: "brainpoolP256r1" }), { curve: undefined, label: "EC brainpoolP256r1" }],
    [spki("ec", { namedCurve: "sect163k1" }), { keyType: "ec", label: "EC on curve 1.3.132.0.1" }],
    [spki("ec", { namedCurve: "P-256", paramEncoding: "explicit" }), { curve: undefined, label: /explicit/ }],
    [spki("rsa", { modulusLength: 2048 }), { keyType: "rsa", bits: 2048, label: "RSA 2048" }],
    [spki("rsa", { modulusLength: 1031 }), { keyType: "rsa", bits: 1031 }],
    [spki("rsa-pss", { modulusLength: 2048 }), { keyType: "rsa-pss", bits: 2048, label: "RSASSA-PSS 2048" }],
    [spki("ed25519"), { keyType: "ed25519", label: "Ed25519" }],
    [spki("ed448"), { keyType: "other", label: "Ed448" }],
    [spki("dsa", { modulusLength: 1024, divisorLength: 160 }), { keyType: "other", label: "DSA" }],
    [sequence(sequence(oid("1.2.3.4")), hex("030100")), { keyType: "other", label: "1.2.3.4" }],
  ] as const) {
    t.match(parsePublicKeyInfo(der), { spki: der, ...expected });
  }
});

t.test("a point is uncompressed and of the length of its curve", async (t) => {
  const der = new Uint8Array(key.publicKey.export({ type: "spki", format: "der" }));
  const withPoint = (point: Uint8Array) =>
    sequence(
      sequence(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")),
      tlv(0x03, Uint8Array.of(0), point),
    );
  const point = der.subarray(-65);
  t.same(withPoint(point), der);
  t.match(parsePublicKeyInfo(withPoint(Uint8Array.of(2, ...point.subarray(1, 33)))), {
    keyType: "ec",
    curve: undefined,
    label: "EC P-256 (compressed point)",
  });
  for (const wrong of [
    point.subarray(0, 64),
    Uint8Array.of(...point, 0),
    Uint8Array.of(0),
    point.subarray(1, 34),
  ]) {
    t.equal((await failure(() => parsePublicKeyInfo(withPoint(wrong)))).code, "KEY_INVALID");
  }
});

t.test("RSA keys that could not protect anything are invalid", async (t) => {
  const rsa = (modulus: string, exponent: string) =>
    sequence(
      sequence(oid("1.2.840.113549.1.1.1"), hex("0500")),
      tlv(0x03, Uint8Array.of(0), sequence(tlv(0x02, hex(modulus)), tlv(0x02, hex(exponent)))),
    );
  const modulus = `00${"ff".repeat(256)}`;
  t.match(parsePublicKeyInfo(rsa(modulus, "010001")), { label: "RSA 2048" });
  for (const [name, n, e] of [
    ["exponent 1", modulus, "01"],
    ["exponent 0", modulus, "00"],
    ["an even exponent", modulus, "04"],
    ["a negative exponent", modulus, "ff"],
    ["an even modulus", `00${"fe".repeat(256)}`, "03"],
    ["a negative modulus", "ff".repeat(2).replace("ff", "80"), "03"],
    ["a modulus of 16,392 bits", `00${"ff".repeat(2049)}`, "03"],
  ] as const) {
    t.equal((await failure(() => parsePublicKeyInfo(rsa(n, e)))).code, "KEY_INVALID", name);
  }
});

t.test("names are written as OpenSSL writes them in RFC 2253 form", needsOpenssl, async (t) => {
  const folder = temporaryFolder(t);
  openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "k.pem");
  for (const subject of [
    "/C=NL/O=DDS Test/CN=alice",
    '/C=NL/O=a+OU=b/CN=\\/x\\/y=z, "q" é+CN=#s',
    "/O= lead/OU=trail /CN=  both  ",
    "/O=a;b<c>d\\\\e/CN=tab\there",
    "/C=NL/GN=g/SN=s/serialNumber=12/title=t/description=d/postalCode=1/street=st/initials=i/DC=com/UID=u",
    "/emailAddress=a@b.c/pseudonym=ps/dnQualifier=dq/generationQualifier=gq/organizationIdentifier=oi",
    "/CN=日本語 \u0007 bell",
  ]) {
    openssl(
      folder,
      "req",
      "-x509",
      "-new",
      "-key",
      "k.pem",
      "-subj",
      subject,
      "-utf8",
      "-multivalue-rdn",
      "-out",
      "c.pem",
    );
    const printed = (...option: string[]) =>
      openssl(folder, "x509", "-in", "c.pem", "-noout", "-subject", ...option).slice("subject=".length, -1);
    const name = readCertificate(folder, "c.pem").subject;
    t.equal(formatName(name), printed("-nameopt", "RFC2253,-esc_msb,utf8"), subject);
    t.equal(formatName(name, { ascii: true }), printed("-nameopt", "RFC2253"), "ASCII only");
    t.ok(subjectMatches(name, nameFromText(formatName(name))), "read back");
    t.ok(subjectMatches(name, nameFromText(printed())), "OpenSSL's own form");
    t.ok(subjectMatches(name, nameFromText(printed("-nameopt", "compat"))), "slash form");
  }
});

t.test("a name that could deceive the reader of a message is escaped", async (t) => {
  const name = parseName(commonName("a\u202eb\n\u0000\u009b"));
  t.equal(formatName(name), "CN=a\\E2\\80\\AEb\\0A\\00\\C2\\9B");
  t.ok(subjectMatches(name, nameFromText(formatName(name))));
});

t.test(
  "RFC 4514 2.4: a type without keyword, and a value that is no string, are written in hex",
  async (t) => {
    const name = (type: string, value: Uint8Array) =>
      parseName(sequence(tlv(0x31, sequence(oid(type), value))));
    t.equal(formatName(name("1.2.3.4", tlv(0x0c, bytes("x")))), "1.2.3.4=#0C0178");
    t.equal(formatName(name("2.5.4.3", hex("0500"))), "CN=#0500");
    t.ok(subjectMatches(name("1.2.3.4", tlv(0x0c, bytes("x"))), nameFromText("1.2.3.4=#0c0178")));
    t.ok(subjectMatches(name("1.2.3.4", tlv(0x0c, bytes("x"))), nameFromText("OID.1.2.3.4=x")));
    t.ok(subjectMatches(name("2.5.4.3", hex("0500")), nameFromText("CN=#0500")));
    t.notOk(subjectMatches(name("2.5.4.3", hex("0500")), nameFromText("CN=\\#0501")));
    t.equal(formatName(parseName(sequence())), "");
  },
);

t.test(
  "RFC 5280 7.1: names compare without case and by compressed blanks, whatever their string types",
  async (t) => {
    const same = (a: Uint8Array, b: Uint8Array) => namesEqual(parseName(a), parseName(b));
    const [UTF8, PRINTABLE, IA5, TELETEX] = [0x0c, 0x13, 0x16, 0x14];
    t.ok(same(commonName("Alice  B "), commonName("alice b")), "case and blanks");
    t.ok(same(commonName("alice", UTF8), commonName("ALICE", PRINTABLE)), "UTF8String and PrintableString");
    t.ok(same(commonName("Stra\u00dfe"), commonName("STRASSE")), "case folding");
    t.ok(same(commonName("e\u0301"), commonName("\u00e9")), "composed and decomposed");
    t.ok(same(commonName("alice", IA5), commonName("Alice", IA5)), "IA5String");
    t.ok(same(commonName("alice", TELETEX), commonName("Alice", UTF8)), "TeletexString and UTF8String");
    const bmp = sequence(tlv(0x31, sequence(oid("2.5.4.3"), hex("1e0a0041006c006900630065"))));
    t.ok(same(bmp, commonName("alice")), "BMPString and UTF8String");
    const octets = (value: string) => sequence(tlv(0x31, sequence(oid("2.5.4.3"), hex(value))));
    t.notOk(same(octets("0403616263"), octets("0403414243")), "what is no string by its bytes");
    t.notOk(same(octets("0403616263"), commonName("#0403616263")), "nor is it the text that shows it");
    t.notOk(same(commonName("alice"), commonName("al ice")));
    const attribute = (type: string, value: Uint8Array) => sequence(oid(type), value);
    const [o, cn] = [
      attribute("2.5.4.10", tlv(UTF8, bytes("o"))),
      attribute("2.5.4.3", tlv(UTF8, bytes("c"))),
    ];
    t.ok(same(sequence(tlv(0x31, o, cn)), sequence(tlv(0x31, cn, o))), "order within an RDN");
    t.notOk(
      same(sequence(tlv(0x31, o), tlv(0x31, cn)), sequence(tlv(0x31, cn), tlv(0x31, o))),
      "order of RDNs",
    );
    t.notOk(same(sequence(tlv(0x31, o, cn)), sequence(tlv(0x31, o), tlv(0x31, cn))), "one RDN or two");
    const dc = (value: string) =>
      sequence(tlv(0x31, attribute("0.9.2342.19200300.100.1.25", tlv(IA5, bytes(value)))));
    t.ok(same(dc("Example"), dc("example")), "domainComponent (7.3)");
  },
);

t.test("subject names of documents are compared as structures", async (t) => {
  const attribute = (type: string, value: string) =>
    tlv(0x31, sequence(oid(attributeType(type) ?? ""), tlv(0x0c, bytes(value))));
  const alice = parseName(
    sequence(attribute("C", "NL"), attribute("O", "DDS, Test"), attribute("CN", "alice")),
  );
  for (const text of [
    "CN=alice,O=DDS\\, Test,C=NL",
    "CN = alice , O = DDS\\2C Test , C = NL",
    "\n   CN=alice,\n   O=DDS\\, Test,\n   C=NL\n",
    'cn=alice; o="DDS, Test"; c=NL',
    "C=NL, O=DDS\\, Test, CN=alice",
    "commonName=alice,2.5.4.10=DDS\\, Test,OID.2.5.4.6=NL",
    "/C=NL/O=DDS, Test/CN=alice",
    "2.5.4.3=#0c05616c696365,O=DDS\\, Test,C=NL",
  ]) {
    t.ok(subjectMatches(alice, nameFromText(text)), JSON.stringify(text));
  }
  for (const text of [
    "CN=alice,C=NL",
    "CN=alice,O=DDS\\, Test,C=NL,DC=x",
    "CN=alice,C=NL,O=DDS\\, Test",
    "CN=alice+O=DDS\\, Test,C=NL",
    "/CN=alice/O=DDS, Test/C=NL",
    "CN=alic,O=DDS\\, Test,C=NL",
    "",
  ]) {
    t.notOk(subjectMatches(alice, nameFromText(text)), JSON.stringify(text));
  }
});

t.test("in slash form a slash parts only before an attribute type, as ROS 2 enclaves need", async (t) => {
  const name = parseName(commonName("/talker_listener/talker"));
  t.ok(subjectMatches(name, nameFromText("CN=/talker_listener/talker")));
  t.ok(subjectMatches(name, nameFromText("/CN=/talker_listener/talker")));
  t.notOk(subjectMatches(name, nameFromText("CN=/talker/talker_listener")));
  t.same(nameFromText("/O=a/b=c/CN=d\\/OU=e").rdns, [
    [{ type: "2.5.4.10", value: "a/b=c" }],
    [{ type: "2.5.4.3", value: "d/OU=e" }],
  ]);
});

t.test("a text that is no name is refused with its position", async (t) => {
  for (const [text, position] of [
    ["alice", 0],
    ["CN=a,", 5],
    ["CN=a,,O=b", 5],
    ["=a", 0],
    ["CN=a,XX=b", 5],
    ["CN=a\\", 4],
    ["CN=a\\q", 4],
    ["CN=\\ff", 3],
    ['CN="a', 3],
    ['CN="a"b', 6],
    ['CN=a"b', 4],
    ["CN=#0c", 3],
    ["CN=#xy", 3],
    ["/alice", 0],
    ["//CN=a", 0],
  ] as const) {
    t.match(await failure(() => nameFromText(text)), { code: "NAME_INVALID", position }, text);
  }
  t.equal((await failure(() => nameFromText("x".repeat(65_537)))).code, "NAME_INVALID");
  const started = performance.now();
  for (const part of ["/CN=", "+", ",", "\\", "CN=a,", "/", "#", '"', " ", "a=", "/a1"]) {
    try {
      nameFromText(part.repeat(65_536 / part.length));
      nameFromText(`CN=${part.repeat(60_000 / part.length)}`);
    } catch (error) {
      t.match(error, { code: "NAME_INVALID" });
    }
  }
  t.ok(performance.now() - started < 20_000, "hostile texts of 64 KiB end soon");
});

t.test("the extensions of RFC 5280 4.2.1 are decoded", async (t) => {
  const read = (dotted: string, value: string) =>
    certificate({ subject: "a", key, extensions: [extension(dotted, hex(value))] });
  t.same(basicConstraints(read("2.5.29.19", "3000")), { ca: false });
  t.same(basicConstraints(read("2.5.29.19", "30060101ff020103")), { ca: true, pathLength: 3 });
  t.same([...(keyUsage(read("2.5.29.15", "03020106")) ?? [])], ["keyCertSign", "cRLSign"]);
  t.same([...(keyUsage(read("2.5.29.15", "0303078080")) ?? [])], ["digitalSignature", "decipherOnly"]);
  t.same(extendedKeyUsage(read("2.5.29.37", "300a06082b06010505070303")), ["1.3.6.1.5.5.7.3.3"]);
  t.same(subjectKeyIdentifier(read("2.5.29.14", "0402abcd")), hex("abcd"));
  t.same(authorityKeyIdentifier(read("2.5.29.35", "30048002abcd")), { keyIdentifier: hex("abcd") });
  t.match(subjectAltName(read("2.5.29.17", "300687047f000001")), [{ tag: 7, content: hex("7f000001") }]);
  for (const decode of [basicConstraints, keyUsage, extendedKeyUsage, subjectAltName]) {
    t.equal(decode(certificate({ subject: "a", key })), undefined);
  }
});

t.test("a malformed extension is named", async (t) => {
  for (const [name, dotted, decode, value] of [
    ["basicConstraints", "2.5.29.19", basicConstraints, "0101ff"],
    ["basicConstraints", "2.5.29.19", basicConstraints, "30030201ff"],
    ["basicConstraints", "2.5.29.19", basicConstraints, "30050101ff0500"],
    ["basicConstraints", "2.5.29.19", basicConstraints, "300000"],
    ["basicConstraints", "2.5.29.19", basicConstraints, "3003010101"],
    ["keyUsage", "2.5.29.15", keyUsage, "030100"],
    ["keyUsage", "2.5.29.15", keyUsage, "040106"],
    ["extendedKeyUsage", "2.5.29.37", extendedKeyUsage, "3000"],
    ["subjectKeyIdentifier", "2.5.29.14", subjectKeyIdentifier, "3000"],
    ["authorityKeyIdentifier", "2.5.29.35", authorityKeyIdentifier, "3003020101"],
    ["subjectAltName", "2.5.29.17", subjectAltName, "30020500"],
  ] as const) {
    const broken = certificate({ subject: "a", key, extensions: [extension(dotted, hex(value))] });
    const error = await failure(() => decode(broken));
    t.match(error, { code: "CERTIFICATE_INVALID", message: new RegExp(name) }, `${name} ${value}`);
  }
});

t.test("signature algorithms are rows of the scheme table, or refused by name", async (t) => {
  const rsa = parsePublicKeyInfo(
    new Uint8Array(
      generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ type: "spki", format: "der" }),
    ),
  );
  const ec = certificate({ subject: "a", key }).publicKey;
  const p384 = certificate({ subject: "a", key: ecKey("P-384") }).publicKey;
  const k256 = certificate({ subject: "a", key: ecKey("secp256k1") }).publicKey;
  const NULL = hex("0500");
  t.equal(
    signatureSchemeOf({ oid: "1.2.840.113549.1.1.11", parameters: NULL }, rsa).name,
    "rsa_pkcs1_sha256",
  );
  t.equal(signatureSchemeOf({ oid: "1.2.840.113549.1.1.13" }, rsa).name, "rsa_pkcs1_sha512");
  t.equal(signatureSchemeOf({ oid: "1.2.840.10045.4.3.3" }, ec).name, "ecdsa_p256_sha384");
  t.equal(signatureSchemeOf({ oid: "1.2.840.10045.4.3.2" }, p384).name, "ecdsa_p384_sha256");
  for (const [dotted, name] of [
    ["1.2.840.113549.1.1.5", "sha1WithRSAEncryption"],
    ["1.2.840.113549.1.1.4", "md5WithRSAEncryption"],
    ["1.2.840.113549.1.1.14", "sha224WithRSAEncryption"],
    ["1.2.840.10045.4.1", "ecdsa-with-SHA1"],
    ["2.16.840.1.101.3.4.3.14", "rsa-with-SHA3-256"],
    ["1.2.3.4", "1.2.3.4"],
  ] as const) {
    const error = await failure(() => signatureSchemeOf({ oid: dotted }, rsa));
    t.match(error, { code: "ALGORITHM_REFUSED", message: new RegExp(name.replaceAll(".", "\\.")) }, name);
  }
  const code = async (...args: Parameters<typeof signatureSchemeOf>) =>
    (await failure(() => signatureSchemeOf(...args))).code;
  t.equal(await code({ oid: "1.2.840.10045.4.3.2", parameters: NULL }, ec), "ALGORITHM_REFUSED");
  t.equal(await code({ oid: "1.2.840.113549.1.1.11", parameters: hex("3000") }, rsa), "ALGORITHM_REFUSED");
  t.equal(await code({ oid: "1.2.840.10045.4.3.2" }, rsa), "SIGNATURE_INVALID");
  t.equal(await code({ oid: "1.2.840.10045.4.3.2" }, k256), "KEY_UNSUPPORTED");
  t.equal(await code({ oid: "1.3.101.112" }, ec), "SIGNATURE_INVALID");
});

t.test("RFC 4055 3.1: RSASSA-PSS has SHA-2, the same in MGF1, and trailer 1", needsOpenssl, async (t) => {
  const folder = temporaryFolder(t);
  openssl(folder, "genrsa", "-out", "k.pem", "2048");
  writeFileSync(join(folder, "empty.cnf"), "[req]\ndistinguished_name=n\n[n]\n");
  const issue = (digest: string, ...options: string[]) => {
    const pss = [digest, ...["rsa_padding_mode:pss", ...options].flatMap((option) => ["-sigopt", option])];
    openssl(
      folder,
      "req",
      "-config",
      "empty.cnf",
      "-x509",
      "-new",
      "-key",
      "k.pem",
      "-subj",
      "/CN=x",
      ...pss,
      "-out",
      "c.pem",
    );
    const { signatureAlgorithm, publicKey } = readCertificate(folder, "c.pem");
    return signatureSchemeOf(signatureAlgorithm, publicKey).name;
  };
  t.equal(issue("-sha256", "rsa_pss_saltlen:32"), "rsa_pss_sha256");
  t.equal(issue("-sha256", "rsa_pss_saltlen:222"), "rsa_pss_sha256", "any salt length");
  t.equal(issue("-sha512", "rsa_pss_saltlen:64"), "rsa_pss_sha512");
  for (const mask of ["sha1", "sha384"]) {
    const error = await failure(() => issue("-sha256", `rsa_mgf1_md:${mask}`));
    t.equal(error.code, "ALGORITHM_REFUSED", mask);
  }
  const rsa = readCertificate(folder, "c.pem").publicKey;
  const sha256 = sequence(oid("2.16.840.1.101.3.4.2.1"), hex("0500"));
  const mgf = sequence(oid("1.2.840.113549.1.1.8"), sha256);
  const pss = async (...parts: Uint8Array[]) => {
    const call = () =>
      signatureSchemeOf({ oid: "1.2.840.113549.1.1.10", parameters: sequence(...parts) }, rsa).name;
    try {
      return call();
    } catch {
      return (await failure(call)).code;
    }
  };
  const salt = tlv(0xa2, integer(32));
  t.equal(await pss(tlv(0xa0, sha256), tlv(0xa1, mgf), salt), "rsa_pss_sha256");
  t.equal(
    await pss(tlv(0xa0, sha256), tlv(0xa1, mgf), salt, tlv(0xa3, integer(2))),
    "ALGORITHM_REFUSED",
    "trailer",
  );
  t.equal(await pss(tlv(0xa0, sha256), salt), "ALGORITHM_REFUSED", "no MGF1");
  t.equal(await pss(), "ALGORITHM_REFUSED", "defaults are SHA-1");
  t.equal(
    await pss(tlv(0xa0, sha256), tlv(0xa1, mgf), tlv(0xa2, integer(0xff))),
    "ALGORITHM_REFUSED",
    "salt",
  );
  t.equal(await pss(tlv(0xa0, sha256, sha256), tlv(0xa1, mgf), salt), "ALGORITHM_REFUSED", "two hashes");
});
