import type { ErrorCode, SourceLocation } from "@ddscred/core";

/**
 * `ALLOWED`, why not, or in the dialect of Cyclone DDS the number that it gives (0 where it allows), which is
 * one of dds_security_api_err.h.
 */
export type DecisionCode = "ALLOWED" | ErrorCode | number;

/** The answer to one question of access. */
export interface Decision {
  readonly allowed: boolean;
  readonly code: DecisionCode;
  /** In a sentence; in the words of the implementation where it has some. */
  readonly reason: string;
  /** The rule that decided: of the permissions, or of the governance where that decides alone. */
  readonly rule?: SourceLocation;
  /** The rules that did not decide, in their order, and why; at most 100. Found out when it is read. */
  readonly considered: readonly Considered[];
}

/** A rule that was looked at before another decided. */
export interface Considered {
  readonly rule: SourceLocation;
  readonly why: string;
}

/** How a rule decides, before the topic is put into words. */
export interface Verdict {
  readonly allowed: boolean;
  readonly code: DecisionCode;
  readonly reason: string;
  readonly rule?: SourceLocation | undefined;
}

/** What is asked of an endpoint. */
export interface EndpointRequest {
  readonly topic: string;
  /** The partitions of the publisher or subscriber; none is the default partition, "". */
  readonly partitions: readonly string[];
  readonly tags: readonly RequestTag[];
}

/** A data tag of a writer or reader (DDS-Security 7.3.5). */
export interface RequestTag {
  readonly name: string;
  readonly value: string;
}

/** Makes a decision; `consider` runs when somebody asks why the others did not decide. */
export function makeDecision(verdict: Verdict, consider: () => readonly Considered[]): Decision {
  return new MadeDecision(verdict, consider);
}

class MadeDecision implements Decision {
  readonly allowed: boolean;
  readonly code: DecisionCode;
  readonly reason: string;
  readonly rule?: SourceLocation;
  readonly #consider: () => readonly Considered[];
  #considered: readonly Considered[] | undefined;

  constructor({ allowed, code, reason, rule }: Verdict, consider: () => readonly Considered[]) {
    this.allowed = allowed;
    this.code = code;
    this.reason = reason;
    if (rule !== undefined) this.rule = rule;
    this.#consider = consider;
  }

  get considered(): readonly Considered[] {
    this.#considered ??= this.#consider();
    return this.#considered;
  }
}
