import { fileBackend } from "@ddscred/backend-file";
import { CredentialError } from "@ddscred/core";
import {
  type CheckOptions,
  type CheckReport,
  check,
  type ExposureOf,
  type ReadCaFolder,
  unreadable,
} from "@ddscred/dds-security";
import type { Verb } from "../main.ts";
import {
  definedOnly,
  readArguments,
  readDomain,
  readFormat,
  readMoment,
  readPeer,
  readSpan,
} from "../options.ts";
import { pinUsage, type TokenWiring, tokenOptions, tokenWiring, traceUsage } from "../pin/options.ts";
import { pinsWereGiven } from "../pin/pins.ts";
import { type SourceReader, sourceReaders } from "../source.ts";
import { exitOf } from "../terminal/errors.ts";
import { printJson } from "../terminal/json.ts";
import { renderReport } from "../terminal/report.ts";
import { styleOf } from "../terminal/style.ts";
import { wire } from "../wiring.ts";

const usage = `Usage: ddscred check [OPTIONS] SOURCE...
       ddscred check [OPTIONS] --property NAME=URI ...

Says whether a DDS Security configuration will work, and if not, why and what
to do.

  SOURCE                Cyclone DDS XML configuration, Fast DDS XML profile, or the
                        folder of an SROS 2 enclave or keystore
  --property NAME=URI   a property instead of a file; repeat it. NAME is a DDS
                        property name (dds.sec.auth.private_key) or its last
                        word (private_key)
  --module PATH         PKCS#11 module for pkcs11: URIs; default: the
                        module-path of the URI, else the one that the
                        environment, openssl.cnf or p11-kit names
${pinUsage}
${traceUsage}
  --domain N            the domain that the participant will join, 0 to 230
  --at TIME             judge another moment: 2027-01-31 or
                        2027-01-31T12:00:00Z
  --peer NAME           cyclonedds or fastdds: what that implementation does not
                        accept is an error; spec: the specification alone
                        decides. Default: such differences are warnings
  --warn-before TIME    warn of what ends within this time of the moment: 30d, 12h.
                        Default 30d; 0d for no such warning
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
    peer: { type: "string" },
    "warn-before": { type: "string" },
    format: { type: "string" },
  });
  const format = readFormat(args, ["text", "json", "sarif", "html"]);
  const at = readMoment(args) ?? new Date();
  const warnBefore = readSpan(args, "warn-before") ?? MONTH;
  const options = { at, warnBefore, ...definedOnly({ domain: readDomain(args), peer: readPeer(args) }) };
  const reports: CheckReport[] = [];
  const tokens = tokenWiring(args);
  for (const read of sourceReaders(args)) {
    reports.push(...(await checkSource(read, tokens, options)));
  }
  await show(reports, format, at);
  if (pinsWereGiven()) process.stderr.write(PIN_NOTE);
  return exitOf(
    reports.flatMap((report) => report.findings.filter((finding) => finding.severity === "error")),
  );
}

/** A participant reads its configuration alone. */
const PIN_NOTE = "note: a PIN was given from outside of the configuration; the participant needs one too\n";

/** A source that cannot even be read is a report too, with that one finding. */
async function checkSource(
  reader: SourceReader,
  tokens: TokenWiring,
  options: Pick<CheckOptions, "domain" | "at" | "peer" | "warnBefore">,
): Promise<CheckReport[]> {
  const reports: CheckReport[] = [];
  try {
    for (const { configuration, bases, others } of await reader.read(options.domain)) {
      const { resolver, crypto } = wire({ ...tokens, bases });
      const files = fileBackend({ bases });
      const exposure: ExposureOf = async (uri) => await files.exposure(uri);
      const readCaFolder: ReadCaFolder = async (path) => await files.certificateFolder(path);
      try {
        reports.push(
          await check(configuration, { resolver, crypto, exposure, readCaFolder, ...others, ...options }),
        );
      } finally {
        await resolver.close();
      }
    }
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    reports.push(unreadable(reader.name, error));
  }
  return reports;
}

async function show(reports: readonly CheckReport[], format: Format, at: Date): Promise<void> {
  if (format === "text") {
    const style = styleOf(process.stdout);
    process.stdout.write(reports.map((report) => renderReport(report, style)).join("\n"));
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
