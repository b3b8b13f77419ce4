import type { BasicProtectionKind, ProtectionKind } from "../documents/values.ts";

/**
 * What a Governance and a Permissions document are to say, before they are XML. Everything that a document may
 * leave out is filled in here, so that all implementations read the same.
 */
export interface GovernanceDraft {
  readonly domains: readonly DomainSpan[];
  readonly allowUnauthenticated: boolean;
  readonly joinAccessControl: boolean;
  readonly discovery: ProtectionKind;
  readonly liveliness: ProtectionKind;
  readonly rtps: ProtectionKind;
  /** The first whose pattern matches decides; the last one is for all other topics. */
  readonly topics: readonly TopicDraft[];
}

export interface TopicDraft {
  /** A pattern of topic names. */
  readonly topic: string;
  readonly discovery: boolean;
  readonly liveliness: boolean;
  readonly read: boolean;
  readonly write: boolean;
  readonly metadata: ProtectionKind;
  readonly data: BasicProtectionKind;
}

export interface GrantDraft {
  readonly name: string;
  /** RFC 4514. */
  readonly subject: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** In their order: the first that matches decides, and what none matches is denied. */
  readonly rules: readonly RuleDraft[];
}

export interface RuleDraft {
  readonly action: "allow" | "deny";
  readonly domains: readonly DomainSpan[];
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** Patterns of partitions, for both; empty for the default partition alone. */
  readonly partitions: readonly string[];
}

/** Domain ids from the first to the last. */
export type DomainSpan = readonly [first: number, last: number];
