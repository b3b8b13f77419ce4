import { CredentialError } from "@ddscred/core";
import {
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
