import type { CredentialError } from "@ddscred/core";
import { type Finding, findingFromError } from "../finding.ts";

/** What `check` says of one configuration. Every value can be printed: URIs are redacted. */
export interface CheckReport {
  /** File or other name of the configuration. */
  readonly source: string;
  /** The Domain of the configuration that was judged, where it names one. */
  readonly domain?: "any" | number;
  /** No finding of severity error. */
  readonly ok: boolean;
  /** Errors first, each group in the order of the file. */
  readonly findings: readonly Finding[];
  readonly credentials: readonly CredentialReport[];
  readonly documents: readonly DocumentReport[];
  /** All that ends, the earliest first. */
  readonly expiry: readonly Expiry[];
}

export interface CredentialReport {
  readonly property: string;
  readonly uri: string;
  readonly kind: "certificate" | "private-key";
  /** RFC 4514. Certificates only. */
  readonly subject?: string;
  readonly issuer?: string;
  /** Such as `EC P-256`. */
  readonly key: string;
  /** ISO 8601, UTC. Certificates only. */
  readonly notBefore?: string;
  readonly notAfter?: string;
  /** Private keys only; absent where the source does not say. */
  readonly extractable?: boolean;
  /** Private keys only: a signature made with it was verified with the identity certificate. */
  readonly possessionProved?: boolean;
}

export interface DocumentReport {
  readonly property: string;
  readonly uri: string;
  readonly signer: string;
  /** Name of the signature scheme. */
  readonly scheme: string;
  /** ISO 8601, UTC; absent where the signature does not say. */
  readonly signingTime?: string;
}

export interface Expiry {
  readonly what: string;
  readonly property: string;
  /** ISO 8601, UTC. */
  readonly notAfter: string;
}

/** The report of a source that cannot even be read as a configuration. */
export function unreadable(source: string, error: CredentialError): CheckReport {
  const findings = [findingFromError(error, "error")];
  return { source, ok: false, findings, credentials: [], documents: [], expiry: [] };
}

/** What is said of a fleet as a whole. */
export function ofFleet(findings: readonly Finding[]): CheckReport {
  const ok = findings.every(({ severity }) => severity !== "error");
  return { source: FLEET, ok, findings, credentials: [], documents: [], expiry: [] };
}

/** The source of such a report. */
export const FLEET = "fleet";
