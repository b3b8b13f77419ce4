import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Certificate,
  explainPath,
  extendedKeyUsage,
  formatName,
  parseCertificate,
  parseRevocationList,
  rfc5280Profile,
  subjectAltName,
  validatePath,
  webCrypto,
} from "@ddscred/core";
import * as fc from "fast-check";
import t from "tap";
import {
  authorityKeyId,
  CA_FALSE,
  CA_TRUE,
  certificate,
  certificateDer,
  commonName,
  ecKey,
  extension,
  failure,
  hex,
  KEY_CERT_SIGN,
  needsVectors,
  type Octets,
  revocationListDer,
  serialNumber,
  subjectKeyId,
  tlv,
  unpackVectors,
} from "./x509-support.ts";

// Test machines are busy; the whole takes ten seconds of a processor.
t.setTimeout(600_000);
const crypto = webCrypto();
const at = new Date("2030-01-01T00:00:00Z");

// --- one byte at a time

const caKey = ecKey();
const leafKey = ecKey();
const caDer = certificateDer({
  subject: "ca",
  key: caKey,
  extensions: [CA_TRUE, KEY_CERT_SIGN, subjectKeyId(1)],
});
const names = extension("2.5.29.17", hex("300f820d616c6963652e6578616d706c65"));
const leafDer = certificateDer({
  subject: "alice",
  issuer: "ca",
  key: leafKey,
  signedBy: caKey,
  serial: serialNumber(7),
  extensions: [CA_FALSE, authorityKeyId(1), names],
});
const number = extension("2.5.29.20", hex("020101"));
const listDer = revocationListDer({
  issuer: "ca",
  signedBy: caKey,
  entries: [{ serial: serialNumber(8) }, { serial: serialNumber(9) }],
  extensions: [authorityKeyId(1), number],
});

const accepts = async (leaf: Octets, ca: Octets, list: Octets) =>
  await validatePath({
    leaf: parseCertificate(leaf),
    anchors: [parseCertificate(ca)],
    at,
    crypto,
    profile: rfc5280Profile,
    revocation: { lists: [list] },
  });

// The signature covers tbsCertificate and tbsCertList; the algorithm outside must equal the one inside; a signature has one
// encoding; DER has one for everything around. One place is not covered: the issuer of the anchor. With another issuer
// it is no longer self-issued, its own signature is then another CA's business, and it is trusted by being given.
t.test(
  "no flipped bit is accepted: of a certificate, of its CA's but for its issuer, of the revocation list",
  async (t) => {
    t.ok(await accepts(leafDer, caDer, listDer), "unaltered they are");
    const accepted = { certificate: new Set<number>(), CA: new Set<number>(), list: new Set<number>() };
    const flip = async (
      what: keyof typeof accepted,
      der: Octets,
      judge: (altered: Octets) => Promise<unknown>,
    ) => {
      for (let index = 0; index < der.length; index += 1) {
        for (const bit of [0x01, 0x20, 0x80]) {
          const altered = Uint8Array.from(der, (octet, i) => (i === index ? octet ^ bit : octet));
          try {
            await judge(altered);
            accepted[what].add(index);
          } catch (error) {
            if ((error as Error).name !== "CredentialError") throw error;
          }
        }
      }
    };
    await flip("certificate", leafDer, async (altered) => await accepts(altered, caDer, listDer));
    await flip("CA", caDer, async (altered) => await accepts(leafDer, altered, listDer));
    await flip("list", listDer, async (altered) => await accepts(leafDer, caDer, altered));
    t.same([...accepted.certificate], []);
    t.same([...accepted.list], []);
    const issuer = Buffer.from(caDer).indexOf(commonName("ca"));
    const isIssuer = (index: number) => index >= issuer && index < issuer + commonName("ca").length;
    t.same(
      [...accepted.CA].filter((index) => !isIssuer(index)),
      [],
    );
  },
);

// --- many at a time

/** Milliseconds that this process has computed. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Numbers that look random and are the same in every run (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Random = ReturnType<typeof randomFrom>;

/** One of the ways in which bytes get damaged, by accident or on purpose. */
function mutate(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const place = random(copy.length);
  const length = 1 + random(16);
  switch (random(6)) {
    case 0:
      copy[place] = (copy[place] ?? 0) ^ (1 << random(8));
      return copy;
    case 1:
      copy[place] = random(256);
      return copy;
    case 2:
      return copy.subarray(0, place);
    case 3:
      return new Uint8Array([...copy.subarray(0, place), ...copy.subarray(place + length)]);
    case 4:
      return new Uint8Array([
        ...copy.subarray(0, place),
        ...copy.subarray(place, place + length),
        ...copy.subarray(place),
      ]);
    default: {
      const from = random(other.length);
      copy.set(other.subarray(from, from + Math.min(length, copy.length - place)), place);
      return copy;
    }
  }
}

const CERTIFICATES = 55_000;
const LISTS = 40_000;
const PATHS = 5_000;

t.test(
  "100,000 damaged certificates, lists and paths: CredentialErrors, and nothing else",
  needsVectors("pkits.tar.gz"),
  async (t) => {
    const folder = unpackVectors(t, "pkits.tar.gz");
    const read = (kind: string) =>
      readdirSync(join(folder, kind)).map((name) => Uint8Array.from(readFileSync(join(folder, kind, name))));
    const certificates = [...read("certs"), leafDer, caDer];
    const lists = [...read("crls"), listDer];
    const random = randomFrom(4711);
    const pick = (from: readonly Uint8Array[]) => from[random(from.length)] ?? leafDer;
    let refused = 0;
    let slowest = 0;
    const attempt = async (work: () => unknown) => {
      const started = processorTime();
      try {
        await work();
      } catch (error) {
        if ((error as Error).name !== "CredentialError") throw error;
        refused += 1;
      }
      slowest = Math.max(slowest, processorTime() - started);
    };
    for (let i = 0; i < CERTIFICATES; i += 1) {
      const altered = mutate(pick(certificates), pick(certificates), random);
      await attempt(() => parseCertificate(altered));
    }
    for (let i = 0; i < LISTS; i += 1) {
      const altered = mutate(pick(lists), pick(lists), random);
      await attempt(() => parseRevocationList(altered));
    }
    const sound = (der: Uint8Array): Certificate | undefined => {
      try {
        return parseCertificate(mutate(der, leafDer, random));
      } catch {
        return undefined;
      }
    };
    for (let i = 0; i < PATHS; i += 1) {
      const leaf = sound(random(2) === 0 ? leafDer : pick(certificates));
      const anchor = sound(caDer) ?? certificate({ subject: "ca", key: caKey, extensions: [CA_TRUE] });
      if (leaf === undefined) continue;
      await attempt(async () => {
        formatName(leaf.subject);
        extendedKeyUsage(leaf);
        subjectAltName(leaf);
      });
      const list = random(2) === 0 ? listDer : mutate(listDer, caDer, random);
      const { path } = await explainPath({
        leaf,
        intermediates: [sound(caDer)].flatMap((found) => found ?? []),
        anchors: [anchor],
        at,
        crypto,
        profile: rfc5280Profile,
        revocation: { lists: [list] },
      });
      if (path !== undefined)
        t.same([path.leaf.der, path.anchor.subject], [leafDer, anchor.subject], "only what was whole");
    }
    t.ok(refused > 50_000, `${refused} refused, the slowest took ${Math.round(slowest)} ms`);
    t.ok(slowest < 20_000);
  },
);

t.test("any DER in the place of a certificate, a list or an extension is a CredentialError", async (t) => {
  const { node } = fc.letrec<{ node: Octets }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 5, depthSize: "large" },
      fc
        .tuple(
          fc.constantFrom(0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x17, 0x80, 0x82),
          fc.uint8Array({ maxLength: 20 }),
        )
        .map(([tag, content]) => tlv(tag, content)),
      fc
        .tuple(fc.constantFrom(0x30, 0x31, 0xa0, 0xa1, 0xa3), fc.array(tie("node"), { maxLength: 8 }))
        .map(([tag, children]) => tlv(tag, ...children)),
    ),
  }));
  const oids = [14, 15, 17, 19, 30, 31, 32, 33, 35, 36, 37, 54].map((arc) => `2.5.29.${arc}`);
  await fc.assert(
    fc.asyncProperty(node, fc.constantFrom(...oids), async (der, dotted) => {
      for (const parse of [parseCertificate, parseRevocationList]) {
        await failure(() => parse(der));
      }
      const parts = { subject: "alice", issuer: "ca", key: leafKey, signedBy: caKey };
      const leaf = certificate({ ...parts, extensions: [extension(dotted, der)] });
      const { path, error } = await explainPath({
        leaf,
        anchors: [parseCertificate(caDer)],
        at,
        crypto,
        profile: rfc5280Profile,
        revocation: { lists: [listDer] },
      });
      return path !== undefined || error !== undefined;
    }),
    { numRuns: 1500 },
  );
  t.pass("1,500 trees");
});
