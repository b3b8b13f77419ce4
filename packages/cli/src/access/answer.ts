import { CredentialError, errorCodes } from "@ddscred/core";
import {
  type Access,
  type Concern,
  type Decision,
  type DialectName,
  openAccess,
  type ParticipantProtection,
  refusedDecision,
  type TopicProtection,
} from "@ddscred/dds-security";
import { UsageError } from "../exit.ts";
import { sourceOpener } from "../open-source.ts";
import { type Arguments, readDomain, readMoment, readPeer } from "../options.ts";
import type { Source } from "../source.ts";
import { decide, type Question, wordsOf } from "./question.ts";

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
  /** What to do where the documents deny it, and which of them. */
  readonly remedy?: Remedy;
  /** Why nothing was opened. */
  readonly error?: CredentialError;
}

/** Answers a question about one configuration; what its dialect would not open is an answer too. */
export async function answerOf(source: Source, question: Question, args: Arguments): Promise<Answer> {
  const { configuration } = source;
  const domain =
    readDomain(args) ?? (typeof configuration.domain === "number" ? configuration.domain : undefined);
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
    const judged = {
      ...base,
      decision,
      ...(!decision.allowed && { remedy: remedyFor(access, decision, question, source) }),
    };
    if (!args.flag("protection")) return judged;
    const topic = question.topic === undefined ? undefined : access.protection(question.topic);
    return { ...judged, protection: { participant: access.participantProtection(), topic } };
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    return { ...base, ...refused(error) };
  } finally {
    await close();
  }
}

/** What to do about a denial, and the property of the document to do it in. */
interface Remedy extends Concern {
  readonly hint: string;
}

/** In the dialect of Cyclone DDS the code is a number, so what is missing is looked for. */
function remedyFor(
  access: Access,
  { code }: Decision,
  { topic }: Question,
  { configuration }: Source,
): Remedy {
  const isRuled = access.domainRule !== undefined;
  const isCovered = isRuled && (topic === undefined || access.topicRule(topic) !== undefined);
  const lacking = isCovered ? "ACCESS_DENIED" : isRuled ? "TOPIC_NOT_COVERED" : "DOMAIN_NOT_COVERED";
  const property = isCovered ? "dds.sec.access.permissions" : "dds.sec.access.governance";
  const location = configuration.properties.get(property)?.location;
  const { hint } = errorCodes[typeof code === "number" || code === "ALLOWED" ? lacking : code];
  return { hint, property, ...(location && { location }) };
}

/** The answer where a source cannot even be read. */
export function unreadable(
  source: string,
  error: CredentialError,
  question: Question,
  args: Arguments,
): Answer {
  return { source, ...asked(question, args), ...refused(error) };
}

function asked(question: Question, args: Arguments): Pick<Answer, "question" | "dialect"> {
  return { question: wordsOf(question), dialect: readPeer(args) ?? "spec" };
}

function refused(error: CredentialError): Pick<Answer, "decision" | "error"> {
  return { decision: refusedDecision(error), error };
}
