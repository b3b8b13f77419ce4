import { CredentialError } from "@ddscred/core";
import { type Answer, answerOf, unreadable } from "../access/answer.ts";
import { questionOptions, readQuestion } from "../access/question.ts";
import { EXIT, UsageError } from "../exit.ts";
import type { Verb } from "../main.ts";
import { peerOptions, readArguments, readDomain, readFormat } from "../options.ts";
import { sourceUsage, tokenOptions } from "../pin/options.ts";
import { sourceReaders } from "../source.ts";
import { decisionJson, renderDecision } from "../terminal/decision.ts";
import { isUnanswered } from "../terminal/errors.ts";
import { printJson } from "../terminal/json.ts";
import { styleOf } from "../terminal/style.ts";

const usage = `Usage: ddscred access [OPTIONS] SOURCE [--domain N] QUESTION
       ddscred access [OPTIONS] --property NAME=URI ... --domain N QUESTION

Says whether the participant of a configuration may do something, which rule of
its documents decides, and why the others do not. What the implementation would
not accept, an identity, a signature, a document, allows nothing. Where a module,
a token or a PIN from outside fails, nothing is found out.

  SOURCE                as for check: a configuration of Cyclone DDS, a profile
                        of Fast DDS, an enclave of SROS 2
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
                        Default spec. Fast DDS takes the times of permissions
                        for local ones: those of this machine, or of TZ
  --peer NAME           the same: check's name for it
  --at TIME             judge another moment: 2027-01-31T12:00:00Z
  --protection          say also what is encrypted, signed and open, with the
                        masks on the wire
${sourceUsage}
  --format text|json    default text. JSON: allowed, code, reason, rule (file,
                        line, column), considered, hint, and the property and
                        location of what denies it; code is the number that
                        Cyclone DDS gives in its dialect (0: allowed), and a
                        code of docs/errors.md, or ALLOWED, in the others

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
    ...questionOptions,
    ...peerOptions,
    at: { type: "string" },
    protection: { type: "boolean" },
    format: { type: "string" },
  });
  const format = readFormat(args, ["text", "json"]);
  const question = readQuestion(args);
  const [reader, ...others] = sourceReaders(args);
  if (reader === undefined || others.length > 0) throw new UsageError("name one configuration");
  const answers: Answer[] = [];
  try {
    for (const source of await reader.read(readDomain(args))) {
      answers.push(await answerOf(source, question, args));
    }
    if (answers.length === 0)
      throw new CredentialError("SECURITY_MISSING", "no configuration is for the domain");
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    answers.push(unreadable(reader.name, error, question, args));
  }
  show(answers, format);
  return exitOfAll(answers);
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
  return denied.every(({ error }) => error !== undefined && isUnanswered(error)) ? EXIT.unknown : EXIT.no;
}
