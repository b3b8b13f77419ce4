import { CredentialError } from "@ddscred/core";
import {
  type Access,
  type Decision,
  type DialectName,
  type EndpointOptions,
  openAccess,
  type ParticipantProtection,
  refusedDecision,
  type TopicProtection,
} from "@ddscred/dds-security";
import { EXIT, UsageError } from "../exit.ts";
import type { Verb } from "../main.ts";
import { sourceOpener } from "../open-source.ts";
import {
  type Arguments,
  readArguments,
  readDialect,
  readDomain,
  readFormat,
  readMoment,
  readTags,
} from "../options.ts";
import { sourceUsage, tokenOptions } from "../pin/options.ts";
import { type Source, sourceReaders } from "../source.ts";
import { decisionJson, renderDecision } from "../terminal/decision.ts";
import { exitOf } from "../terminal/errors.ts";
import { printJson } from "../terminal/json.ts";
import { styleOf } from "../terminal/style.ts";

const usage = `Usage: ddscred access [OPTIONS] SOURCE [--domain N] QUESTION
       ddscred access [OPTIONS] --property NAME=URI ... --domain N QUESTION

Says whether the participant of a configuration may do something, which rule of
its documents decides, and why the others do not. What the implementation would
not accept, an identity, a signature, a document, allows nothing.

  SOURCE                as for \`ddscred check\`: a configuration of Cyclone DDS, a
                        profile of Fast DDS, an enclave of SROS 2
  --domain N            the domain, 0 to 230; default: the one that the
                        configuration is for, where it is for one
  --domain-tag TAG      the domain tag of the participant, since 1.2; default:
                        none
  QUESTION              one of
    --join              join the domain
    --topic TOPIC       create the topic
    --publish TOPIC     write it
    --subscribe TOPIC   read it
    --relay TOPIC       pass it on
  --partition NAME      a partition of the publisher or subscriber; repeat it
  --tag NAME=VALUE      a data tag of the writer or reader; repeat it
  --dialect NAME        whose reading counts: spec, cyclonedds or fastdds.
                        Default spec. Fast DDS takes the times of permissions for
                        local ones: those of this machine, or of TZ
  --at TIME             judge another moment: 2027-01-31T12:00:00Z
  --protection          say also what is encrypted, signed and open, with the
                        masks on the wire
${sourceUsage}
  --format text|json    default text. JSON: allowed, code, reason, rule (file,
                        line, column), considered; code is the number that
                        Cyclone DDS gives in its dialect (0: allowed), and a code
                        of docs/errors.md, or ALLOWED, in the others

Exit status: 0 allowed, 1 denied, 2 wrong usage, 3 could not find out.

  ddscred access cyclonedds.xml --domain 0 --publish Square --dialect cyclonedds
  ddscred access enclaves/talker --domain 7 --subscribe rt/chatter --partition A
`;

export const verb: Verb = { usage, run };

async function run(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv, {
    property: { type: "string", multiple: true },
    ...tokenOptions,
    domain: { type: "string" },
    "domain-tag": { type: "string" },
    join: { type: "boolean" },
    topic: { type: "string", multiple: true },
    publish: { type: "string", multiple: true },
    subscribe: { type: "string", multiple: true },
    relay: { type: "string", multiple: true },
    partition: { type: "string", multiple: true },
    tag: { type: "string", multiple: true },
    dialect: { type: "string" },
    at: { type: "string" },
    protection: { type: "boolean" },
    format: { type: "string" },
  });
  const format = readFormat(args, ["text", "json"]);
  const question = readQuestion(args);
  const domain = readDomain(args);
  const [reader, ...others] = sourceReaders(args);
  if (reader === undefined || others.length > 0) throw new UsageError("name one configuration");
  const answers: Answer[] = [];
  try {
    for (const source of await reader.read(domain)) {
      answers.push(await answer(source, question, { args, domain }));
    }
    if (answers.length === 0)
      throw new CredentialError("SECURITY_MISSING", "no configuration is for the domain");
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    answers.push({ source: reader.name, ...asked(question, args), ...refused(error) });
  }
  show(answers, format);
  return exitOfAll(answers);
}

/** What is asked. */
interface Question {
  readonly what: "join" | "topic" | "publish" | "subscribe" | "relay";
  readonly topic?: string;
  readonly options: EndpointOptions;
}

/** What is printed of one configuration. */
export interface Answer {
  readonly source: string;
  readonly question: string;
  readonly dialect: DialectName;
  readonly domain?: number;
  readonly decision: Decision;
  readonly protection?: {
    readonly participant?: ParticipantProtection | undefined;
    readonly topic?: TopicProtection | undefined;
  };
  /** Why nothing was opened. */
  readonly error?: CredentialError;
}

function readQuestion(args: Arguments): Question {
  const options = { partitions: args.list("partition"), tags: readTags(args) };
  const questions: Question[] = args.flag("join") ? [{ what: "join", options }] : [];
  for (const what of ["topic", "publish", "subscribe", "relay"] as const) {
    for (const topic of args.list(what)) questions.push({ what, topic, options });
  }
  const [question, ...others] = questions;
  if (question === undefined || others.length > 0) {
    throw new UsageError("ask one question: --join, --topic, --publish, --subscribe or --relay TOPIC");
  }
  if (question.topic === "") throw new UsageError("a topic has a name");
  return question;
}

async function answer(
  source: Source,
  question: Question,
  { args, domain: asks }: { args: Arguments; domain: number | undefined },
): Promise<Answer> {
  const { configuration } = source;
  const domain = asks ?? (typeof configuration.domain === "number" ? configuration.domain : undefined);
  if (domain === undefined) throw new UsageError("name the domain: --domain N");
  const base = { source: configuration.source, ...asked(question, args), domain };
  const { resolver, crypto, readCaFolder, close } = sourceOpener(args)(source);
  try {
    const at = readMoment(args) ?? new Date();
    const { dialect } = base;
    const domainTag = args.text("domain-tag") ?? "";
    const access = await openAccess(configuration, {
      resolver,
      crypto,
      readCaFolder,
      domain,
      domainTag,
      at,
      dialect,
    });
    const decision = decide(access, question);
    if (!args.flag("protection")) return { ...base, decision };
    const topic = question.topic === undefined ? undefined : access.protection(question.topic);
    return { ...base, decision, protection: { participant: access.participantProtection(), topic } };
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    return { ...base, ...refused(error) };
  } finally {
    await close();
  }
}

function asked({ what, topic }: Question, args: Arguments): Pick<Answer, "question" | "dialect"> {
  return { question: topic === undefined ? what : `${what} ${topic}`, dialect: readDialect(args) };
}

function refused(error: CredentialError): Pick<Answer, "decision" | "error"> {
  return { decision: refusedDecision(error), error };
}

function decide(access: Access, { what, topic = "", options }: Question): Decision {
  if (what === "join") return access.join();
  return what === "topic" ? access.topic(topic) : access[what](topic, options);
}

function show(answers: readonly Answer[], format: "text" | "json"): void {
  if (format === "text") {
    const style = styleOf(process.stdout);
    process.stdout.write(answers.map((each) => renderDecision(each, style)).join("\n"));
    return;
  }
  // One configuration is an object, several are a list.
  const shown = answers.map(decisionJson);
  printJson(shown.length === 1 ? shown[0] : shown);
}

function exitOfAll(answers: readonly Answer[]): number {
  const denied = answers.filter(({ decision }) => !decision.allowed);
  if (denied.length === 0) return EXIT.good;
  return exitOf(denied.map(({ error }) => ({ code: error?.code ?? "ACCESS_DENIED" })));
}
