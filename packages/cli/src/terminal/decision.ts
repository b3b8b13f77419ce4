import {
  documentReaders,
  elementOf,
  type ParticipantProtection,
  type TopicProtection,
} from "@ddscred/dds-security";
import type { Answer } from "../access/answer.ts";
import { isUnanswered, placeOf, remedyOf, shownError } from "./errors.ts";
import { brief, type Style, URI, wrap } from "./style.ts";

const DIALECTS = { ...documentReaders, spec: "DDS Security 1.2" } as const;
const INDENT = "  ";
const SHOWN = 10;

/** A decision for a person: the answer, the rule that decided, and why those before it did not. */
export function renderDecision(answer: Answer, style: Style): string {
  const { question, dialect, domain, decision, protection, error, remedy } = answer;
  const where = domain === undefined ? "" : ` in domain ${domain}`;
  const code = decision.allowed ? "" : ` (${decision.code})`;
  const asked = `${style.bold(brief(question, URI))}${where}`;
  const isUnknown = error !== undefined && isUnanswered(error);
  const verdict = decision.allowed ? style.good("allowed") : style.bad("denied");
  const lines = [
    isUnknown
      ? `${style.bad("could not find out")}  ${asked}${code}`
      : `${verdict}  ${asked}, by ${DIALECTS[dialect]}${code}`,
  ];
  lines.push(wrap(reasonOf(answer), style.width, INDENT));
  // What stops the opening has a place, but no rule.
  if (error !== undefined) lines.push(...remedyOf(shownError(error), style, INDENT));
  else if (decision.rule !== undefined) lines.push(`${INDENT}rule: ${placeOf(decision.rule)}`);
  else if (remedy !== undefined) lines.push(style.faint(INDENT + placeOfRemedy(remedy)));
  for (const { rule, why } of decision.considered.slice(0, SHOWN)) {
    lines.push(style.faint(wrap(`not ${placeOf(rule)}: ${why}`, style.width, `${INDENT}  `)));
  }
  const more = decision.considered.length - SHOWN;
  if (more > 0) lines.push(style.faint(`${INDENT}  and ${more} more rules`));
  if (remedy !== undefined) lines.push(wrap(`> ${remedy.hint}`, style.width, INDENT));
  if (protection?.topic !== undefined) lines.push(...topicLines(protection.topic, style));
  if (protection?.participant !== undefined) lines.push(...participantLines(protection.participant, style));
  return `${lines.join("\n")}\n`;
}

/** Why; of what was not opened, whose fault that is. */
function reasonOf({ decision: { reason }, error }: Answer): string {
  if (error === undefined) return reason;
  if (isUnanswered(error)) return `could not find out: ${reason}`;
  return error.code === "PIN_INCORRECT" ? `would not start: the PIN was refused (${reason})` : reason;
}

/** A decision for a program. */
export function decisionJson(answer: Answer): object {
  const { source, question, dialect, domain, decision, protection, error, remedy } = answer;
  return {
    allowed: decision.allowed,
    ...(error !== undefined && isUnanswered(error) ? { foundOut: false } : {}),
    code: decision.code,
    reason: reasonOf(answer),
    rule: decision.rule ?? null,
    considered: decision.considered,
    ...(error === undefined ? {} : findingJson(error)),
    ...remedy,
    source,
    question,
    dialect,
    ...(domain === undefined ? {} : { domain }),
    ...(protection === undefined ? {} : { protection }),
  };
}

function findingJson(error: NonNullable<Answer["error"]>): object {
  const { code, message: _, candidates: __, ...shown } = shownError(error);
  return { finding: code, ...shown };
}

function placeOfRemedy({ property, location }: NonNullable<Answer["remedy"]>): string {
  const name = elementOf(property);
  return location === undefined ? name : `${name}  ${placeOf(location)}`;
}

function topicLines(topic: TopicProtection, style: Style): string[] {
  const samples = topic.samples === "open" ? style.warn("open") : topic.samples;
  return [
    `${INDENT}samples: ${samples} (data ${topic.data}, metadata ${topic.metadata})`,
    `${INDENT}discovery ${yes(topic.discovery)}, liveliness ${yes(topic.liveliness)}, reading ${controlled(
      topic.readAccessControlled,
    )}, writing ${controlled(topic.writeAccessControlled)}`,
    `${INDENT}endpoint attributes ${hex(topic.attributes)}, plugin ${hex(topic.pluginAttributes)}`,
  ];
}

function participantLines(participant: ParticipantProtection, style: Style): string[] {
  const { rtps, discovery, liveliness, allowUnauthenticated } = participant;
  const open = allowUnauthenticated ? style.warn(", unauthenticated participants allowed") : "";
  return [
    `${INDENT}participant: rtps ${rtps}, discovery ${discovery}, liveliness ${liveliness}${open}`,
    `${INDENT}participant attributes ${hex(participant.attributes)}, plugin ${hex(participant.pluginAttributes)}`,
  ];
}

const yes = (flag: boolean): string => (flag ? "protected" : "open");
const controlled = (flag: boolean): string => (flag ? "controlled" : "not controlled");
const hex = (mask: number): string => `0x${mask.toString(16).padStart(8, "0")}`;
