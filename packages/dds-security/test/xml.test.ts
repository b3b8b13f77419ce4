import { CredentialError } from "@ddscred/core";
import t from "tap";
import { readXml, type XmlOptions, xmlLimits } from "../dist/xml/reader.js";

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** The error of a text that must be refused; anything but a CredentialError fails the test. */
function refusal(input: string | Uint8Array, options: XmlOptions = {}): CredentialError {
  try {
    readXml(input, options);
  } catch (error) {
    if (error instanceof CredentialError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

t.test("every element, attribute and text has the place of its first character", async (t) => {
  const root = readXml(
    '<?xml version="1.0"?>\r\n<a\tx=" 1"\r\n  y=\'"2"\'>\r\n  <!-- c --><b>\n\t one </b>\n</a>',
  );
  t.match(root, { name: "a", text: "", location: { line: 2, column: 1 } });
  t.match(root.attributes, [
    { name: "x", value: "1", location: { line: 2, column: 8 } },
    { name: "y", value: '"2"', location: { line: 3, column: 6 } },
  ]);
  t.match(root.children, [
    { name: "b", text: "one", location: { line: 4, column: 13 }, textLocation: { line: 5, column: 3 } },
  ]);
});

t.test("columns count characters, not the units of UTF-16", async (t) => {
  const [b] = readXml("<a>\n\u{1F511}\u{1F511}é<b>x</b></a>").children;
  t.match(b, { location: { line: 2, column: 4 }, textLocation: { line: 2, column: 7 } });
});

t.test("text may come in pieces: its place is that of the first", async (t) => {
  const root = readXml("<a> <!-- no --> <![CDATA[on]]>e &#38; <?pi?>&lt;two</a>");
  t.equal(root.text, "one & <two");
  t.match(root.textLocation, { line: 1, column: 26 });
});

t.test("a text that begins further down in a file has the lines of the file", async (t) => {
  const root = readXml("<a>\n<b/></a>", { file: "g.p7s", firstLine: 9 });
  t.strictSame(root.location, { file: "g.p7s", line: 9, column: 1 });
  t.strictSame(root.children[0]?.location, { file: "g.p7s", line: 10, column: 1 });
});

t.test("an error has a sentence of ours and the place", async (t) => {
  const rows: [string, string, number, number][] = [
    ["", "the XML has no element", 1, 1],
    ["<a>\n<b></a>", "this end tag does not close <b>, which is open here", 2, 7],
    ["<a>\n <b>", "<b> is not closed: the text ends within it", 2, 2],
    ['<a x="1" x="2"/>', "<a> has an attribute twice", 1, 16],
    ["<a/>\n<b/>", "there is a second root element", 2, 1],
    ["<a/>x", "there is text outside the root element", 1, 5],
    ["<a>x\0y</a>", "this character may not stand here in XML", 1, 5],
    ["<a x=1/>", "the value of an attribute must stand in quotes", 1, 6],
    ["<a>\n&nope;</a>", "an & begins no reference that XML knows", 2, 1],
    ["<a>\n  file:x?a=1&b=2</a>\n", "an & begins no reference that XML knows", 2, 13],
    ["<a>x?a=1&b=2</a>;", "an & begins no reference that XML knows", 1, 9],
    ["\n<?xml version='1.0'?><a/>", "the XML declaration must be the very first text", 2, 6],
  ];
  for (const [text, message, line, column] of rows) {
    const error = refusal(text, { file: "f.xml" });
    t.match(error, { code: "XML_INVALID", message, location: { file: "f.xml", line, column } }, text);
    t.notMatch(error.message, /\d+:\d+:/, "the position of the parser is not in the sentence");
  }
});

t.test("references are resolved for the five entities and for characters, and no further", async (t) => {
  t.equal(readXml("<a>&amp;&lt;&gt;&quot;&apos;&#65;&#x42;</a>").text, "&<>\"'AB");
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty", "nbsp", "#0", "#xD800"]) {
    t.equal(refusal(`<a>&${name};</a>`).code, "XML_INVALID", name);
  }
});

t.test("names of JavaScript's own objects are plain names", async (t) => {
  const root = readXml('<constructor __proto__="1"><toString/></constructor>');
  t.match(root.attributes, [{ name: "__proto__", value: "1" }]);
  t.equal(root.children[0]?.name, "toString");
});

t.test("a DOCTYPE is refused", async (t) => {
  const error = refusal("<?xml version='1.0'?>\n<!DOCTYPE a><a/>");
  t.match(error, { code: "XML_INVALID", location: { line: 2, column: 1 } });
  t.equal(readXml("<!DOCTYPE a SYSTEM 'a.dtd'><a/>", { doctype: "plain" }).name, "a");
  t.equal(refusal("<!DOCTYPE a []><a/>", { doctype: "plain" }).code, "XML_INVALID", "with a subset: always");
});

t.test("bytes are read in the encoding that they declare", async (t) => {
  const latin1 = "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>";
  t.equal(readXml(bytes(latin1)).text, "é");
  t.equal(readXml(bytes("\xef\xbb\xbf<a>\xc3\xa9</a>")).text, "é", "UTF-8 with byte order mark");
  t.match(readXml(bytes("\xef\xbb\xbf<a/>")).location, { column: 1 }, "a mark takes no column");
  t.equal(readXml("\uFEFF<?xml version='1.0' encoding='UTF-16'?><a/>").name, "a", "a string is decoded");
  t.equal(readXml(bytes("<?xml version='1.0' encoding=\"us-ascii\"?><a>e</a>")).text, "e");
  const refused = [
    "<a>\xe9</a>",
    "<?xml version='1.0' encoding='us-ascii'?><a>\xe9</a>",
    "<?xml version='1.0' encoding='EBCDIC-CP-NL'?><a/>",
    "\xff\xfe<\0a\0/\0>\0",
    "\xfe\xff\0<\0a\0/\0>",
    "<\0a\0/\0>\0",
    "\0\0\0<",
  ];
  for (const text of refused) t.equal(refusal(bytes(text)).code, "XML_INVALID", JSON.stringify(text));
});

t.test("hostile XML is refused, quickly", async (t) => {
  const laughs = Array.from({ length: 20 }, (_, i) => `<!ENTITY l${i + 1} "&l${i};&l${i};&l${i};">`);
  const million = Array.from({ length: 1_000_000 }, (_, i) => ` a${i}=""`).join("");
  const size = xmlLimits.size / 8;
  const texts: Record<string, string | Uint8Array> = {
    "billion laughs": `<!DOCTYPE a [<!ENTITY l0 "ha">${laughs.join("")}]><a>&l20;</a>`,
    "external entity": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "depth 100,000": `${"<a>".repeat(100_000)}${"</a>".repeat(100_000)}`,
    "50 MB": new Uint8Array(50_000_000).fill(0x20),
    "a million attributes": `<a${million}/>`,
    "a million elements": `<a>${"<b/>".repeat(1_000_000)}</a>`,
    "an open reference": `<a>&${"x".repeat(size)}`,
    "an open comment": `<a><!--${"-x".repeat(size / 2)}`,
    "an open DOCTYPE": `<!DOCTYPE a [${"<".repeat(size)}`,
    "an open attribute": `<a x="${"y\n".repeat(size / 2)}`,
    "nothing but <": "<".repeat(size),
  };
  for (const [name, text] of Object.entries(texts)) {
    const start = performance.now();
    t.equal(refusal(text).code, "XML_INVALID", name);
    const time = performance.now() - start;
    t.ok(time < 30_000, `${name}: ${time.toFixed(0)} ms`);
  }
});

t.test("what is large and harmless is read in linear time", async (t) => {
  const time = (elements: number) => {
    const text = `<a>${"<b c='d'>x&amp;y<!-- z --></b>".repeat(elements)}</a>`;
    const start = performance.now();
    t.equal(readXml(text).children.length, elements);
    return performance.now() - start;
  };
  time(10_000);
  const small = time(20_000);
  const large = time(160_000);
  t.ok(large < small * 8 * 5, `8 times the text: ${(large / small).toFixed(1)} times the time`);
});
