import { type Finding, finding, type Severity } from "./finding.ts";

/**
 * Findings while they come in. A hostile text can earn hundreds of thousands of them: the first 200 are kept, the
 * others are counted, and the worst of those is the severity of the one finding that tells their number.
 */
export class FindingList {
  readonly #kept: Finding[] = [];
  #untold = { error: 0, warning: 0, info: 0 };

  /** Whether more would only be counted, so that {@link count} will do. */
  get full(): boolean {
    return this.#kept.length >= MAX_FINDINGS;
  }

  add(...findings: readonly Finding[]): void {
    for (const each of findings) {
      if (this.full) this.count(each.severity);
      else this.#kept.push(each);
    }
  }

  /** Keeps findings of which there can be only a few, whatever came before. */
  keep(...findings: readonly Finding[]): void {
    this.#kept.push(...findings);
  }

  count(severity: Severity): void {
    this.#untold[severity]++;
  }

  all(): readonly Finding[] {
    const { error, warning, info } = this.#untold;
    const more = error + warning + info;
    if (more === 0) return this.#kept;
    const severity = error > 0 ? "error" : warning > 0 ? "warning" : "info";
    const hint = "Mend those that are told first.";
    return [...this.#kept, finding("CONFIG_INVALID", severity, `and ${more} more findings`, { hint })];
  }
}

const MAX_FINDINGS = 200;
