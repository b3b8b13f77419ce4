import {
  CredentialError,
  certificatesFromPem,
  type DistinguishedName,
  type VerifiedDocument,
  verifyDocument,
  webCrypto,
} from "@ddscred/core";
import * as fc from "fast-check";
import t from "tap";
import {
  domainSetHas,
  fnmatch,
  type Grant,
  grantFor,
  type Permissions,
  parseDateTime,
  parseGovernance,
  parsePermissions,
  readGovernance,
  readPermissions,
} from "../dist/index.js";
import { type DeploymentCase, lacks, sharedRows, unpackDeployments } from "./support/shared.ts";

const crypto = webCrypto();
const NOW = new Date("2026-11-23T12:00:00Z");

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof CredentialError) return error.code;
    throw error;
  }
}

const topicRule = (expression = "*") => `<topic_rule>
<topic_expression>${expression}</topic_expression>
<enable_discovery_protection>true</enable_discovery_protection>
<enable_liveliness_protection>false</enable_liveliness_protection>
<enable_read_access_control>1</enable_read_access_control>
<enable_write_access_control>FALSE</enable_write_access_control>
<metadata_protection_kind>SIGN_WITH_ORIGIN_AUTHENTICATION</metadata_protection_kind>
<data_protection_kind> ENCRYPT
</data_protection_kind>
</topic_rule>`;
const governance = (
  more = "",
  domains = "<id>0</id>",
  topics = topicRule(),
) => `<dds><domain_access_rules><domain_rule>
<domains>${domains}</domains>
<allow_unauthenticated_participants>false</allow_unauthenticated_participants>
<enable_join_access_control>true</enable_join_access_control>
<discovery_protection_kind>ENCRYPT</discovery_protection_kind>
<liveliness_protection_kind>SIGN</liveliness_protection_kind>
<rtps_protection_kind>NONE</rtps_protection_kind>${more}
<topic_access_rules>${topics}</topic_access_rules>
</domain_rule></domain_access_rules></dds>`;

const allow =
  "<allow_rule><domains><id>0</id></domains><publish><topics><topic>T</topic></topics></publish></allow_rule>";
const grant = (content: string, attributes = 'name="g"') => `<grant ${attributes}>${content}</grant>`;
const SUBJECT = "<subject_name>CN=alice</subject_name>";
const VALIDITY =
  "<validity><not_before>2020-01-01T00:00:00</not_before><not_after>2036-01-01T00:00:00Z</not_after></validity>";
const permissions = (...grants: readonly string[]) =>
  `<dds><permissions>${grants.join("\n")}</permissions></dds>`;

t.test("a governance document is read whole, every value with its place", async (t) => {
  const [rule, ...others] = parseGovernance(governance(), { file: "g.p7s", firstLine: 10 }).domainRules;
  t.strictSame(others, []);
  t.match(rule, {
    location: { file: "g.p7s", line: 10, column: 27 },
    allowUnauthenticatedParticipants: { value: false, location: { line: 12, column: 37 } },
    enableJoinAccessControl: { value: true },
    discoveryProtectionKind: { value: "ENCRYPT", location: { line: 14, column: 28 } },
    livelinessProtectionKind: { value: "SIGN" },
    rtpsProtectionKind: { value: "NONE" },
  });
  t.match(rule?.topicRules, [
    {
      location: { line: 17, column: 21 },
      topicExpression: { value: "*", location: { line: 18, column: 19 } },
      enableDiscoveryProtection: { value: true },
      enableLivelinessProtection: { value: false },
      enableReadAccessControl: { value: true },
      enableWriteAccessControl: { value: false },
      metadataProtectionKind: { value: "SIGN_WITH_ORIGIN_AUTHENTICATION" },
      dataProtectionKind: { value: "ENCRYPT", location: { line: 24, column: 24 } },
    },
  ]);
  t.notOk(rule !== undefined && "rtpsPskProtectionKind" in rule, "a document of 1.1 has no values of 1.2");
});

t.test("the additions of 1.2 are read wherever 1.2 itself puts them", async (t) => {
  const psk = "<rtps_psk_protection_kind>SIGN</rtps_psk_protection_kind>";
  const revision = "<enable_key_revision>true</enable_key_revision>";
  const algorithms = `<allowed_crypto_algorithms>
    <digital_signature><algorithm>ECDSA+P256+SHA256</algorithm></digital_signature>
    <key_establishment><algorithm>ECDHE-CEUM+P256</algorithm></key_establishment>
    <symmetric_cipher><algorithm>AES256+GCM</algorithm></symmetric_cipher></allowed_crypto_algorithms>`;
  const after = (element: string, more: string) =>
    governance().replace(`</${element}>`, `</${element}>${more}`);
  const documents = [
    governance(psk + revision + algorithms),
    after("enable_join_access_control", revision)
      .replace("</rtps_protection_kind>", `$&${psk}`)
      .replace("</topic_access_rules>", `$&${algorithms}`),
  ];
  for (const document of documents) {
    t.match(parseGovernance(document).domainRules[0], {
      enableKeyRevision: { value: true },
      rtpsPskProtectionKind: { value: "SIGN" },
      allowedAlgorithms: { digitalSignature: [{ value: "ECDSA+P256+SHA256" }], symmetricCipher: [{}] },
    });
  }
  t.equal(
    codeOf(() => parseGovernance(governance(psk + psk))),
    "DOCUMENT_INVALID",
    "each once",
  );
});

t.test("a governance document that breaks the schema is refused with path and place", async (t) => {
  const change = (from: string | RegExp, to: string) => governance().replace(from, to);
  const rows: Record<string, string> = {
    "another root": "<ddx/>",
    "another document": permissions(grant(SUBJECT + VALIDITY)),
    "no rule": "<dds><domain_access_rules/></dds>",
    "a second section": change("</domain_access_rules>", "$&<domain_access_rules/>"),
    "no domains": change(/<domains>.*<\/domains>/, ""),
    "an empty set of domains": governance("", ""),
    "an element missing": change(/<liveliness_protection_kind>.*/, ""),
    "an element empty": change(">SIGN</live", "></live"),
    "an element twice": change(/<rtps_protection_kind>.*/, "$&$&"),
    "another order": change(/(<liveliness.*)\n(<rtps.*)/, "$2$1"),
    "a word in another case": change(">ENCRYPT<", ">Encrypt<"),
    "origin authentication of data": change(" ENCRYPT\n", "SIGN_WITH_ORIGIN_AUTHENTICATION"),
    "a boolean in words": change(">true<", ">yes<"),
    "a boolean in mixed case": change(">true<", ">True<"),
    "no topic rule": governance("", "<id>0</id>", ""),
    "an empty expression": governance("", "<id>0</id>", topicRule(" ")),
    "an unknown element": change("<domains>", "<x/>$&"),
    "an unknown attribute": change("<domains>", '<domains x="1">'),
    "a namespace": change("<dds>", '<dds xmlns="http://www.omg.org/dds">'),
    "text among elements": change("<topic_rule>", "$&x"),
    "an element in a value": change(">NONE<", ">NONE<b/><"),
    "a tag before an id": governance("", "<tag>a</tag><id>0</id>"),
    "an unknown algorithm": governance(
      "<allowed_crypto_algorithms><symmetric_cipher><algorithm>DES</algorithm></symmetric_cipher></allowed_crypto_algorithms>",
    ),
  };
  for (const [name, document] of Object.entries(rows)) {
    t.throws(
      () => parseGovernance(document, { file: "g.p7s" }),
      {
        code: "DOCUMENT_INVALID",
        message: /^governance, dd[sx]/,
        location: { file: "g.p7s", line: Number, column: Number },
      },
      name,
    );
  }
  t.throws(() => parseGovernance(governance("", "<id>0</id>", topicRule() + topicRule("")), {}), {
    message:
      "governance, dds/domain_access_rules/domain_rule/topic_access_rules/topic_rule[2]/topic_expression: the element is empty",
  });
  t.throws(() => parseGovernance(change(/(<liveliness.*)\n(<rtps.*)/, "$2$1"), {}), {
    message: /domain_rule: expected <liveliness_protection_kind>, found <rtps_protection_kind>/,
  });
});

t.test("what says that it may be ignored is ignored, and told", async (t) => {
  const ignorable = '<vendor must_interpret="false"><deep><x y="1"/></deep></vendor>';
  const { extensions } = parseGovernance(governance(ignorable));
  t.match(extensions, [{ name: "vendor", location: { line: 7 } }]);
  t.equal(extensions.length, 1, "with all that is in it");
  const rows: [string, boolean][] = [
    ['<vendor must_interpret="FALSE"/>', true],
    ["<vendor/>", false],
    ['<vendor must_interpret="true"/>', false],
    ['<vendor must_interpret="no"/>', false],
    ['<min must_interpret="false">1</min>', false],
  ];
  for (const [element, accepted] of rows) {
    t.equal(
      codeOf(() => parseGovernance(governance(element))),
      accepted ? undefined : "DOCUMENT_INVALID",
      element,
    );
  }
  const attribute = (must: string) =>
    governance().replace("<domains>", `<domains x="1" must_interpret="${must}">`);
  t.equal(
    codeOf(() => parseGovernance(attribute("false"))),
    undefined,
  );
  t.equal(
    codeOf(() => parseGovernance(attribute("true"))),
    "DOCUMENT_INVALID",
  );
});

t.test("a permissions document is read whole, every value with its place", async (t) => {
  const rule = `<deny_rule><domains><id_range><min>1</min><max>3</max></id_range><tag>Robot</tag><tag_expression>A/*</tag_expression></domains>
<publish><partitions><partition>P</partition><partition/></partitions><topics><topic>Square</topic><topic>C*</topic></topics></publish>
<subscribe><topics><topic>T</topic></topics><data_tags><tag><name>n</name><value>v</value></tag></data_tags></subscribe>
<relay><topics><topic>R</topic></topics></relay></deny_rule>`;
  const content = `\n${SUBJECT}\n${VALIDITY}\n${rule}${allow}<default>ALLOW</default>`;
  const [read] = parsePermissions(permissions(grant(content)), { file: "p.p7s" }).grants;
  t.match(read, {
    location: { file: "p.p7s", line: 1, column: 19 },
    name: "g",
    subject: { text: "CN=alice", pattern: false, location: { line: 2, column: 15 } },
    validity: {
      notBefore: { value: new Date("2020-01-01T00:00:00Z"), text: "2020-01-01T00:00:00", zone: false },
      notAfter: { value: new Date("2036-01-01T00:00:00Z"), zone: true, location: { line: 3, column: 66 } },
    },
    defaultAction: { value: "ALLOW", location: { line: 7 } },
  });
  const [deny, allowed] = read?.rules ?? [];
  t.match(deny, {
    action: "deny",
    location: { line: 4, column: 1 },
    domains: {
      ranges: [{ min: 1, max: 3 }],
      tags: [
        { text: "Robot", pattern: false },
        { text: "A/*", pattern: true },
      ],
    },
    criteria: [
      {
        kind: "publish",
        location: { line: 5, column: 1 },
        topics: [{ value: "Square", location: { line: 5, column: 86 } }, { value: "C*" }],
        partitions: [{ value: "P" }, { value: "" }],
      },
      { kind: "subscribe", dataTags: [{ name: "n", value: "v" }] },
      { kind: "relay", topics: [{ value: "R" }] },
    ],
  });
  t.match(allowed, {
    action: "allow",
    criteria: [{ kind: "publish", partitions: undefined, dataTags: undefined }],
  });
});

t.test("a grant without <default> denies, and one without rules is a grant", async (t) => {
  const [read] = parsePermissions(permissions(grant(SUBJECT + VALIDITY))).grants;
  t.strictSame(read?.defaultAction, { value: "DENY" });
  t.strictSame(read?.rules, []);
});

t.test("a permissions document that breaks the schema is refused with path and place", async (t) => {
  const one = (content: string, attributes?: string) => permissions(grant(content, attributes));
  const withRule = (content: string) => one(`${SUBJECT}${VALIDITY}<allow_rule>${content}</allow_rule>`);
  const domains = "<domains><id>0</id></domains>";
  const topics = "<topics><topic>T</topic></topics>";
  const rows: Record<string, string> = {
    "no grant": permissions(),
    "no name": one(SUBJECT + VALIDITY, ""),
    "an attribute too many": one(SUBJECT + VALIDITY, 'name="g" x="1"'),
    "no subject": one(VALIDITY),
    "an empty subject": one(`<subject_name/>${VALIDITY}`),
    "two subjects": one(SUBJECT + SUBJECT + VALIDITY),
    "no validity": one(SUBJECT + allow),
    "no not_after": one(`${SUBJECT}<validity><not_before>2020-01-01T00:00:00</not_before></validity>`),
    "a time that is none": one(SUBJECT + VALIDITY.replace("T00:00:00Z", "")),
    "default first": one(`${SUBJECT}${VALIDITY}<default>DENY</default>${allow}`),
    "default in another case": one(`${SUBJECT}${VALIDITY}<default>deny</default>`),
    "an empty default": one(`${SUBJECT}${VALIDITY}<default/>`),
    "validity within a rule": withRule(`${VALIDITY}${domains}`),
    "a rule without domains": withRule(`<publish>${topics}</publish>`),
    "publish after subscribe": withRule(
      `${domains}<subscribe>${topics}</subscribe><publish>${topics}</publish>`,
    ),
    "a criterion without topics": withRule(
      `${domains}<publish><partitions><partition>P</partition></partitions></publish>`,
    ),
    "topics twice": withRule(`${domains}<publish>${topics}${topics}</publish>`),
    "empty topics": withRule(`${domains}<publish><topics/></publish>`),
    "an empty topic": withRule(`${domains}<publish><topics><topic/></topics></publish>`),
    "empty partitions": withRule(`${domains}<publish>${topics}<partitions/></publish>`),
    "a tag without value": withRule(
      `${domains}<publish>${topics}<data_tags><tag><name>n</name></tag></data_tags></publish>`,
    ),
  };
  for (const [name, document] of Object.entries(rows)) {
    t.throws(
      () => parsePermissions(document),
      {
        code: "DOCUMENT_INVALID",
        message: /^permissions, dds\/permissions/,
        location: { line: 1, column: Number },
      },
      name,
    );
  }
});

const domainTable = "vectors/tables/domain-sets-opendds.json";
t.test("domain sets are those of the schema", { skip: lacks(domainTable) }, async (t) => {
  const rows = sharedRows(domainTable) as readonly {
    xml: string;
    valid: boolean;
    has?: number[];
    not_?: number[];
  }[];
  t.ok(rows.length > 10);
  for (const { xml, valid, has, not_: not } of rows) {
    const read = () => parseGovernance(governance("", xml)).domainRules[0]?.domains;
    t.equal(codeOf(read), valid ? undefined : "DOCUMENT_INVALID", xml);
    const set = valid ? read() : undefined;
    if (set === undefined) continue;
    for (const domain of has ?? []) t.ok(domainSetHas(set, domain), `${xml} has ${domain}`);
    for (const domain of not ?? []) t.notOk(domainSetHas(set, domain), `${xml} has not ${domain}`);
  }
});

t.test("a domain id is decimal and fits 32 bits", async (t) => {
  const idOf = (text: string) =>
    parseGovernance(governance("", `<id>${text}</id>`)).domainRules[0]?.domains.ranges[0]?.min;
  for (const [text, id] of [
    ["0", 0],
    ["231", 231],
    ["010", 10],
    ["+1", 1],
    ["-0", 0],
    [" 7\n", 7],
    ["4294967295", 4294967295],
  ] as const) {
    t.equal(idOf(text), id, text);
  }
  for (const text of ["", "-1", "0x10", "1.0", "1e2", "4294967296", "9".repeat(400), "any", "1 2"]) {
    t.equal(
      codeOf(() => idOf(text)),
      "DOCUMENT_INVALID",
      text,
    );
  }
});

const boolTable = "vectors/tables/bool-parse-opendds.json";
t.test("booleans are those that all implementations take", { skip: lacks(boolTable) }, async (t) => {
  for (const { text, valid, value } of sharedRows(boolTable) as readonly {
    text: string;
    valid: 0 | 1;
    value?: boolean;
  }[]) {
    const document = governance().replace(">true</enable_join", `>${text}</enable_join`);
    const read = () => parseGovernance(document).domainRules[0]?.enableJoinAccessControl.value;
    if (valid) t.equal(read(), value, text);
    else t.equal(codeOf(read), "DOCUMENT_INVALID", text);
  }
});

const timeTable = "vectors/tables/time-parse-opendds.json";
t.test("times are read as another implementation reads them", { skip: lacks(timeTable) }, async (t) => {
  for (const { text, valid, epoch } of sharedRows(timeTable) as readonly {
    text: string;
    valid: boolean;
    epoch?: number;
  }[]) {
    const date = parseDateTime(text);
    t.equal(date !== undefined, valid, text);
    if (date !== undefined) t.equal(Math.floor(date.getTime() / 1000), epoch, text);
  }
});

t.test("times are those of XML Schema", async (t) => {
  const rows: [string, string][] = [
    ["2035-12-31T24:00:00Z", "2036-01-01T00:00:00.000Z"],
    ["2024-02-29T23:59:59.9999", "2024-02-29T23:59:59.999Z"],
    ["2024-01-01T00:00:00.5+14:00", "2023-12-31T10:00:00.500Z"],
    ["1969-01-01T00:00:00", "1969-01-01T00:00:00.000Z"],
    ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
    ["12345-01-01T00:00:00Z", "+012345-01-01T00:00:00.000Z"],
    ["-0044-03-15T00:00:00Z", "-000044-03-15T00:00:00.000Z"],
  ];
  for (const [text, iso] of rows) t.equal(parseDateTime(text)?.toISOString(), iso, text);
  const refused = [
    "2020-01-01",
    "2020-01-01 00:00:00",
    "2020-01-01t00:00:00",
    "2020-01-01T00:00:00z",
    "2020-1-1T00:00:00",
    "2023-02-29T00:00:00",
    "2020-13-01T00:00:00",
    "2020-00-01T00:00:00",
    "2020-01-00T00:00:00",
    "2020-01-01T24:00:01",
    "2020-01-01T24:00:00.5",
    "2020-01-01T23:60:00",
    "2020-01-01T23:59:60",
    "2020-01-01T00:00:00.",
    "2020-01-01T00:00:00+14:01",
    "2020-01-01T00:00:00+01",
    "0000-01-01T00:00:00",
    "02020-01-01T00:00:00",
    "999999999-01-01T00:00:00",
    "20200101T000000Z",
    "2020-01-01T00:00:00Zx",
  ];
  for (const text of refused) t.equal(parseDateTime(text), undefined, text);
});

const fnmatchTable = "vectors/tables/fnmatch-cyclone.json";
t.test("expressions match as fnmatch of POSIX", { skip: lacks(fnmatchTable) }, async (t) => {
  for (const { pattern, topic, match } of sharedRows(fnmatchTable) as readonly {
    pattern: string;
    topic: string;
    match: boolean;
  }[]) {
    // A [ that opens no set is plain in POSIX, and a - at the end of a set is a member.
    const posix = pattern === topic || (pattern === "a[b-]" ? topic === "ab" : match);
    t.equal(fnmatch(pattern, topic), posix, `${pattern} | ${topic}`);
  }
  const rows: [string, string, boolean][] = [
    ["rt/*", "rt/a/b", true],
    ["[]a]", "]", true],
    ["[!]a]", "]", false],
    ["[ab]", "]", false],
    ["[[:digit:]]x", "7x", true],
    ["[![:digit:]]", "7", false],
    ["\\*", "*", true],
    ["\\*", "x", false],
    ["?", "\u{1F511}", true],
    ["[\u{1F510}-\u{1F512}]", "\u{1F511}", true],
    ["square", "Square", false],
  ];
  for (const [pattern, text, match] of rows) t.equal(fnmatch(pattern, text), match, `${pattern} | ${text}`);
  t.notOk(fnmatch("AGV/*", "AGV/a/b", { pathname: true }), "with FNM_PATHNAME no wildcard takes a slash");
  t.ok(fnmatch("\\?", "\\x", { noEscape: true }));
  const start = performance.now();
  t.notOk(fnmatch(`${"*a".repeat(2000)}b`, "a".repeat(5000)));
  t.ok(performance.now() - start < 20_000, "no pattern makes it exponential");
});

t.test("any pattern ends, a text without wildcards matches itself, and * matches all", async () => {
  const text = fc
    .array(fc.constantFrom("a", "b", "*", "?", "[", "]", "!", "-", "\\", "/"))
    .map((all) => all.join(""));
  fc.assert(
    fc.property(text, text, (pattern, subject) => {
      fnmatch(pattern, subject);
      fnmatch(pattern, subject, { pathname: true, noEscape: true });
      const quoted = subject.replaceAll(/[*?[\\]/g, "\\$&");
      return fnmatch("*", subject) && fnmatch(quoted, subject);
    }),
  );
});

const archive = "vectors/deployments.tar.gz";
t.test("the deployments, signed as they are", { skip: lacks(archive) }, async (t) => {
  const { cases, read, remove } = unpackDeployments();
  t.teardown(remove);
  const certificate = (path: string) => {
    const [first] = certificatesFromPem(read(path), { file: path });
    if (first === undefined) throw new Error(`${path} holds no certificate`);
    return first;
  };
  const verify = async (deployment: DeploymentCase, property: "governance" | "permissions") => {
    const ca = certificate(deployment.properties["permissions_ca"] ?? "");
    return await verifyDocument(read(deployment.properties[property] ?? ""), { ca, crypto });
  };
  /** The verified document, or undefined where its signature is what is refused. */
  const verified = async (deployment: DeploymentCase, property: "governance" | "permissions") => {
    try {
      return await verify(deployment, property);
    } catch (error) {
      if (error instanceof CredentialError) return undefined;
      throw error;
    }
  };
  const known = (id: string): DeploymentCase => {
    const found = cases.find((each) => each.id === id);
    if (found === undefined) throw new Error(`there is no case ${id}`);
    return found;
  };
  const permissionsOf = async (id: string): Promise<Permissions> =>
    readPermissions(await verify(known(id), "permissions"));
  const subjectOf = (deployment: DeploymentCase): DistinguishedName =>
    certificate(deployment.properties["identity_certificate"] ?? "").subject;

  t.test("a document is refused where the specification refuses it, and nowhere else", async (t) => {
    // The signature of these is refused before anybody reads their XML.
    const unsigned = new Set(["sig-der", "sig-pem", "sig-preamble", "sig-other-ca", "sig-self"]);
    const refused: Record<string, string> = {
      "range-reversed": "DOCUMENT_INVALID",
      "time-space": "DOCUMENT_INVALID",
      "fn-empty": "DOCUMENT_INVALID",
      "xml-unknown-element": "DOCUMENT_INVALID",
      "xml-order": "DOCUMENT_INVALID",
      "xml-doctype": "XML_INVALID",
      "xml-truncated": "XML_INVALID",
    };
    let documents = 0;
    for (const deployment of cases) {
      const { id, specVerdict } = deployment;
      for (const property of ["governance", "permissions"] as const) {
        const document = await verified(deployment, property);
        if (document === undefined) {
          t.ok(unsigned.has(id) || specVerdict === null, `${id}: ${property} is not well signed`);
          continue;
        }
        documents++;
        const reader: (document: VerifiedDocument) => unknown =
          property === "governance" ? readGovernance : readPermissions;
        const code = codeOf(() => reader(document));
        t.equal(code, property === "permissions" ? refused[id] : undefined, `${id}: ${property}`);
        if (code === undefined) continue;
        const verdicts = Object.values(specVerdict ?? {});
        t.ok(verdicts.length > 0 && !verdicts.includes(true), `${id}: nothing is allowed by it`);
      }
    }
    t.ok(documents > 180, `${documents} documents were read`);
  });

  t.test("places are those of the signed file", async (t) => {
    const document = await verify(known("base"), "permissions");
    const [read0] = readPermissions(document, { file: "permissions.p7s" }).grants;
    const lines = Buffer.from(read("cases/base/permissions.p7s")).toString().split(/\r?\n/);
    const location = read0?.subject.location;
    t.equal(location?.file, "permissions.p7s");
    const line = lines[(location?.line ?? 0) - 1] ?? "";
    t.ok(line.slice((location?.column ?? 0) - 1).startsWith("CN=alice,O=DDS Test,C=NL</subject_name>"));
  });

  t.test("a grant is for the subject that it names", async (t) => {
    const expected: Record<string, boolean> = {
      base: true,
      "subject-extra": false,
      "subject-lowerattr": true,
      "subject-oid": true,
      "subject-other": false,
      "subject-innerspace": false,
      "subject-newline": true,
      "subject-expression": true,
      "id-ros-cn-swapped": false,
      "xml-latin1": true,
    };
    for (const [id, matches] of Object.entries(expected)) {
      const subject = subjectOf(known(id));
      const permissions = await permissionsOf(id);
      t.equal(
        codeOf(() => grantFor(permissions, subject, NOW)),
        matches ? undefined : "SUBJECT_MISMATCH",
        id,
      );
    }
  });

  t.test("a mismatch says which subjects there are and what to write", async (t) => {
    const subject = subjectOf(known("base"));
    const mismatch = async (id: string) => {
      const permissions = await permissionsOf(id);
      try {
        return grantFor(permissions, subject, NOW);
      } catch (error) {
        return error;
      }
    };
    t.match(await mismatch("subject-other"), {
      code: "SUBJECT_MISMATCH",
      message: /no grant is for the subject "CN=alice,O=DDS Test,C=NL"; .*mallory.*alice/,
      hint: /<subject_name>CN=alice,O=DDS Test,C=NL<\/subject_name>/,
      candidates: ["CN=mallory,O=DDS Test,C=NL"],
      location: { line: Number, column: Number },
    });
    t.match(await mismatch("subject-extra"), { message: /has L="X"$/ });
    t.match(await mismatch("subject-innerspace"), { message: /has O="DDS {2}Test" and lacks O="DDS Test"$/ });
  });

  t.test("a grant holds from its first to its last moment, and an expired one is passed over", async (t) => {
    const subject = subjectOf(known("base"));
    const at = async (id: string, moment: string): Promise<Grant | string | undefined> => {
      const permissions = await permissionsOf(id);
      return codeOf(() => grantFor(permissions, subject, new Date(moment)));
    };
    t.equal(await at("base", "2020-01-01T00:00:00.000Z"), undefined);
    t.equal(await at("base", "2019-12-31T23:59:59.999Z"), "GRANT_NOT_YET_VALID");
    t.equal(await at("base", "2036-01-01T00:00:00.000Z"), undefined);
    t.equal(await at("base", "2036-01-01T00:00:00.001Z"), "GRANT_EXPIRED");
    t.equal(await at("grant-first-expired", "2026-11-23T12:00:00Z"), undefined);
    t.equal(await at("time-24h", "2036-01-01T00:00:00Z"), undefined);
    t.equal(await at("time-24h", "2036-01-01T00:00:00.001Z"), "GRANT_EXPIRED");
    t.equal(await at("time-expired-1h-tz", NOW.toISOString()), "GRANT_EXPIRED");
  });

  t.test("only what verifyDocument made is read, and only what readPermissions made decides", async (t) => {
    const document = await verify(known("base"), "permissions");
    const content = new TextEncoder().encode(permissions(grant(SUBJECT + VALIDITY)));
    const forged = Object.create(document, { content: { value: content } }) as VerifiedDocument;
    t.throws(() => readPermissions(forged), TypeError);
    t.throws(() => readGovernance({} as VerifiedDocument), TypeError);
    const model = parsePermissions(permissions(grant(SUBJECT + VALIDITY)));
    t.throws(() => grantFor(model as Permissions, subjectOf(known("base")), NOW), TypeError);
  });
});

t.test("any change of a document is refused by a CredentialError or read", async () => {
  const pieces = permissions(grant(`${SUBJECT}${VALIDITY}${allow}<default>DENY</default>`)).split(/(?=<)/);
  const piece = fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 5 }));
  fc.assert(
    fc.property(
      fc.nat(pieces.length - 1),
      fc.nat(3),
      fc.array(piece, { maxLength: 3 }),
      (at, removed, added) => {
        const code = codeOf(() => parsePermissions(pieces.toSpliced(at, removed, ...added).join("")));
        return code === undefined || code === "XML_INVALID" || code === "DOCUMENT_INVALID";
      },
    ),
    { numRuns: 2000 },
  );
});

t.test("a document of the largest size is judged in reasonable time", async (t) => {
  const grants = grant(`${SUBJECT}${VALIDITY}${allow}`);
  const document = permissions(...Array.from({ length: 15_000 }, () => grants), "<x/>");
  const start = performance.now();
  t.equal(
    codeOf(() => parsePermissions(document)),
    "DOCUMENT_INVALID",
  );
  const time = performance.now() - start;
  t.ok(time < 30_000, `${document.length} characters: ${time.toFixed(0)} ms`);
});

t.test("what only Cyclone DDS reads is refused, and that is said", async (t) => {
  const said = (xml: string) => {
    try {
      parseGovernance(xml);
    } catch (error) {
      return (error as Error).message;
    }
    return "it was accepted";
  };
  t.match(said(governance().replace(">true<", ">True<")), /found "True"; Cyclone DDS reads it/);
  t.match(said(governance("", "<id>0x10</id>")), /found "0x10"; Cyclone DDS reads hexadecimal/);
  t.notMatch(said(governance().replace(">true<", ">yes<")), /Cyclone DDS/);
});
