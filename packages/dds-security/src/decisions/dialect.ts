import type { DistinguishedName, SourceLocation, VerifiedDocument } from "@ddscred/core";
import type { DomainRule, Governance } from "../documents/governance.ts";
import type { AccessRule, Criterion, Grant, Permissions } from "../documents/permissions.ts";
import type { EndpointRequest, Verdict } from "./decision.ts";
import type { CompileExpression, Expression } from "./expression.ts";

export type DialectName = "spec" | "cyclonedds" | "fastdds";
export type AccessAction = Criterion["kind"];

/**
 * What differs between the specification and each implementation in reading documents and deciding over access.
 * One object a dialect; whatever they have in common stands in `access.ts`.
 */
export interface Dialect {
  readonly name: DialectName;
  /** How a message calls it. */
  readonly title: string;

  /** The documents as it reads them. `DOCUMENT_INVALID`, `XML_INVALID`, or a PeerRefusal with its code. */
  readGovernance(document: VerifiedDocument, options: { file?: string }): Governance;
  readPermissions(document: VerifiedDocument, options: { file?: string }): Permissions;
  /** The grant of a subject at a moment. `SUBJECT_MISMATCH`, `GRANT_EXPIRED` and their kin where there is none. */
  grantFor(permissions: Permissions, subject: DistinguishedName, at: Date): Grant;

  readonly expression: CompileExpression;
  /** Topics also count as patterns of the expressions in the governance. */
  readonly topicsArePatterns: boolean;
  /** Domain tags of DDS-Security 1.2 count. */
  readonly knowsDomainTags: boolean;
  /** Topics that no document rules over. */
  isBuiltin(topic: string): boolean;
  /** Whether a rule of the grant counts in a domain. */
  appliesIn(rule: AccessRule, domain: number): boolean;
  /** The steps that a rule amounts to for an action, in the order in which they decide. */
  steps(rule: AccessRule, action: AccessAction): readonly Step[];
  /** Whether a step whose topic matches decides for the request; undefined where the next one is asked. */
  judge(step: Step, request: EndpointRequest): Verdict | undefined;

  readonly says: DialectSays;
  /** Whether it lets a participant with this domain rule exist. It throws a PeerRefusal otherwise. */
  checkDomainRule(rule: DomainRule): void;
  join(rights: Rights): Verdict;
  /** May a topic be created whose reading and writing is controlled; undefined where it never asks. */
  readonly topic: ((rights: Rights, topic: string) => Verdict) | undefined;
}

/** The verdicts that all dialects have, each in its own words and codes. */
interface DialectSays {
  builtin(topic: string): Verdict;
  noDomain(domain: number): Verdict;
  noTopicRule(topic: string, domain: number): Verdict;
  /** The governance does not control this. */
  open(what: string, rule: SourceLocation | undefined): Verdict;
  /** No rule decided. */
  fallback(grant: Grant, topic: string): Verdict;
}

/** One question that a rule puts to a request. */
export interface Step {
  readonly rule: AccessRule;
  readonly location: SourceLocation;
  readonly topics: readonly Expression[];
  /** Undefined where the rule names none. */
  readonly partitions?: readonly Expression[] | undefined;
  readonly tags?: readonly { readonly name: string; readonly value: string }[] | undefined;
}

/** What a dialect's join and topic may look at. */
export interface Rights {
  readonly domain: number;
  /** Of the domain; undefined where no rule covers it. */
  readonly domainRule: DomainRule | undefined;
  readonly grant: Grant;
  /** Those that count in the domain. */
  readonly rules: readonly AccessRule[];
  /** The steps that a topic leads to, in their order. */
  stepsOf(action: AccessAction, topic: string): readonly Step[];
}

/** Whether each of the texts matches one of the expressions. */
export const everyMatches = (texts: readonly string[], expressions: readonly Expression[]): boolean =>
  texts.every((text) => expressions.some((expression) => expression.matches(text)));

/** Whether any of the texts matches one of the expressions. */
export const someMatches = (texts: readonly string[], expressions: readonly Expression[]): boolean =>
  texts.some((text) => expressions.some((expression) => expression.matches(text)));

/** The partitions that an endpoint is in: the default partition is "" (DDS 1.4 2.2.3.13). */
export const partitionsOf = ({ partitions }: EndpointRequest): readonly string[] =>
  partitions.length === 0 ? DEFAULT_PARTITION : partitions;

const DEFAULT_PARTITION: readonly string[] = [""];
