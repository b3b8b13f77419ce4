import {
  type CredentialError,
  DerTag,
  der,
  derContent,
  derOid,
  derSmallInteger,
  derTime,
  readDer,
} from "@ddscred/core";
import * as fc from "fast-check";
import t, { type Test } from "tap";
import { hex, oid, sequence, tlv } from "./x509-support.ts";

const rejects = (t: Test, bytes: Uint8Array, rule: string, message: string, options = {}) => {
  t.throws(() => readDer(bytes, options), { code: "DER_INVALID", rule }, message);
};

t.test("an element is read with its class, tag, form and positions", async (t) => {
  const node = readDer(hex("30 08 02 01 05 a0 03 81 01 ff"));
  t.match(node, { identifier: DerTag.SEQUENCE, tag: 16, tagClass: "universal", start: 0, contentStart: 2 });
  t.match(node.children[0], { tag: 2, constructed: false, start: 2, contentStart: 4, end: 5, children: [] });
  t.match(node.children[1], { tag: 0, tagClass: "context", constructed: true, end: 10 });
  t.match(node.children[1]?.children[0], { tag: 1, tagClass: "context", constructed: false });
});

t.test("X.690 10.1: lengths are definite and minimal", async (t) => {
  rejects(t, hex("30 80 00 00"), "length", "indefinite");
  rejects(t, hex("04 81 01 00"), "length", "long form for a short length");
  rejects(t, tlvWith("04 82 00 80", 0x80), "length", "leading zero");
  rejects(t, hex("04 85 00 00 00 00 01 00"), "length", "five octets");
  rejects(t, hex("04 ff 00"), "length", "reserved length");
  t.equal(readDer(tlvWith("04 81 80", 0x80)).end, 0x83);
});

t.test("what is cut off, or followed by more, is refused", async (t) => {
  const whole = hex("30 05 04 03 61 62 63");
  for (let length = 0; length < whole.length; length += 1) {
    t.throws(() => readDer(whole.subarray(0, length)), { code: "DER_INVALID" }, `${length} bytes`);
  }
  rejects(t, hex("05 00 00"), "trailing", "a byte behind the end");
  rejects(t, hex("30 03 04 03 61 62"), "length", "an element larger than the one around it");
});

t.test("X.690 8.1.2.4: a high tag number is minimal", async (t) => {
  t.equal(readDer(hex("9f 1f 00")).tag, 31);
  t.equal(readDer(hex("9f 81 00 00")).tag, 128);
  rejects(t, hex("9f 1e 00"), "tag", "below 31");
  rejects(t, hex("9f 80 1f 00"), "tag", "leading zeros");
  rejects(t, hex("9f ff ff ff ff 7f 00"), "tag", "too large");
});

t.test("X.690 10.2: strings are primitive, SEQUENCE and SET constructed, tag 0 is no type", async (t) => {
  rejects(t, hex("24 03 04 01 61"), "form", "constructed OCTET STRING");
  rejects(t, hex("10 00"), "form", "primitive SEQUENCE");
  rejects(t, hex("11 00"), "form", "primitive SET");
  rejects(t, hex("00 00"), "form", "end of contents");
});

t.test("primitive types have their one encoding", async (t) => {
  for (const [bytes, rule] of [
    ["01 01 01", "boolean"],
    ["01 00", "boolean"],
    ["01 02 ff ff", "boolean"],
    ["02 00", "integer"],
    ["02 02 00 7f", "integer"],
    ["02 02 ff 80", "integer"],
    ["0a 02 00 01", "integer"],
    ["03 00", "bit-string"],
    ["03 01 01", "bit-string"],
    ["03 02 08 00", "bit-string"],
    ["03 02 01 81", "bit-string"],
    ["05 01 00", "null"],
    ["06 00", "oid"],
    ["06 02 80 01", "oid"],
    ["06 01 81", "oid"],
    ["06 03 2a 80 01", "oid"],
  ] as const) {
    rejects(t, hex(bytes), rule, bytes);
  }
  for (const bytes of [
    "01 01 00",
    "01 01 ff",
    "02 02 00 80",
    "02 02 ff 7f",
    "02 01 80",
    "03 01 00",
    "03 02 01 80",
  ]) {
    t.ok(readDer(hex(bytes)), bytes);
  }
});

t.test("X.690 11.6: the order of a SET OF is enforced on demand only", async (t) => {
  const unsorted = hex("31 06 02 01 02 02 01 01");
  t.ok(readDer(unsorted));
  rejects(t, unsorted, "set-order", "unsorted", { sortedSets: true });
  t.ok(readDer(hex("31 06 02 01 01 02 01 02"), { sortedSets: true }));
});

t.test("depth, size and count are limited", async (t) => {
  let bomb: Uint8Array = hex("05 00");
  for (let depth = 0; depth < 31; depth += 1) bomb = tlv(0x30, bomb);
  t.ok(readDer(bomb), "32 deep");
  rejects(t, tlv(0x30, bomb), "depth", "33 deep");
  const deep = new Uint8Array(100_000).fill(0x30);
  t.throws(() => readDer(deep), { code: "DER_INVALID" });
  rejects(t, new Uint8Array(1024 * 1024 + 1), "size", "over 1 MiB");
  const many = tlv(
    0x30,
    new Uint8Array(44_000).map((_, at) => (at % 2 === 0 ? 5 : 0)),
  );
  rejects(t, many, "count", "22,000 elements");
  t.equal(readDer(many, { maxElements: 30_000 }).children.length, 22_000);
});

t.test("OIDs are written with dots, also large arcs and those below 2", async (t) => {
  for (const dotted of ["1.2.840.113549.1.1.11", "2.5.29.15", "0.9.2342.19200300.100.1.25", "2.999.3"]) {
    const [first = 0, ...rest] = dotted.split(".").map(Number);
    const bytes = dotted === "2.999.3" ? hex("06 03 88 37 03") : oid([first, ...rest].join("."));
    t.equal(derOid(bytes, readDer(bytes)), dotted);
  }
});

t.test("RFC 5280 4.1.2.5: times are written in full, in UTC, and exist", async (t) => {
  const time = (identifier: number, text: string) => {
    const bytes = tlv(identifier, new Uint8Array(Buffer.from(text)));
    return derTime(bytes, readDer(bytes))?.toISOString();
  };
  t.equal(time(0x17, "491231235959Z"), "2049-12-31T23:59:59.000Z");
  t.equal(time(0x17, "500101000000Z"), "1950-01-01T00:00:00.000Z");
  t.equal(time(0x18, "99991231235959Z"), "9999-12-31T23:59:59.000Z");
  t.equal(time(0x18, "00500101000000Z"), "0050-01-01T00:00:00.000Z");
  t.equal(time(0x17, "240229000000Z"), "2024-02-29T00:00:00.000Z");
  for (const text of ["230229000000Z", "2401010000Z", "240101000000", "240101000000+0000", "241301000000Z"]) {
    t.equal(time(0x17, text), undefined, text);
  }
  for (const text of [
    "20240101000000.5Z",
    "20240101240000Z",
    "20240101000060Z",
    "240101000000Z",
    "2024010100000 Z",
  ]) {
    t.equal(time(0x18, text), undefined, text);
  }
});

t.test("no bytes make it throw anything but DER_INVALID", async (t) => {
  const node = fc.letrec((tie) => ({
    element: fc.oneof(
      { maxDepth: 4 },
      fc
        .tuple(fc.constantFrom(2, 3, 4, 5, 6, 12), fc.uint8Array({ maxLength: 4 }))
        .map(([tag, value]) => tlv(tag, value)),
      fc.array(tie("element"), { maxLength: 3 }).map((parts) => sequence(...(parts as Uint8Array[]))),
      fc.uint8Array({ maxLength: 8 }),
    ),
  }));
  fc.assert(
    fc.property(node.element as fc.Arbitrary<Uint8Array>, (bytes) => {
      try {
        return readDer(bytes).end === bytes.length;
      } catch (error) {
        return (error as CredentialError).code === "DER_INVALID";
      }
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

function tlvWith(header: string, length: number): Uint8Array {
  return Uint8Array.from([...hex(header), ...new Uint8Array(length)]);
}

t.test("writing: INTEGERs are minimal, from numbers, big ones, and magnitudes", async (t) => {
  const written = (value: number | bigint | Uint8Array) => Buffer.from(der.integer(value)).toString("hex");
  // X.690 8.3
  t.equal(written(0), "020100");
  t.equal(written(127), "02017f");
  t.equal(written(128), "02020080");
  t.equal(written(256), "02020100");
  t.equal(written(-1), "0201ff");
  t.equal(written(-128), "020180");
  t.equal(written(-129), "0202ff7f");
  t.equal(written(2n ** 64n), "0209010000000000000000");
  t.equal(written(hex("00 00 80")), "02020080", "a magnitude has no sign");
  t.equal(written(hex("00 00")), "020100");
  t.equal(written(new Uint8Array()), "020100");
  t.throws(() => der.integer(1.5), RangeError);
  t.throws(() => der.integer(2 ** 53), RangeError);
});

t.test("writing: OBJECT IDENTIFIERs, of which X.690 8.19.5 gives an example", async (t) => {
  const written = (dotted: string) => Buffer.from(der.oid(dotted)).toString("hex");
  t.equal(written("2.999.3"), "0603883703");
  t.equal(written("1.2.840.113549.1.7.2"), "06092a864886f70d010702");
  const uuid = "2.25.329800735698586629295641978511506172918";
  t.equal(derOid(der.oid(uuid), readDer(der.oid(uuid))), uuid, "arcs beyond 64 bits");
  for (const arc of [2n ** 46n - 1n, 2n ** 46n, 2n ** 53n - 81n, 2n ** 53n, 2n ** 63n, 2n ** 70n + 1n]) {
    for (const dotted of [`2.${arc}`, `1.3.${arc}.1`, `2.${arc}.${arc}`])
      t.equal(derOid(der.oid(dotted), readDer(der.oid(dotted))), dotted);
  }
  for (const wrong of ["", "1", "3.1", "1.40", "1.2.", "1.2.03", "1.2.-3", "a.b"]) {
    t.throws(() => der.oid(wrong), RangeError, wrong);
  }
});

t.test("writing: RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime outside", async (t) => {
  const written = (at: string) => Buffer.from(der.time(new Date(at)).subarray(2)).toString("latin1");
  t.equal(written("2049-12-31T23:59:59Z"), "491231235959Z");
  t.equal(written("1950-01-01T00:00:00Z"), "500101000000Z");
  t.equal(written("2050-01-01T00:00:00.999Z"), "20500101000000Z");
  t.equal(written("1949-12-31T23:59:59Z"), "19491231235959Z");
  t.equal(written("9999-12-31T23:59:59Z"), "99991231235959Z");
  t.throws(() => der.time(new Date(Number.NaN)), RangeError);
  t.throws(() => der.time(new Date("+010000-01-01T00:00:00Z")), RangeError);
});

t.test(
  "writing: a SET OF is sorted, named bits have no trailing zeros, strings hold what they may",
  async (t) => {
    const written = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
    t.equal(
      written(der.setOf(der.integer(300), der.integer(2), der.boolean(true))),
      "310a0101ff0201020202012c",
    );
    t.equal(written(der.namedBits(0)), "03020780");
    t.equal(written(der.namedBits(5, 6)), "03020106");
    t.equal(written(der.namedBits(8)), "0303070080");
    t.equal(written(der.namedBits()), "030100");
    t.equal(written(der.tagged(3, der.nullValue())), "a3020500");
    t.equal(written(der.taggedBytes(0, hex("01 02"))), "80020102");
    t.equal(written(der.utf8String("Zoë")), "0c045a6fc3ab");
    t.throws(() => der.printableString("Zoë"), RangeError);
    t.throws(() => der.tagged(31), RangeError);
  },
);

t.test("writing: what is written is strict DER, at every length, and reads back", async (t) => {
  for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
    const bytes = der.sequence(der.octetString(new Uint8Array(length)), der.setOf());
    const [octets] = readDer(bytes).children;
    t.equal(octets && derContent(bytes, octets).length, length, `${length} octets`);
  }
  fc.assert(
    fc.property(
      fc.integer(),
      fc.date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true }),
      (n, date) => {
        const bytes = der.setOf(der.integer(n), der.time(date));
        const [number, time] = readDer(bytes, { sortedSets: true }).children;
        return (
          number !== undefined &&
          time !== undefined &&
          derSmallInteger(bytes, number) === n &&
          derTime(bytes, time)?.getTime() === Math.floor(date.getTime() / 1000) * 1000
        );
      },
    ),
  );
});
