import { CredentialError } from "@ddscred/core";
import { nodeCrypto } from "@ddscred/crypto-node";
import {
  type CheckOptions,
  type CheckReport,
  check,
  FLEET,
  Fleet,
  ofFleet,
  unreadable,
} from "@ddscred/dds-security";
import type { Verb } from "../main.ts";
import { type OpenSource, sourceOpener } from "../open-source.ts";
import {
  type Arguments,
  definedOnly,
  peerOptions,
  readArguments,
  readDomain,
  readFormat,
  readMoment,
  readPeer,
  readSpan,
} from "../options.ts";
import { sourceUsage, tokenOptions } from "../pin/options.ts";
import { pinsWereGiven } from "../pin/pins.ts";
import { type Source, type SourceReader, sourceReaders } from "../source.ts";
import { exitOf } from "../terminal/errors.ts";
import { printJson } from "../terminal/json.ts";
import { renderCount, renderReport } from "../terminal/report.ts";
import { styleOf } from "../terminal/style.ts";

const usage = `Usage: ddscred check [OPTIONS] SOURCE...
       ddscred check [OPTIONS] --property NAME=URI ...

Says whether a DDS Security configuration will work, and if not, why and what
to do.

  SOURCE                Cyclone DDS XML configuration, Fast DDS XML profile, or
                        the folder of an SROS 2 enclave or keystore; a path, a
                        file: URI, or - for a file from standard input.
                        Relative file: URIs in it are looked for beside it,
                        then in the working folder; a participant starts in
                        its own
  --property NAME=URI   a property instead of a file; repeat it. NAME is a DDS
                        property name (dds.sec.auth.private_key) or its last
                        word (private_key)
${sourceUsage}
  --domain N            the domain that the participant will join, 0 to 230
  --at TIME             judge another moment: 2027-01-31 or
                        2027-01-31T12:00:00Z
  --peer NAME           cyclonedds or fastdds: what that implementation does not
                        accept is an error; spec: the specification alone
                        decides. Default: such differences are warnings
  --dialect NAME        the same: access's name for it
  --warn-before TIME    warn of what ends within this time of the moment: 30d,
                        12h. Default 30d; 0d for no such warning
  --fleet               the sources are all the participants there are: say also
                        which have one key, and which grants are for none of
                        them; JSON has that as one more report
  --quiet               as text, only what is not good
  --format text|json|sarif|html
                        default text; SARIF 2.1.0 for code scanning

Exit status: 0 good, 1 not good, 2 wrong usage, 3 a device failed or something
is not judged yet.

  ddscred check cyclonedds.xml --module /usr/lib/softhsm/libsofthsm2.so
  ddscred check cyclonedds.xml --at 2030-01-01 --format json
`;

export const verb: Verb = { usage, run };

async function run(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv, {
    property: { type: "string", multiple: true },
    ...tokenOptions,
    domain: { type: "string" },
    at: { type: "string" },
    ...peerOptions,
    "warn-before": { type: "string" },
    fleet: { type: "boolean" },
    quiet: { type: "boolean" },
    format: { type: "string" },
  });
  const format = readFormat(args, ["text", "json", "sarif", "html"]);
  const at = readMoment(args) ?? new Date();
  const warnBefore = readSpan(args, "warn-before") ?? MONTH;
  const options = { at, warnBefore, ...definedOnly({ domain: readDomain(args), peer: readPeer(args) }) };
  const reports = await checkAll(args, options);
  await show(reports, { format, at, quiet: args.flag("quiet") });
  if (pinsWereGiven()) process.stderr.write(PIN_NOTE);
  return exitOf(
    reports.flatMap((report) => report.findings.filter((finding) => finding.severity === "error")),
  );
}

/** A participant reads its configuration alone. */
const PIN_NOTE = "note: a PIN was given from outside of the configuration; the participant needs one too\n";

type Options = Pick<CheckOptions, "domain" | "at" | "peer" | "warnBefore">;

/** One after the other: what participants have in common is opened once. */
async function checkAll(args: Arguments, options: Options): Promise<CheckReport[]> {
  const open = sourceOpener(args);
  const fleet = new Fleet(nodeCrypto());
  const reports: CheckReport[] = [];
  let last: OpenSource | undefined;
  try {
    for (const reader of sourceReaders(args)) {
      for (const source of await read(reader, options.domain, reports)) {
        const opened = open(source);
        reports.push(await check(source.configuration, { ...opened, ...source.others, ...options, fleet }));
        // Not before the next one is done: a PKCS#11 module that both use is started once.
        await last?.close();
        last = opened;
      }
    }
  } finally {
    await last?.close();
  }
  return args.flag("fleet") ? [...reports, ofFleet(fleet.findings())] : reports;
}

/** A source that cannot even be read is a report too, with that one finding. */
async function read(
  reader: SourceReader,
  domain: number | undefined,
  reports: CheckReport[],
): Promise<readonly Source[]> {
  try {
    return await reader.read(domain);
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    reports.push(unreadable(reader.name, error));
    return [];
  }
}

async function show(
  reports: readonly CheckReport[],
  { format, at, quiet }: { format: Format; at: Date; quiet: boolean },
): Promise<void> {
  if (format === "text") {
    const style = styleOf(process.stdout);
    const shown = quiet
      ? reports.filter(({ ok, findings, source }) => !ok || (source === FLEET && findings.length > 0))
      : reports;
    const texts = shown.map((report) => renderReport(report, style));
    const participants = reports.filter(({ source }) => source !== FLEET);
    if (participants.length > 1) texts.push(renderCount(participants, style));
    process.stdout.write(texts.join("\n"));
  } else if (format === "sarif") {
    const { sarifOf } = await import("../terminal/sarif.ts");
    printJson(sarifOf(reports));
  } else if (format === "html") {
    const { htmlOf } = await import("../terminal/html.ts");
    process.stdout.write(htmlOf(reports, at));
  } else {
    // One configuration is an object, several are a list.
    printJson(reports.length === 1 ? reports[0] : reports);
  }
}

type Format = "text" | "json" | "sarif" | "html";

const MONTH = 30 * 86_400_000;
