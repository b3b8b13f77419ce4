// Outside truth: what the plugins of two implementations answered for the same configurations, and what the
// specification says. They stand beside the repository; where they are missing the test says so.

import { join } from "node:path";
import { fileBackend } from "@ddscred/backend-file";
import { CredentialError, createResolver } from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import {
  type Access,
  type Decision,
  type DialectName,
  openAccess,
  refusedDecision,
} from "@ddscred/dds-security";
import t, { type Test } from "tap";
import { ddscred } from "./support/program.ts";
import {
  configurationOf,
  deploymentsIn,
  lacksDeployments,
  type RecordedDeployment,
  unpackDeployments,
} from "./support/recorded-deployments.ts";

/** When the implementations were asked. */
const AT = new Date("2026-11-23T07:21:30Z");

/** Where we answer otherwise than an implementation did, each with the reason. */
const deviations: Readonly<Record<string, string>> = {
  "cyclonedds range-max-only": "not accepted by Cyclone DDS in any orderly way: we refuse the document",
  "cyclonedds fn-empty": "not accepted by Cyclone DDS in any orderly way: we refuse the document",
};

/** Where the specification does not decide, what we answer and why. */
const chosen: Readonly<Record<string, { readonly good: boolean; readonly why: string }>> = {
  "sig-binary": { good: false, why: "no implementation finds the text/plain header in bare line ends" },
  "id-ros-cn": { good: false, why: "its permissions are for another subject than the certificate's" },
  "id-ca-v1": { good: true, why: "an anchor is trusted by being named" },
  "uri-trailing-space": { good: false, why: "the blank belongs to the path, and there is no such file" },
};

const skip = lacksDeployments;

t.test("every query is answered as in each dialect", { skip }, async (t) => {
  const folder = unpackDeployments(t);
  const cases = deploymentsIn(folder);
  t.equal(cases.length, 95);
  const zone = process.env["TZ"];
  for (const deployment of cases) {
    process.env["TZ"] = deployment.tz ?? "UTC";
    await compareSpec(t, deployment, folder);
    await comparePeer(t, deployment, folder, "cyclonedds");
    await comparePeer(t, deployment, folder, "fastdds");
  }
  if (zone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zone;
});

t.test("ddscred access answers with its status, in text and JSON", { skip }, async (t) => {
  const folder = unpackDeployments(t);
  const at = ["--at", "2026-11-23T12:00:00Z"];
  const base = propertiesOf(folder, "base");
  const json = (...args: string[]) => {
    const { status, stdout } = ddscred(["access", ...base, ...at, "--format", "json", ...args]);
    return { status, ...JSON.parse(stdout) };
  };
  t.match(json("--domain", "0", "--publish", "Square"), {
    status: 0,
    allowed: true,
    code: "ALLOWED",
    rule: { file: join(folder, "cases/base/permissions.p7s"), line: 10, column: Number },
  });
  t.match(json("--domain", "0", "--publish", "Circle", "--dialect", "cyclonedds"), {
    status: 1,
    allowed: false,
    code: 145,
    reason: "Circle denied by default rule",
    considered: [{ why: 'no publish topic of it matches "Circle"' }],
  });
  t.match(json("--domain", "0", "--topic", "Square", "--protection"), {
    status: 0,
    protection: {
      participant: { attributes: 0x80000007, pluginAttributes: 0x80000006 },
      topic: { samples: "encrypted", attributes: 0x8000007f, pluginAttributes: 0x80000003 },
    },
  });
  t.match(json("--domain", "0", "--join", "--dialect", "cyclonedds", "--at", "2040-01-01"), {
    status: 1,
    code: 200,
    finding: "CERTIFICATE_EXPIRED",
    reason: /^Certificate not valid: error: certificate has expired; subject: \/C=NL/,
  });
  const tags = ["--partition", "P", "--tag", "a=b"];
  t.match(json("--domain", "0", "--subscribe", "Square", ...tags), { status: 1, code: "ACCESS_DENIED" });
  const text = ddscred(["access", ...base, ...at, "--domain", "0", "--publish", "Circle", "--protection"]);
  t.match(text, {
    status: 1,
    stdout: /^denied {2}publish Circle in domain 0, by DDS Security 1\.2 \(ACCESS_DENIED\)/,
  });
  t.match(text.stdout, /samples: encrypted/);
  const crl = ["--property", "dds.sec.auth.trusted_ca_dir=none"];
  t.match(json("--domain", "0", "--join", ...crl), { status: 1, allowed: false });
  for (const wrong of [
    ["--domain", "0"],
    ["--domain", "0", "--join", "--publish", "Square"],
    ["--domain", "0", "--publish", "A", "--publish", "B"],
    ["--domain", "0", "--publish", ""],
    ["--domain", "231", "--join"],
    ["--join"],
    ["--domain", "0", "--join", "--dialect", "opendds"],
    ["--domain", "0", "--join", "--tag", "x"],
    ["--domain", "0", "--join", "one.xml"],
  ]) {
    t.equal(ddscred(["access", ...base, ...wrong]).status, 2, wrong.join(" "));
  }
});

t.test("no secret of a configuration is told with a decision", { skip }, async (t) => {
  const folder = unpackDeployments(t);
  const CANARY = "canary5522";
  const [base] = deploymentsIn(folder);
  if (base === undefined) throw new Error("there are no cases");
  const hiding = {
    private_key: [
      `RAW file:alice.key?passphrase=${CANARY}`,
      `RAW file:///alice.key?password=${CANARY}`,
      `RAW pkcs11:token=X;object=y?pin-value=${CANARY}`,
      `RAW data:,${CANARY}`,
    ],
    identity_ca: [`RAW x?pin-value=${CANARY}`, `RAW data:,${CANARY}`],
    password: [CANARY],
  };
  for (const dialect of ["spec", "cyclonedds", "fastdds"] as const) {
    for (const [name, values] of Object.entries(hiding)) {
      for (const value of values) {
        const deployment = { ...base, properties: { ...base.properties, [name]: value } };
        const decision = ask(await open(deployment, folder, dialect), "participant|0");
        t.notMatch(JSON.stringify(decision), CANARY, `${dialect} ${name} ${value.replace(CANARY, "SECRET")}`);
      }
    }
    const key = ["--property", `private_key=file:alice.key?passphrase=${CANARY}`];
    const others = propertiesOf(folder, "base", "private_key");
    const { stdout, stderr } = ddscred([
      "access",
      ...key,
      ...others,
      "--domain",
      "0",
      "--join",
      "--dialect",
      dialect,
    ]);
    t.notMatch(stdout + stderr, CANARY, dialect);
    t.match(stdout, /^denied/, dialect);
  }
});

/** The credentials of a case as the program takes them. */
function propertiesOf(folder: string, id: string, without?: string): string[] {
  const files = {
    identity_ca: "ec/identity_ca.pem",
    identity_certificate: "ec/alice.pem",
    private_key: "ec/alice.key.pem",
    permissions_ca: "ec/permissions_ca.pem",
    governance: `cases/${id}/governance.p7s`,
    permissions: `cases/${id}/permissions.p7s`,
  };
  const named = Object.entries(files).filter(([name]) => name !== without);
  return named.flatMap(([name, file]) => ["--property", `${name}=file:${join(folder, file)}`]);
}

async function compareSpec(t: Test, deployment: RecordedDeployment, folder: string): Promise<void> {
  const { id, why, specVerdict, domain } = deployment;
  const answer = await open(deployment, folder, "spec");
  if (specVerdict === null) {
    t.equal(answer.access !== undefined, chosen[id]?.good, `spec ${id}: ${answer.refused?.reason}`);
    return;
  }
  for (const [query, wanted] of Object.entries(specVerdict)) {
    const decision = query === "check" ? ask(answer, `participant|${domain}`) : ask(answer, query);
    t.equal(decision.allowed, wanted, `spec ${id} (${why}) ${query}: ${decision.code} ${decision.reason}`);
  }
}

async function comparePeer(
  t: Test,
  deployment: RecordedDeployment,
  folder: string,
  dialect: "cyclonedds" | "fastdds",
): Promise<void> {
  const { id, why, domain } = deployment;
  const observed = deployment.observed[dialect === "cyclonedds" ? "cyclone" : "fastdds"];
  const answer = await open(deployment, folder, dialect);
  const name = `${dialect} ${id} (${why})`;
  const refused = `${answer.refused?.code} ${answer.refused?.reason}`;
  t.equal(answer.access !== undefined, observed.ok, `${name} is accepted or not: ${refused}`);
  if (deviations[`${dialect} ${id}`] !== undefined) {
    t.equal(observed.step, "CRASH", `${name} has no answer of its own`);
    return;
  }
  if (!observed.ok && dialect === "cyclonedds")
    t.equal(answer.refused?.code, observed.code, `${name}: ${refused}`);
  for (const { q, result, code } of observed.queries ?? []) {
    const decision = ask(answer, q);
    t.equal(decision.allowed, result, `${name} ${q}: ${decision.code} ${decision.reason}`);
    if (code !== undefined) t.equal(decision.code, code, `${name} ${q}: ${decision.reason}`);
  }
  if (!observed.ok) {
    for (const query of [...deployment.queries, `participant|${domain}`])
      t.equal(ask(answer, query).allowed, false, `${name} ${query} is denied with the rest`);
  }
  const attributes = observed.participant_attributes;
  if (attributes !== undefined) compareAttributes(t, name, answer.access, attributes);
}

function compareAttributes(
  t: Test,
  name: string,
  access: Access | undefined,
  wanted: Readonly<Record<string, number>>,
): void {
  const protection = access?.participantProtection();
  const mask = protection?.attributes ?? 0;
  t.strictSame(
    {
      allow_unauthenticated: Number(protection?.allowUnauthenticated),
      access: Number(protection?.joinAccessControlled),
      rtps: mask & 1,
      discovery: (mask >> 1) & 1,
      liveliness: (mask >> 2) & 1,
      plugin: protection?.pluginAttributes,
    },
    wanted,
    `${name}: the masks on the wire`,
  );
}

interface Answer {
  readonly access?: Access;
  readonly refused?: Decision;
}

function ask({ access, refused }: Answer, query: string): Decision {
  const [kind = "", topic = "", partitions] = query.split("|");
  if (access === undefined) {
    if (refused === undefined) throw new TypeError("neither opened nor refused");
    return refused;
  }
  const options = partitions === undefined ? {} : { partitions: partitions.split(",") };
  if (kind === "participant") return access.join();
  if (kind === "topic") return access.topic(topic);
  return kind === "reader" ? access.subscribe(topic, options) : access.publish(topic, options);
}

async function open(deployment: RecordedDeployment, folder: string, dialect: DialectName): Promise<Answer> {
  const { domain } = deployment;
  const crypto = nodeCrypto();
  const resolver = createResolver([fileBackend()], { crypto });
  const configuration = configurationOf(deployment, folder);
  try {
    return { access: await openAccess(configuration, { resolver, crypto, domain, dialect, at: AT }) };
  } catch (error) {
    if (error instanceof CredentialError) return { refused: refusedDecision(error) };
    throw error;
  } finally {
    await resolver.close();
  }
}
