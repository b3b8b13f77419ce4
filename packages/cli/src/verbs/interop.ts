import { CredentialError, formatName } from "@ddscred/core";
import { type Finding, type LocalIdentity, openLocalIdentity } from "@ddscred/dds-security";
import { EXIT, UsageError } from "../exit.ts";
import { type Conversation, conversations, type Side } from "../interop/conversations.ts";
import { meet, predictions } from "../interop/meeting.ts";
import { renderConversations, renderPairs } from "../interop/render.ts";
import { type JudgedPair, judgePairs, nothingFlows } from "../interop/verdict.ts";
import type { Verb } from "../main.ts";
import { sourceOpener } from "../open-source.ts";
import { type Arguments, readArguments, readDomain, readFormat, readMoment } from "../options.ts";
import { sourceUsage, tokenOptions } from "../pin/options.ts";
import { type SourceReader, sourceReaders } from "../source.ts";
import { isUnanswered, remedyOf, type ShownError, shownError } from "../terminal/errors.ts";
import { printJson } from "../terminal/json.ts";
import { brief, LABEL, type Style, styleOf, wrap } from "../terminal/style.ts";

const usage = `Usage: ddscred interop [OPTIONS] SOURCE SOURCE

Says whether two participants will authenticate with each other, and what they
will be able to say to each other: a handshake is made with the credentials of
both, and for each implementation on either side it is said whether its way to
write the messages lets it complete. Then, for each direction, which topics that
their documents name one may write and the other read, on the default partition,
and whether both protect them alike, as the implementations read the documents.
Each implementation is judged as if the configuration that it reads named the
same credentials.

  SOURCE                as for check, one configuration each
${sourceUsage}
  --domain N            which configuration of a file, and the domain to talk
                        in, 0 to 230; default: those that the documents name
  --topic TOPIC         ask for this topic alone; repeat it
  --at TIME             judge another moment
  --format text|json    default text

Who begins is decided by a hash of the certificates' subjects: a pair of
certificates always begins on the same side.

That nothing flows, in neither direction, is a warning.

Exit status: 0 their credentials authenticate each other, 1 they do not, or none
of the topics of --topic flows, 2 wrong usage, 3 could not find out: a device
failed.

  ddscred interop alice/cyclonedds.xml bob/cyclonedds.xml
`;

export const verb: Verb = { usage, run };

/** Either pairs and conversations, or what stops them. */
interface Outcome extends Partial<ShownError> {
  readonly authenticates: boolean;
  /** Which source is at fault, where it is one. */
  readonly source?: string;
  readonly initiator?: string;
  readonly replier?: string;
  readonly pairs?: readonly JudgedPair[];
  readonly conversations?: readonly Conversation[];
  readonly findings?: readonly Finding[];
}

async function run(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv, {
    ...tokenOptions,
    domain: { type: "string" },
    topic: { type: "string", multiple: true },
    at: { type: "string" },
    format: { type: "string" },
  });
  const format = readFormat(args, ["text", "json"]);
  const at = readMoment(args) ?? new Date();
  if (args.positionals.length !== 2) throw new UsageError("name two configurations");
  const [one, other] = sourceReaders(args);
  if (one === undefined || other === undefined) throw new UsageError("name two configurations");
  const outcome = await judge([one, other], args, at);
  if (format === "json") printJson(outcome);
  else process.stdout.write(render(outcome, styleOf(process.stdout)));
  const { code, uri } = outcome;
  if (code !== undefined)
    return isUnanswered({ code, ...(uri !== undefined && { uri }) }) ? EXIT.unknown : EXIT.no;
  // Who asks for a topic is told no; what documents name is only worth a warning, for there are other partitions.
  return args.list("topic").length > 0 && outcome.findings?.length !== 0 ? EXIT.no : EXIT.good;
}

async function judge(readers: readonly SourceReader[], args: Arguments, at: Date): Promise<Outcome> {
  const opened: (Side & { local: LocalIdentity; close: () => Promise<void> })[] = [];
  let current = "";
  try {
    for (const reader of readers) {
      current = reader.name;
      opened.push({ name: reader.name, ...(await open(reader, args, at)) });
    }
    current = "";
    const [one, other] = opened;
    if (one === undefined || other === undefined) throw new UsageError("name two configurations");
    const met = await meet(one, other, at);
    const asked = { domain: readDomain(args), topics: args.list("topic") };
    const found = await conversations([one, other], asked);
    return {
      authenticates: true,
      initiator: formatName(met.initiator.local.certificate.subject),
      replier: formatName(met.replier.local.certificate.subject),
      pairs: judgePairs(
        predictions(met),
        { initiator: met.initiator.name, replier: met.replier.name },
        found,
      ),
      conversations: found,
      findings: nothingFlows(found, asked.topics),
    };
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    return { authenticates: false, ...shownError(error), ...(current !== "" && { source: current }) };
  } finally {
    for (const { close } of opened) await close();
  }
}

async function open(reader: SourceReader, args: Arguments, at: Date) {
  const [source, second] = await reader.read(readDomain(args));
  if (source === undefined || second !== undefined)
    throw new UsageError("a file holds several configurations: choose one by --domain");
  const { resolver, crypto, readCaFolder, close } = sourceOpener(args)(source);
  try {
    const context = { resolver, crypto, readCaFolder, at };
    const { configuration } = source;
    return { local: await openLocalIdentity(configuration, context), configuration, context, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function render(outcome: Outcome, style: Style): string {
  const { authenticates, initiator = "", replier = "" } = outcome;
  const { pairs = [], conversations = [], findings = [] } = outcome;
  if (!authenticates) return renderFailure(outcome, style);
  const warnings = findings.flatMap(({ severity, code, message, hint }) => [
    `${style.warn(severity)}  ${style.bold(code)}`,
    wrap(message, style.width, "  "),
    wrap(`> ${hint}`, style.width, "  "),
  ]);
  const head = [
    style.good("authenticate"),
    `  initiator  ${brief(initiator, LABEL)}`,
    `  replier    ${brief(replier, LABEL)}`,
    ...warnings,
    "",
  ];
  return `${[...head, ...renderPairs(pairs, style), ...renderConversations(conversations, style)].join("\n")}\n`;
}

function renderFailure(outcome: Outcome, style: Style): string {
  const { code = "", message = "", hint = "", source } = outcome;
  const error = { ...outcome, code, message, hint };
  const verdict = isUnanswered(error) ? "could not find out" : "do not authenticate";
  const why = code === "PIN_INCORRECT" && !isUnanswered(error) ? "would not start: " : "";
  return `${[
    `${style.bad(verdict)}  ${style.bold(code)}`,
    wrap(`${source === undefined ? "" : `${source}: `}${why}${message}`, style.width, "  "),
    ...remedyOf(error, style, "  "),
  ].join("\n")}\n`;
}
