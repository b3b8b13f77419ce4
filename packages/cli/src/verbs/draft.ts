import { pathToFileURL } from "node:url";
import { fileBackend } from "@ddscred/backend-file";
import { CredentialError, formatName, redactUri } from "@ddscred/core";
import { readDescription, readPolicy, writeGovernance, writePermissions } from "@ddscred/dds-security";
import { shellWord } from "../doctor/report.ts";
import { jsonFault } from "../documents/json-fault.ts";
import { UsageError } from "../exit.ts";
import { pathOf } from "../input.ts";
import type { Verb } from "../main.ts";
import { type Arguments, readArguments, readMoment } from "../options.ts";
import { answering } from "../provisioning/answer.ts";
import { writeNew } from "../provisioning/files.ts";
import { outputPath } from "../provisioning/output.ts";

const usage = `Usage: ddscred draft governance FILE [--out XML]
       ddscred draft permissions FILE [OPTIONS] [--out XML]

Writes a Governance or Permissions document that all known implementations
read, from a short description. Sign it with ddscred sign.

  FILE                description (JSON), or for permissions a policy of SROS 2
                      (XML)
  --out XML           where to write; default: standard output. A file that
                      is there is not overwritten
  --domain N          for a policy: a domain or a range such as 0-9; repeat it.
                      Default 0
  --enclave PATH      for a policy: this enclave alone
  --not-before TIME   for a policy: default today
  --not-after TIME    for a policy: default a year later

A description; all but participants may be left out, and what is not said is
encrypted and denied:

  { "domains": [0, "10-12"],
    "protection": "encrypt",
    "topics": [{ "topic": "Map", "data": "SIGN" }],
    "participants": [
      { "subject": "CN=alice,O=Example", "publish": ["Square*"] },
      { "certificate": "file:bob.pem", "subscribe": ["Square*"],
        "partitions": ["lab"], "notAfter": "2030-01-01" }] }

protection is none, sign or encrypt, or an object with discovery, liveliness and
rtps (NONE, SIGN, ENCRYPT ...), topics (none, sign, encrypt),
allowUnauthenticated and joinAccessControl (true, false). A topic has data,
metadata, discovery, liveliness, read and write; a participant may have name,
domains, notBefore, notAfter, and deny: a list of publish and subscribe.

Exit status: 0 written, 1 the description cannot be a document, 2 wrong usage.

  ddscred draft permissions fleet.json --out permissions.xml
  ddscred sign permissions.xml --key 'pkcs11:object=ca' --cert ca.pem
`;

export const verb: Verb = { usage, run };

async function run(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv, {
    out: { type: "string" },
    domain: { type: "string", multiple: true },
    enclave: { type: "string" },
    "not-before": { type: "string" },
    "not-after": { type: "string" },
  });
  const [kind, file, ...more] = args.positionals;
  if ((kind !== "governance" && kind !== "permissions") || file === undefined || more.length > 0) {
    throw new UsageError("name what to draft, governance or permissions, and one file");
  }
  const bytes = await fileBackend().document(pathToFileURL(pathOf(file)).href);
  const xml = kind === "governance" ? await governance(bytes, file) : await permissions(bytes, file, args);
  const out = outputPath(args.text("out") ?? "-");
  return await answering("text", async () => {
    if (out === "-") return { text: xml };
    await writeNew(out, xml);
    return { done: "written", what: out, rows: [["document", kind]], next: [signCommand(out)], json: {} };
  });
}

const signCommand = (file: string) => `ddscred sign ${shellWord(file)} --key URI --cert URI`;

async function governance(bytes: Uint8Array, file: string): Promise<string> {
  if (isXml(bytes)) throw new UsageError("a governance document is drafted from a description in JSON");
  return writeGovernance(readDescription(await readJson(bytes, file), new Date()).governance);
}

async function permissions(bytes: Uint8Array, file: string, args: Arguments): Promise<string> {
  if (!isXml(bytes)) {
    const { grants } = readDescription(await readJson(bytes, file), new Date());
    if (grants.length === 0) throw new CredentialError("DESCRIPTION_INVALID", "there is no participant");
    return writePermissions(grants);
  }
  const enclave = args.text("enclave");
  const [notBefore, notAfter] = validity(args);
  const domains = domainSpans(args.list("domain"));
  const options = { file, domains, notBefore, notAfter, ...(enclave === undefined ? {} : { enclave }) };
  return writePermissions(readPolicy(bytes, options));
}

/** Reads the JSON; where a participant names a certificate, its subject is taken from there. */
async function readJson(bytes: Uint8Array, file: string): Promise<unknown> {
  const value = parseJson(bytes, file);
  const participants = (value as { participants?: unknown } | null)?.participants;
  if (Array.isArray(participants)) {
    for (const each of participants as unknown[]) await nameSubject(each);
  }
  return value;
}

async function nameSubject(participant: unknown): Promise<void> {
  if (typeof participant !== "object" || participant === null || !("certificate" in participant)) return;
  const { certificate } = participant;
  if (typeof certificate !== "string" || "subject" in participant) {
    throw new CredentialError(
      "DESCRIPTION_INVALID",
      "a participant has a subject or a certificate: a file: URI",
    );
  }
  const [leaf] = await fileBackend().certificates(certificate);
  if (leaf !== undefined) Object.assign(participant, { subject: formatName(leaf.subject) });
  delete (participant as { certificate?: unknown }).certificate;
}

function validity(args: Arguments): [Date, Date] {
  const day = new Date(Math.floor(Date.now() / 86_400_000) * 86_400_000);
  const notBefore = readMoment(args, "not-before") ?? day;
  const year = new Date(notBefore);
  year.setUTCFullYear(year.getUTCFullYear() + 1);
  const notAfter = readMoment(args, "not-after") ?? year;
  if (notAfter <= notBefore) throw new UsageError("--not-after is not after --not-before");
  return [notBefore, notAfter];
}

function domainSpans(texts: readonly string[]): [number, number][] {
  return (texts.length > 0 ? texts : ["0"]).map((text) => {
    const [, first, last = first] = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(text) ?? [];
    if (first === undefined || Number(last) > 230 || Number(first) > Number(last)) {
      throw new UsageError("--domain is a number from 0 to 230, or a range such as 0-9");
    }
    return [Number(first), Number(last)];
  });
}

/** Nothing of Node.js's message is told: it quotes the text, secrets and all. */
function parseJson(bytes: Uint8Array, file: string): unknown {
  const shown = redactUri(pathOf(file));
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new CredentialError("DESCRIPTION_INVALID", `${shown} is no JSON: it is not UTF-8`);
  }
  try {
    return JSON.parse(text);
  } catch {
    const { line, column } = jsonFault(text);
    const location = { file: shown, line, column };
    throw new CredentialError("DESCRIPTION_INVALID", "it is no JSON from here on", { location });
  }
}

/** Behind a byte order mark and blanks. */
const isXml = (bytes: Uint8Array): boolean =>
  /^(?:\u00EF\u00BB\u00BF)?\s*</.test(String.fromCharCode(...bytes.subarray(0, 256)));
